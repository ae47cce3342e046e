/**
 * `node scripts/executable.ts FOLDER [--platform linux-arm64 …]`: the program and Node.js in one file, in an archive as people and krew download it,
 * for the machine that this runs on, for those that are named, or for `all`. `dist/` is built.
 * It is Node.js' own single-executable application: the bundle lies in a file system within the executable.
 */
import {execFile} from 'node:child_process'
import {copyFile, cp, glob, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join, resolve, sep} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {parseArgs, promisify} from 'node:util'
import {nodeProgram, ownPlatform} from './node-program.ts'
import {archiveName, PLATFORMS, type Platform, platformName, programName} from './release-parts.ts'
import {THIRD_PARTY} from './third-party.ts'

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

const writeExecutable = async (file: string, platform: Platform): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'executable-'))
  try {
    const assets: Record<string, string> = {}
    for await (const name of glob(FILES, {cwd: root}))
      if ((await stat(join(root, name))).isFile()) assets[name.replaceAll(sep, '/')] = join(root, name)
    const main = join(folder, 'main.mjs')
    const config = join(folder, 'config.json')
    await writeFile(main, MAIN)
    // Without a snapshot and a code cache, since those would be this platform's: so any platform can be made on any other.
    const format = {mainFormat: 'module', useVfs: true, useSnapshot: false, useCodeCache: false, disableExperimentalSEAWarning: true}
    await writeFile(config, JSON.stringify({main, executable: await nodeProgram(platform, folder), output: file, ...format, assets}))
    await run(process.execPath, ['--build-sea', config])
    if (platform.os === 'darwin') await sign(file)
    if (platform.os === 'windows') await forgetSignature(file)
  } finally {
    await rm(folder, {recursive: true})
  }
}

/** Macs run no program without a signature; any will do where nobody has a certificate. */
const sign = async (file: string): Promise<void> => {
  const [program, ...args] = process.platform === 'darwin' ? ['codesign', '--sign', '-', file] : ['rcodesign', 'sign', file]
  await run(program, args).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new Error(`there is no ${program}, and macOS runs no program without a signature: "cargo install apple-codesign" brings it`)
  })
}

/** Node.js for Windows is signed, and not for what has been put into it: where none is needed, none is better than a broken one. */
const forgetSignature = async (file: string): Promise<void> => {
  const program = await open(file, 'r+')
  try {
    const {buffer} = await program.read(Buffer.alloc(64), 0, 64, 0)
    // Behind signature, file header and the fixed part of a 64-bit program's second header: the fifth of the data directories, place and size.
    await program.write(Buffer.alloc(8), 0, 8, buffer.readUInt32LE(60) + 4 + 20 + 112 + 4 * 8)
  } finally {
    await program.close()
  }
}

/** Writes what the archive for this platform has in it: the executable and the licences. */
export async function writeContents(folder: string, platform: Platform = ownPlatform()): Promise<void> {
  await writeExecutable(join(folder, programName(platform)), platform)
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await cp(await nodeLicense(), join(folder, 'LICENSE-node'))
  await cp(join(root, 'dist', THIRD_PARTY), join(folder, THIRD_PARTY))
}

/** Writes the archive into the folder; resolves with its path. */
const packExecutable = async (folder: string, platform: Platform): Promise<string> => {
  const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}
  const name = archiveName(version, platform)
  const contents = await mkdtemp(join(tmpdir(), 'archive-'))
  try {
    await writeContents(contents, platform)
    // By names alone: a tar takes what is before the colon in a path of Windows for a host.
    await run('tar', ['-czf', name, ...(await readdir(contents))], {cwd: contents})
    await mkdir(folder, {recursive: true})
    await copyFile(join(contents, name), join(folder, name))
    return resolve(folder, name)
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

const named = (name: string): readonly Platform[] => {
  const platforms = PLATFORMS.filter((platform) => name === 'all' || name === platformName(platform))
  if (platforms.length === 0) throw new Error(`there is no platform "${name}": ${PLATFORMS.map(platformName).join(', ')}, or all`)
  return platforms
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const {values, positionals} = parseArgs({allowPositionals: true, options: {platform: {type: 'string', multiple: true}}})
  const [folder = 'release'] = positionals
  const platforms = values.platform?.flatMap(named) ?? [ownPlatform()]
  for (const platform of platforms) process.stdout.write(`${await packExecutable(folder, platform)}\n`)
}
