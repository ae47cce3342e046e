import {mkdir, mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {claimsDirectory, dropUnclaimed, readKept, writeKept} from '../../../src/sandbox/kept.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kept-'))
})
afterAll(() => rm(directory, {recursive: true}))

it('reads what was written, whatever texts it holds', async () => {
  const text = fc.string({unit: fc.nat({max: 0xffff}).map((code) => String.fromCharCode(code))})
  const awkward = ['\u2028', '\u2029', '\u0085', '\r\n', '\\u2028']
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (texts) => {
      const map = {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a', namespace: 'default'}, data: {...[...awkward, ...texts]}}
      const kept = {revision: 7, serviceCidr: '127.96.0.0/16', objects: [['configmaps', map] as const]}
      await writeKept(directory, kept)
      expect(await readKept(directory)).toEqual(kept)
    }),
    {numRuns: 5},
  )
})

it('leaves of the folders of claims those that a kept claim names', async () => {
  const claims = claimsDirectory(directory)
  const claim = {apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: {name: 'data', namespace: 'default', uid: 'one'}}
  const kept = {revision: 7, serviceCidr: '127.96.0.0/16', objects: [['persistentvolumeclaims', claim] as const]}
  await dropUnclaimed(directory, kept)
  for (const uid of ['one', 'gone']) await mkdir(join(claims, uid, 'data'), {recursive: true})
  await dropUnclaimed(directory, kept)
  expect(await readdir(claims)).toEqual(['one'])
})
