/** The Python operator's own package from PyPI: its definitions are what users have installed today. Kept in the user's cache. */
import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {daskEnvironment, ensureDask, NEWEST_DASK} from './pythons.ts'

const run = promisify(execFile)

const VERSION = '2026.3.0'

/** Resolves with the folder of its four CustomResourceDefinitions. Rejects with pip's own words. */
export async function upstreamDefinitions(): Promise<string> {
  const directory = `${daskEnvironment(`operator-${VERSION}`)}`
  const folder = join(directory, 'dask_kubernetes', 'operator', 'deployment', 'helm', 'dask-kubernetes-operator', 'crds')
  if (existsSync(folder)) return folder
  const python = join(await ensureDask(NEWEST_DASK), 'bin', 'python')
  const fresh = `${directory}.${process.pid}`
  await mkdir(fresh, {recursive: true})
  try {
    await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', fresh, `dask-kubernetes==${VERSION}`])
    await rename(fresh, directory)
  } finally {
    await rm(fresh, {recursive: true, force: true})
  }
  return folder
}
