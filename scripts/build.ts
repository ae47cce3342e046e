/**
 * `npm run build`: the program in dist/, with every library in it, so that the published package has no dependency.
 * What every call needs is one file (program-bundle.ts); each command is a file of its own and loads only the chunks that it needs; one JSON file names them all.
 */
import {glob, mkdir, readFile, rename, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {brotliCompressSync, brotliDecompressSync} from 'node:zlib'
import {Plugin} from '@oclif/core'
import {type BuildOptions, build as bundle, type Metafile} from 'esbuild'
import {leanBundle, leanOperator} from './lean-bundle.ts'
import {writeChart, writeKustomizeBase, writeKustomizeTls} from './other-installs.ts'
import {bundleProgram, PROGRAM} from './program-bundle.ts'
import {THIRD_PARTY, thirdPartyLicenses} from './third-party.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** Bundled CommonJS libraries call `require` for Node's own modules. */
const REQUIRE = "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"

const PACKED = 'operator.mjs.br'

/** Whether a source is newer than the bundle, or there is none. */
export async function isStale(): Promise<boolean> {
  const built = await stat(join(dist, 'oclif.manifest.json')).catch(() => undefined)
  if (!built) return true
  for await (const file of glob(
    [
      'src/**/*.{ts,tsx,json,py}',
      'manifests/crds/*.yaml',
      'manifests/chart/**',
      'scripts/{build,lean-bundle,program-bundle,other-installs,third-party}.ts',
      'package.json',
    ],
    {
      cwd: root,
    },
  ))
    if ((await stat(join(root, file))).mtimeMs > built.mtimeMs) return true
  return false
}

export interface Built {
  /** The folder of each package of which something is in the bundles, like `node_modules/undici`. */
  readonly packages: readonly string[]
}

/** Builds beside the old bundle, and changes places in two steps: a command that starts meanwhile finds one or the other, but for a moment. */
export async function build(): Promise<Built> {
  const [fresh, former] = [join(root, `dist.${process.pid}`), join(root, `dist.${process.pid}.former`)]
  try {
    await mkdir(fresh)
    const commands = await writeBundle(fresh)
    await writeManifest(fresh)
    const {packed: operator, metafile} = await writeOperator(fresh)
    const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}
    await writeChart(join(fresh, 'chart'), {root, version, bundle: operator})
    await writeKustomizeBase(join(fresh, 'kustomize'), {root, version, bundle: operator})
    await writeKustomizeTls(join(fresh, 'kustomize-tls'), '../kustomize', {root, version, bundle: operator})
    const packages = packagesOf([...commands, metafile])
    await writeFile(join(fresh, THIRD_PARTY), await thirdPartyLicenses(root, packages))
    await rename(dist, former).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(fresh, dist)
    return {packages}
  } finally {
    for (const folder of [fresh, former]) await rm(folder, {recursive: true, force: true})
  }
}

const packagesOf = (metafiles: readonly Metafile[]): readonly string[] => {
  const files = metafiles.flatMap(({inputs}) => Object.keys(inputs))
  return [...new Set(files.flatMap((file) => /^node_modules\/(?:.+\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file) ?? []))].toSorted()
}

const SHARED: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  loader: {'.py': 'text', '.yaml': 'text'},
  // Ink's developer tools are loaded only where DEV is set; they are no part of a released program.
  external: ['react-devtools-core'],
  define: {'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"'},
  plugins: leanBundle,
  logLevel: 'warning',
}

const writeBundle = async (outdir: string): Promise<readonly Metafile[]> => {
  const commands = await Array.fromAsync(glob('src/commands/**/*.ts', {cwd: root}))
  const {late, fromProgram, metafile: program} = await bundleProgram(SHARED, join(outdir, 'program.cjs'))
  const {metafile} = await bundle({
    ...SHARED,
    metafile: true,
    entryPoints: [...commands, ...late].map((entry) => ({in: entry, out: entry.replace(/^src\//, '').replace(/\.tsx?$/, '')})),
    outdir,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    banner: {js: REQUIRE},
    plugins: [fromProgram, ...leanBundle],
  })
  await writeFile(join(outdir, 'package.json'), await ownPackage())
  return [program, metafile]
}

/** The operator alone, small enough for a ConfigMap: one file, packed. */
const writeOperator = async (outdir: string): Promise<{readonly packed: Buffer; readonly metafile: Metafile}> => {
  const {outputFiles, metafile} = await bundle({
    metafile: true,
    absWorkingDir: root,
    entryPoints: ['src/operator/main.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    // Names of errors and of what failed are read by people.
    keepNames: true,
    legalComments: 'none',
    banner: {js: REQUIRE},
    plugins: leanOperator,
    logLevel: 'warning',
  })
  const [file] = outputFiles
  if (!file) throw new Error('the operator was bundled into nothing')
  const packed = (await formerPack(file.contents)) ?? brotliCompressSync(file.contents)
  await writeFile(join(outdir, PACKED), packed)
  return {packed, metafile}
}

/** The best that brotli can do takes seconds: what has been packed before is not packed again. */
const formerPack = async (contents: Uint8Array): Promise<Buffer | undefined> => {
  const former = await readFile(join(dist, PACKED)).catch(() => undefined)
  return former && brotliDecompressSync(former).equals(contents) ? former : undefined
}

/** What the program needs of package.json at run time. */
const ownPackage = async (): Promise<string> => {
  const {name, version, type, engines, oclif} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  return `${JSON.stringify({name, version, type, engines, imports: {[PROGRAM]: './program.cjs'}, oclif: {...(oclif as object), commands: './commands'}})}\n`
}

/** Every command with its flags as oclif reads them at start-up, so that only the called one is loaded. */
const writeManifest = async (outdir: string): Promise<void> => {
  const plugin = new Plugin({root: outdir, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true})
  await plugin.load()
  const {version, commands} = plugin.manifest
  // What finding a command needs: each start reads it, and the whole of 150 KB only the help of a command and completion.
  const tree = Object.values(commands).map(({id, summary, hidden, relativePath}) => ({id, summary, hidden, relativePath}))
  await writeFile(join(outdir, 'tree.json'), JSON.stringify({version, commands: Object.fromEntries(tree.map((each) => [each.id, each]))}))
  await writeFile(join(outdir, 'oclif.manifest.json'), JSON.stringify(plugin.manifest))
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const started = performance.now()
  await build()
  process.stdout.write(`dist/ built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
}
