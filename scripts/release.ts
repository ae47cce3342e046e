/**
 * `node scripts/release.ts FOLDER`: what belongs to a release beside the executables, into the folder in which their archives lie: the npm
 * package, the chart, the bill of materials, krew's manifest, the notes, the sums. HOMEPAGE is where the project lives (GitHub's layout of releases).
 */
import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {cp, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import {parse} from 'yaml'
import {toYaml} from '../src/cli/yaml.ts'
import {build} from './build.ts'
import {type Bom, krewManifest, notesOf, shippedBom} from './release-parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** The chart as `helm install` takes it from a file or a URL. */
export async function packChart(folder: string, version: string): Promise<void> {
  const contents = await mkdtemp(join(tmpdir(), 'chart-'))
  try {
    await cp(join(root, 'dist', 'chart'), join(contents, 'dask-operator'), {recursive: true})
    await run('tar', ['-czf', resolve(folder, `dask-operator-${version}.tgz`), '-C', contents, 'dask-operator'])
  } finally {
    await rm(contents, {recursive: true})
  }
}

/** The package of npm, which says where the project lives: its README's links lead there, and a package with provenance has to name it. */
export async function packPackage(folder: string, homepage: string): Promise<void> {
  const contents = await mkdtemp(join(tmpdir(), 'package-'))
  const pack = async (from: string, to: string): Promise<string> => {
    const {stdout} = await run(npm, ['pack', '--ignore-scripts', '--silent', '--pack-destination', to], {cwd: from})
    return stdout.trim()
  }
  try {
    await run('tar', ['-xzf', await pack(root, contents)], {cwd: contents})
    const file = join(contents, 'package', 'package.json')
    const own = JSON.parse(await readFile(file, 'utf8')) as object
    const repository = {type: 'git', url: `git+${homepage}.git`}
    await writeFile(file, `${JSON.stringify({...own, homepage: `${homepage}#readme`, repository}, undefined, 2)}\n`)
    await pack(join(contents, 'package'), resolve(folder))
  } finally {
    await rm(contents, {recursive: true})
  }
}

/** CycloneDX of what users get; `packages` are folders, like `node_modules/undici`. */
export async function billOfMaterials(packages: readonly string[]): Promise<Bom> {
  const {stdout} = await run(npm, ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {cwd: root, maxBuffer: 1 << 26})
  const shipped = packages.map(async (folder) => {
    const {name, version} = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Readonly<Record<string, string>>
    return `${name}@${version}`
  })
  return shippedBom(JSON.parse(stdout) as Bom, await Promise.all(shipped), process.versions.node)
}

const sumsOf = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const files = (await readdir(folder)).filter((name) => name !== 'SHA256SUMS').toSorted()
  const sums = files.map(
    async (name) =>
      [
        name,
        createHash('sha256')
          .update(await readFile(join(folder, name)))
          .digest('hex'),
      ] as const,
  )
  return new Map(await Promise.all(sums))
}

async function release(folder: string, homepage: string): Promise<void> {
  const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}
  const notes = notesOf(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version)
  const plugin = parse(await readFile(join(root, 'manifests', 'krew', 'dask.yaml'), 'utf8')) as {readonly spec: object}
  const url = `${homepage}/releases/download/v${version}`
  const krew = krewManifest(plugin, {version, homepage, url, sums: await sumsOf(folder)})
  const {packages} = await build()
  await packPackage(folder, homepage)
  await packChart(folder, version)
  await writeFile(join(folder, 'sbom.cdx.json'), `${JSON.stringify(await billOfMaterials(packages), undefined, 2)}\n`)
  await writeFile(join(folder, 'dask.yaml'), toYaml(krew))
  await writeFile(join(folder, 'NOTES.md'), notes)
  const sums = [...(await sumsOf(folder))].map(([name, sum]) => `${sum}  ${name}\n`)
  await writeFile(join(folder, 'SHA256SUMS'), sums.join(''))
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder = 'release'] = process.argv.slice(2)
  const homepage = process.env['HOMEPAGE']
  if (!homepage) throw new Error('HOMEPAGE is not set: where does the project live? (krew and its users are told)')
  await release(folder, homepage)
}
