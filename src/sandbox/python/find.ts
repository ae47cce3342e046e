/** Finding, or making, a Python that has `dask` and `distributed`. */
import {execFile} from 'node:child_process'
import {mkdir, rename, rm} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {SandboxFailure} from '../failure.ts'

const run = promisify(execFile)

export interface FoundPython {
  /** Absolute path of the interpreter. */
  readonly python: string
  readonly distributed: string
  /** `3.11` */
  readonly version: string
}

/** Reads package metadata only: importing distributed takes half a second, this 40 ms. */
const PROBE = `
import importlib.metadata, json, sys
print(json.dumps({"python": sys.executable, "distributed": importlib.metadata.version("distributed"), "version": "%d.%d" % sys.version_info[:2]}))
importlib.metadata.version("dask")
`

const ownEnvironment = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'python', 'sandbox')

/** What the user's shell would run (an active virtual environment comes first there), else the environment that the sandbox has made. */
const findPython = async (): Promise<FoundPython | undefined> =>
  (await probe('python3')) ?? (await probe(join(ownEnvironment(), 'bin', 'python')))

const probeNamed = async (python: string): Promise<FoundPython> => {
  const found = await probe(python)
  if (found) return found
  const isThere = await run(python, ['--version']).then(
    () => true,
    ({code}: NodeJS.ErrnoException) => code !== 'ENOENT',
  )
  throw isThere
    ? new SandboxFailure(`"${python}" is no Python with dask and distributed`, {
        next: [`"${python} -m pip install dask distributed" makes it one`],
      })
    : new SandboxFailure(`there is no program "${python}"`, {next: ['name a Python that has dask and distributed']})
}

const probe = async (python: string): Promise<FoundPython | undefined> => {
  try {
    const {stdout} = await run(python, ['-c', PROBE])
    return JSON.parse(stdout) as FoundPython
  } catch {
    // Not there, or without Dask: the next one is asked.
    return undefined
  }
}

/**
 * A Python with Dask: the named one; else found, or made in the user's cache from the package registry (about 20 s, once).
 * Rejects with SandboxFailure when none can be had.
 */
export async function ensurePython(named: string | undefined, log: (line: string) => void, signal?: AbortSignal): Promise<FoundPython> {
  if (named !== undefined) return probeNamed(named)
  const found = await findPython()
  if (found) return found
  log('No Python with Dask was found: making one, once …')
  const target = ownEnvironment()
  const fresh = `${target}.${process.pid}`
  await mkdir(join(target, '..'), {recursive: true})
  try {
    await run('python3', ['-m', 'venv', fresh], {signal})
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'dask', 'distributed']
    await run(join(fresh, 'bin', 'python'), pip, {signal})
    await rm(target, {recursive: true, force: true})
    // Scripts of a virtual environment name its path; programs are started as `python -m` or by this very interpreter, which finds its place by itself.
    await rename(fresh, target)
  } catch (error) {
    await rm(fresh, {recursive: true, force: true})
    signal?.throwIfAborted()
    const {stderr, code} = error as {readonly stderr?: string; readonly code?: unknown}
    const why = code === 'ENOENT' ? 'there is no python3' : reasonOf(stderr ?? String(error))
    throw new SandboxFailure(`no Python environment with Dask could be made: ${why}`, {
      ...{cause: error, next: ['install dask and distributed', 'name a Python that has them with --python']},
    })
  }
  const made = await probe(join(target, 'bin', 'python'))
  if (!made) throw new SandboxFailure(`the Python environment in ${target} does not work`, {next: ['remove it and try again']})
  return made
}

/** pip's last line speaks of versions where it could not even ask for them. */
const reasonOf = (stderr: string): string =>
  stderr.includes('(from versions: none)') ? 'the package index cannot be reached, or has none' : (stderr.trim().split('\n').at(-1) ?? '')
