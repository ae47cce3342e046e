/**
 * `node scripts/executable.ts FOLDER`: the program and Node.js in one file, for the machine that this runs on, in an archive as people and krew
 * download it. It is Node.js' own single-executable application: the bundle lies in a file system within the executable.
 */
import {execFile} from 'node:child_process'
import {cp, glob, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join, resolve, sep} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import {archiveName, type Platform} from './release-parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Which of the three programs it is says the name by which it was called: a link makes it another. */
const MAIN = `
import {basename} from 'node:path'
const name = basename(process.argv0).replace(/\\.exe$/i, '')
const {default: program} = await import('./dist/program.cjs')
await (name === 'kubectl_complete-dask' ? program.complete() : program.start(name === 'kubectl-dask' ? 'kubectl dask' : 'dask-k8s'))
`

/** What the program reads beside its code; the chart and the base for kustomize are for other programs. */
const FILES = ['dist/*.{cjs,json,br}', 'dist/!(chart|kustomize)/**', 'manifests/crds/*.yaml']

/** `dist/` is built. */
const writeExecutable = async (file: string): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'executable-'))
  try {
    const assets: Record<string, string> = {}
    for await (const name of glob(FILES, {cwd: root}))
      if ((await stat(join(root, name))).isFile()) assets[name.replaceAll(sep, '/')] = join(root, name)
    const main = join(folder, 'main.mjs')
    const config = join(folder, 'config.json')
    await writeFile(main, MAIN)
    const format = {main, mainFormat: 'module', output: file, useVfs: true, disableExperimentalSEAWarning: true}
    await writeFile(config, JSON.stringify({...format, assets}))
    await run(process.execPath, ['--build-sea', config])
    // Macs run no program without a signature; any will do where nobody has a certificate.
    if (process.platform === 'darwin') await run('codesign', ['--sign', '-', file])
  } finally {
    await rm(folder, {recursive: true})
  }
}

const ownPlatform = (): Platform => ({
  os: process.platform === 'win32' ? 'windows' : (process.platform as Platform['os']),
  arch: process.arch === 'x64' ? 'amd64' : (process.arch as Platform['arch']),
})

/** Writes what the archive for this machine has in it: the executable and the licences. */
export async function writeContents(folder: string): Promise<void> {
  await writeExecutable(join(folder, process.platform === 'win32' ? 'kubectl-dask.exe' : 'kubectl-dask'))
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await cp(await nodeLicense(), join(folder, 'LICENSE-node'))
}

/** Writes the archive into the folder; resolves with its path. */
const packExecutable = async (folder: string): Promise<string> => {
  const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}
  const contents = await mkdtemp(join(tmpdir(), 'archive-'))
  try {
    await mkdir(folder, {recursive: true})
    await writeContents(contents)
    const archive = resolve(folder, archiveName(version, ownPlatform()))
    await run('tar', ['-czf', archive, '-C', contents, ...(await readdir(contents))])
    return archive
  } finally {
    await rm(contents, {recursive: true})
  }
}

/** Node.js' own, which the executable has in it: beside the program on Windows, one folder above it elsewhere. */
const nodeLicense = async (): Promise<string> => {
  const places = [join(dirname(process.execPath), 'LICENSE'), join(dirname(process.execPath), '..', 'LICENSE')]
  for (const place of places) if (await stat(place).catch(() => undefined)) return place
  throw new Error(`no LICENSE of Node.js lies at ${places.join(' or ')}: take the Node.js of nodejs.org`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder = 'release'] = process.argv.slice(2)
  process.stdout.write(`${await packExecutable(folder)}\n`)
}
