/** What a release says of itself: names, notes, krew's manifest, the bill of materials. Pure. */

export interface Platform {
  readonly os: 'linux' | 'darwin' | 'windows'
  readonly arch: 'amd64' | 'arm64'
}

export const PLATFORMS: readonly Platform[] = [
  {os: 'linux', arch: 'amd64'},
  {os: 'linux', arch: 'arm64'},
  {os: 'darwin', arch: 'amd64'},
  {os: 'darwin', arch: 'arm64'},
  {os: 'windows', arch: 'amd64'},
]

export const platformName = ({os, arch}: Platform): string => `${os}-${arch}`

export const programName = ({os}: Platform): string => (os === 'windows' ? 'kubectl-dask.exe' : 'kubectl-dask')

export const archiveName = (version: string, platform: Platform): string => `kubectl-dask-v${version}-${platformName(platform)}.tar.gz`

/** What CHANGELOG.md says of this version. */
export function notesOf(changelog: string, version: string): string {
  const section = changelog.split(/^## /m).find((text) => text.split(/[\s(]/, 1)[0] === version)
  if (section === undefined) throw new Error(`CHANGELOG.md has no "## ${version}": name what is under "## Unreleased" so`)
  return `${section.slice(section.indexOf('\n')).trim()}\n`
}

export interface KrewRelease {
  readonly version: string
  readonly homepage: string
  /** Where the archives can be downloaded, without their names. */
  readonly url: string
  /** By the name of the archive. */
  readonly sums: ReadonlyMap<string, string>
}

/** Ours, and of what is in the executable. */
export const LICENSES = ['LICENSE', 'LICENSE-node', 'THIRD-PARTY-LICENSES']

/** The plugin as krew's index describes it; `plugin` is manifests/krew/dask.yaml, which says what does not change. */
export function krewManifest(plugin: {readonly spec: object}, {version, homepage, url, sums}: KrewRelease): object {
  const platforms = PLATFORMS.map((platform) => {
    const name = archiveName(version, platform)
    const sha256 = sums.get(name)
    if (sha256 === undefined)
      throw new Error(`the archive ${name} is missing: "node scripts/executable.ts FOLDER --platform ${platformName(platform)}" makes it`)
    const bin = programName(platform)
    const files = [bin, ...LICENSES].map((file) => ({from: file, to: '.'}))
    return {selector: {matchLabels: platform}, uri: `${url}/${name}`, sha256, bin, files}
  })
  return {...plugin, spec: {...plugin.spec, version: `v${version}`, homepage, platforms}}
}

/** The parts of a CycloneDX document by npm that are read here. */
export interface Bom {
  readonly components: readonly Component[]
  readonly dependencies?: readonly {readonly ref: string; readonly dependsOn?: readonly string[]}[]
}

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly scope?: string
  readonly properties?: readonly {readonly name: string; readonly value: string}[]
}

/** Of all packages of the repository those that are shipped (`name@version`), and Node.js, which is in the executables. */
export function shippedBom(bom: Bom, shipped: readonly string[], nodeVersion: string): Bom {
  const node = {'bom-ref': 'node', type: 'platform', name: 'node', version: nodeVersion, purl: `pkg:generic/node@${nodeVersion}`}
  // To npm they are tools of the developers, since they are bundled.
  const found = bom.components
    .filter((component) => shipped.includes(component['bom-ref']))
    .map(({properties: _, ...component}) => ({...component, scope: 'required'}))
  const refs = new Set([...found, node].map((component) => component['bom-ref']))
  const dependencies = (bom.dependencies ?? [])
    .filter(({ref}) => refs.has(ref))
    .map(({ref, dependsOn = []}) => ({ref, dependsOn: dependsOn.filter((each) => refs.has(each))}))
  return {...bom, components: [...found, node], dependencies}
}
