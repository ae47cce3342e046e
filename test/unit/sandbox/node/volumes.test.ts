import {mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {Pod} from '../../../../src/api/core.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {ConfigFailure} from '../../../../src/sandbox/node/environment.ts'
import {makeVolumes, mountsOf} from '../../../../src/sandbox/node/volumes.ts'

/** An API server refuses such names. The node trusts none of them: these pods have passed no server. */

let place: string
let directory: string
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'volumes-'))
  directory = join(place, 'pod', 'volumes')
  await mkdir(directory, {recursive: true})
  await mkdir(join(place, 'victim'))
  await writeFile(join(place, 'victim', 'file'), 'precious')
})
afterEach(() => rm(place, {recursive: true}))

/** Nothing outside of the pod's folder has come, gone or changed. */
const expectNothingElse = async (): Promise<void> => {
  expect((await readdir(place)).toSorted()).toEqual(['pod', 'victim'])
  expect(await readdir(join(place, 'pod'))).toEqual(['volumes'])
  expect(await readdir(join(place, 'victim'))).toEqual(['file'])
  expect(await readFile(join(place, 'victim', 'file'), 'utf8')).toBe('precious')
}

const told = (path: string) => ({items: [{path, fieldRef: {fieldPath: 'metadata.name'}}]})
const made = (...volumes: readonly object[]) => {
  const pod = {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p'}, spec: {containers: [], volumes}} as unknown as Pod
  // What is made here is made of the pod alone.
  const client = {} as KubeClient
  return makeVolumes({client, pod, podIP: '', directory, claims: join(place, 'claims')})
}

describe('a volume', () => {
  it.each(['../../victim', '../..', '..', '.', ''])('called %j is refused, and nothing is touched', async (name) => {
    await expect(made({name, downwardAPI: told('x')})).rejects.toThrow(ConfigFailure)
    await expect(made({name, emptyDir: {}})).rejects.toThrow(`volume "${name}" leads out of its folder`)
    await expectNothingElse()
  })

  it('whose name is a path of the machine is refused', async () => {
    await expect(made({name: join(place, 'victim'), downwardAPI: told('x')})).rejects.toThrow(ConfigFailure)
    await expectNothingElse()
  })

  it.each(['../../../victim/file', '../x', '..', '.', 'a/../..'])('with a file at %j is refused', async (path) => {
    await expect(made({name: 'v', downwardAPI: told(path)})).rejects.toThrow(ConfigFailure)
    await expect(made({name: 'v', projected: {sources: [{downwardAPI: told(path)}]}})).rejects.toThrow(
      `file "${path}" leads out of its folder`,
    )
    await expectNothingElse()
  })

  it('has each of its files, whatever they are called', async () => {
    const items = ['a.new', 'a', 'a.new.new'].map((path) => ({path, fieldRef: {fieldPath: `metadata.labels['${path}']`}}))
    await made({name: 'v', downwardAPI: {items}})
    expect((await readdir(join(directory, 'v'))).toSorted()).toEqual(['a', 'a.new', 'a.new.new'])
  })

  it('has its files where they belong', async () => {
    await made({name: 'v', downwardAPI: told('deep/..name')})
    expect(await readFile(join(directory, 'v', 'deep', '..name'), 'utf8')).toBe('p')
  })
})

describe('a part of a volume', () => {
  const mounted = async (subPath: string) =>
    mountsOf({name: 'main', volumeMounts: [{name: 'v', mountPath: '/v', subPath}]}, await made({name: 'v', emptyDir: {}}))

  it.each(['../../../victim', '..', '/etc'])('at %j is refused', async (subPath) => {
    await expect(mounted(subPath)).rejects.toThrow(`subPath "${subPath}" leads out of its folder`)
    await expectNothingElse()
  })

  it('that a link of a pod leads out of it is refused, and nothing is made there', async () => {
    await made({name: 'v', emptyDir: {}})
    await symlink(join(place, 'victim'), join(directory, 'v', 'link'))
    await expect(mounted('link')).rejects.toThrow(ConfigFailure)
    await expect(mounted('link/new')).rejects.toThrow(ConfigFailure)
    await expectNothingElse()
  })

  it('may be the whole of it, a folder that is not there yet, or what a link in it leads to', async () => {
    await made({name: 'v', emptyDir: {}})
    await symlink('deep', join(directory, 'v', 'link'))
    const sources = async (subPath: string) => (await mounted(subPath)).map(([source]) => source)
    expect(await sources('.')).toEqual([join(directory, 'v')])
    expect(await sources('deep/part')).toEqual([join(directory, 'v', 'deep', 'part')])
    expect(await sources('link/part')).toEqual([join(directory, 'v', 'deep', 'part')])
  })
})
