import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {DASK_CLUSTERS} from '../../../src/api/dask.ts'
import {readManifests} from '../../../src/cli/read-manifest.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-'))
})
afterAll(() => rm(folder, {recursive: true, force: true}))

/** What a manifest holds under `spec`. */
const specOf = async (text: string): Promise<unknown> => {
  const file = join(folder, 'demo.yaml')
  await writeFile(file, `apiVersion: kubernetes.dask.org/v1\nkind: DaskCluster\nmetadata: {name: demo}\nspec:\n${text}`)
  const [manifest] = await readManifests(file, DASK_CLUSTERS, {namespace: undefined, asked: undefined, verb: 'apply'})
  return manifest?.object.spec
}

it.each([
  ['an octal mode', '  defaultMode: 0400\n', {defaultMode: 0o400}],
  ['the old words for true and false', '  a: yes\n  b: Off\n  c: "no"\n', {a: true, b: false, c: 'no'}],
  ['a number in parts', '  a: 1_000\n', {a: 1000}],
  ['a merged mapping', '  a: &base {k: 1}\n  b: {<<: *base, l: 2}\n', {a: {k: 1}, b: {k: 1, l: 2}}],
  ['no base 60', '  a: 22:30\n  b: 1:02:03.5\n', {a: '22:30', b: '1:02:03.5'}],
  ['times as texts', '  a: 2026-12-01T10:00:00Z\n  b: 2026-12-01\n', {a: '2026-12-01T10:00:00Z', b: '2026-12-01'}],
])('a manifest is read as kubectl reads it: %s', async (_, text, spec) => {
  expect(await specOf(text)).toEqual(spec)
})
