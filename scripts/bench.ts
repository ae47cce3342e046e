/**
 * `npm run bench`: ratios measured in one run, on a real control plane without a node (docs/benchmarks.md).
 * `npm run bench -- commands`: those of our commands alone. `npm run bench -- many`: one operator over 10,000 pods. `npm run bench -- soak 60`: one operator for 60 minutes of everyday work.
 * `npm run bench -- sandbox`: the figures of the sandbox, which needs no control plane. Prints tables; ends with one line and exit code 1 where that ground cannot be made.
 */
import {spawnSync} from 'node:child_process'
import {ensureClient, ensureDask, NEWEST_DASK} from '../test/toolchain/pythons.ts'

const story = (line: string): void => console.error(line)
const onControlPlane = [
  ['test/kubernetes/build.ts'],
  ['test/kubernetes/netns.ts', process.execPath, '--no-warnings', 'test/bench/run.ts', ...process.argv.slice(2)],
]
const isOfSandbox = process.argv.includes('sandbox')
await (isOfSandbox ? ensureDask(NEWEST_DASK, story) : ensureClient(story))
for (const args of [['scripts/build.ts'], ...(isOfSandbox ? [['test/bench/sandbox.ts']] : onControlPlane)]) {
  const {status, error} = spawnSync(process.execPath, ['--no-warnings', ...args], {stdio: 'inherit'})
  if (error) console.error(`${args.join(' ')} does not start: ${error.message}`)
  if (status === 0) continue
  process.exitCode = status ?? 1
  break
}
