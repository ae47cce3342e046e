import {readFile} from 'node:fs/promises'
import {expect, it} from 'vitest'
import {parse} from 'yaml'
import {archiveName, krewManifest, notesOf, PLATFORMS, shippedBom} from '../../scripts/release-parts.ts'
import {ANNOTATION_VERSION} from '../../src/api/names.ts'
import {readCrds} from '../../src/cli/crds.ts'
import {DEFAULT_NODE_IMAGE} from '../../src/cli/install/manifests.ts'
import {OLDEST_KUBERNETES, refuseOldServer} from '../../src/cli/install/obstacles.ts'
import type {KubeClient} from '../../src/kube/client.ts'

const {version} = JSON.parse(await readFile('package.json', 'utf8')) as {readonly version: string}
const chart = parse(await readFile('manifests/chart/Chart.yaml', 'utf8')) as Readonly<Record<string, string>>

it('package, chart and definitions are of one version', async () => {
  expect(chart).toMatchObject({version, appVersion: version})
  expect((await readCrds()).map(({metadata}) => metadata.annotations?.[ANNOTATION_VERSION])).toEqual(Array(4).fill(version))
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as {readonly version: string}
  expect(lock.version).toBe(version)
})

it('command, chart and Dockerfile stand on the same Node.js', async () => {
  const values = parse(await readFile('manifests/chart/values.yaml', 'utf8')) as {readonly image: Readonly<Record<string, string>>}
  expect(`${values.image['name']}:${values.image['tag']}`).toBe(DEFAULT_NODE_IMAGE)
  expect(await readFile('Dockerfile', 'utf8')).toContain(` ${DEFAULT_NODE_IMAGE} `)
})

it('chart and command need the same Kubernetes', () => {
  expect(chart['kubeVersion']).toBe(`>=${OLDEST_KUBERNETES}.0-0`)
})

it.each([
  ['v1.28.15', false],
  ['v1.9.0', false],
  ['v1.29.0', true],
  ['v1.34.4+k3s1', true],
  ['v1.100.0', true],
])('a server %s is new enough: %s', async (gitVersion, isEnough) => {
  const raw = async () => ({status: 200, body: {text: async () => JSON.stringify({gitVersion})}})
  const client = {raw, context: 'old'} as unknown as KubeClient
  const asked = refuseOldServer(client, AbortSignal.timeout(1000))
  if (isEnough) await asked
  else await expect(asked).rejects.toThrow(/needs 1\.29 or later/)
})

it('the notes of a release are what the changelog says of its version', () => {
  const changelog = '# Changelog\n\n## Unreleased\n\n- later\n\n## 0.2.0 (2026-12-01)\n\n### Added\n- this\n\n## 0.2.0-rc\n\n- before\n'
  expect(notesOf(changelog, '0.2.0')).toBe('### Added\n- this\n')
  expect(() => notesOf(changelog, '0.3.0')).toThrow('CHANGELOG.md has no "## 0.3.0"')
})

it("krew's manifest follows the rules of krew's index", async () => {
  const plugin = parse(await readFile('manifests/krew/dask.yaml', 'utf8')) as {readonly spec: object}
  const sums = new Map(PLATFORMS.map((platform) => [archiveName(version, platform), 'a'.repeat(64)]))
  const release = {version, homepage: 'https://example.org/dask', url: 'https://example.org/dask/releases', sums}
  const {spec, ...manifest} = krewManifest(plugin, release) as {
    readonly apiVersion: string
    readonly metadata: {readonly name: string}
    readonly spec: {
      readonly version: string
      readonly homepage: string
      readonly shortDescription: string
      readonly platforms: readonly {
        readonly selector: {readonly matchLabels: object}
        readonly uri: string
        readonly sha256: string
        readonly bin: string
        readonly files: readonly {readonly from: string; readonly to: string}[]
      }[]
    }
  }
  expect(manifest).toEqual({apiVersion: 'krew.googlecontainertools.github.com/v1alpha2', kind: 'Plugin', metadata: {name: 'dask'}})
  expect(spec.version).toMatch(/^v\d+\.\d+\.\d+/)
  expect(spec.homepage).toMatch(/^https:/)
  // One line that says what it does, without the words Kubernetes and plugin, without a full stop.
  expect(spec.shortDescription).toMatch(/^[A-Z](?!.*(kubernetes|plugin)).{1,49}[^.]$/i)
  expect(new Set(spec.platforms.map(({selector}) => JSON.stringify(selector))).size).toBe(5)
  for (const {uri, sha256, bin, files} of spec.platforms) {
    expect(uri).toMatch(/^https:.*\.(tar\.gz|zip)$/)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(bin).toMatch(/^kubectl-dask(\.exe)?$/)
    expect(files.map(({from}) => from)).toContain(bin)
    expect(files.map(({from}) => from)).toContain('LICENSE')
    for (const {from, to} of files) expect(`${from}${to}`).not.toMatch(/\.\.|^\//)
  }
  expect(() => krewManifest(plugin, {...release, sums: new Map()})).toThrow('scripts/executable.ts FOLDER --platform linux-amd64')
})

it('the bill of materials has what is in the bundles, and nothing else', () => {
  const component = (name: string) => ({'bom-ref': `${name}@1.0.0`, name, scope: 'optional'})
  const dependencies = [
    {ref: 'undici@1.0.0', dependsOn: []},
    {ref: 'pino@1.0.0', dependsOn: ['sonic-boom@1.0.0']},
    {ref: 'vitest@1.0.0', dependsOn: ['undici@1.0.0']},
  ]
  const bom = {components: [component('undici'), component('pino'), component('sonic-boom'), component('vitest')], dependencies}
  expect(shippedBom(bom, ['undici@1.0.0', 'pino@1.0.0'], '26.0.0')).toMatchObject({
    components: [{name: 'undici', scope: 'required'}, {name: 'pino'}, {name: 'node', version: '26.0.0'}],
    dependencies: [{ref: 'undici@1.0.0'}, {ref: 'pino@1.0.0', dependsOn: []}],
  })
})
