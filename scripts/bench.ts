/**
 * `npm run bench`: ratios measured in one run, on a real control plane without a node (docs/benchmarks.md).
 * Prints one table; ends with one line and exit code 1 where that ground cannot be made.
 */
import {spawnSync} from 'node:child_process'

for (const args of [
  ['scripts/build.ts'],
  ['test/kubernetes/build.ts'],
  ['test/kubernetes/netns.ts', process.execPath, '--no-warnings', 'test/bench/run.ts'],
]) {
  const {status, error} = spawnSync(process.execPath, ['--no-warnings', ...args], {stdio: 'inherit'})
  if (error) console.error(`${args.join(' ')} does not start: ${error.message}`)
  if (status === 0) continue
  process.exitCode = status ?? 1
  break
}
