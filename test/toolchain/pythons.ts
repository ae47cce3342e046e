/** Virtual environments with the Dask versions that the tests stand on: made once, kept in the user's cache. */
import {execFile} from 'node:child_process'
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'

const run = promisify(execFile)

/** The newest Dask that was tried, one from between, and the oldest that is supported (the one that Debian 12 ships). */
export const NEWEST_DASK = '2026.8.0'
export const MIDDLE_DASK = '2024.4.1'
export const OLDEST_DASK = '2022.12.1'

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'python')

export const daskEnvironment = (version: string): string => join(cache, `dask-${version}`)

/** The official client from PyPI, unmodified, with the newest Dask. */
const CLIENT = {name: 'client-2026.3.0', packages: ['dask-kubernetes==2026.3.0', 'kr8s==0.20.15', `dask==${NEWEST_DASK}`]}

export const clientPython = (): string => join(daskEnvironment(CLIENT.name), 'bin', 'python')

/** As `ensureDask`, for the official client. */
export const ensureClient = (log?: (line: string) => void): Promise<string> =>
  ensureEnvironment(CLIENT.name, [...CLIENT.packages, `distributed==${NEWEST_DASK}`], log)

/**
 * Resolves with the folder of a virtual environment that has this Dask; makes it when it is not there (about 20 s).
 * Rejects with pip's own words.
 */
export const ensureDask = (version: string, log?: (line: string) => void): Promise<string> =>
  // The oldest one still imports pkg_resources, which newer setuptools have dropped; arrays are for shuffles, and older Dask knows no NumPy 2.
  ensureEnvironment(version, ['setuptools<70', 'numpy<2', `dask==${version}`, `distributed==${version}`], log)

const ensureEnvironment = async (version: string, packages: readonly string[], log: (line: string) => void = () => {}): Promise<string> => {
  const directory = daskEnvironment(version)
  const complete = join(directory, '.complete')
  const content = packages.join('\n')
  // One that was made of other packages, by an older checkout, is made anew.
  if ((await readFile(complete, 'utf8').catch(() => '')) === content) return directory
  log(`making a Python environment with Dask ${version}, once …`)
  await mkdir(cache, {recursive: true})
  await rm(directory, {recursive: true, force: true})
  try {
    await run('python3', ['-m', 'venv', directory])
    const pip = [join(directory, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'] as const
    await run(pip[0], [...pip.slice(1), ...packages])
    await writeFile(complete, content)
  } catch (error) {
    await rm(directory, {recursive: true, force: true})
    const {stderr} = error as {stderr?: string}
    throw new Error(`no Python environment with Dask ${version} could be made: ${stderr?.trim() || String(error)}`)
  }
  return directory
}
