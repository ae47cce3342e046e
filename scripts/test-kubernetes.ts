/**
 * `npm run test:kubernetes -- --version 1.34.4 [files]`: the product tests on the control plane of another Kubernetes, which is built first
 * (about 5 minutes) and kept in the user's cache. Without files all of them; results are told in docs/testing.md.
 */
import {spawn} from 'node:child_process'
import {parseArgs} from 'node:util'
import {httpRouteDefinition} from '../test/kubernetes/gateway-api.ts'
import {ensureClient, ensureDask, NEWEST_DASK} from '../test/toolchain/pythons.ts'
import {build, isStale} from './build.ts'

const {values, positionals} = parseArgs({options: {version: {type: 'string'}}, allowPositionals: true})
const {version} = values
if (version === undefined || !/^1\.\d+\.\d+$/.test(version)) {
  console.error('name a version of Kubernetes: npm run test:kubernetes -- --version 1.34.4')
  process.exit(2)
}

const run = (...args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const env = {...process.env, KUBERNETES_VERSION: version, GROUND: 'kubernetes', ...(positionals.length === 0 && {WHOLE_SUITE: '1'})}
    const child = spawn(process.execPath, args, {stdio: 'inherit', env})
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })

const story = (line: string): void => console.error(line)
if (await isStale()) await build()
await Promise.all([ensureDask(NEWEST_DASK, story), ensureClient(story)])
// There is no network where the tests run; without it one of them is skipped.
await httpRouteDefinition().catch((error: Error) => story(`no Gateway API here: ${error.message}`))
process.exitCode =
  (await run('test/kubernetes/build.ts')) ||
  (await run('test/kubernetes/netns.ts', 'vitest', 'run', '--project', 'conformance*', ...positionals))
