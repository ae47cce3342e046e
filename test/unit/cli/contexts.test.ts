import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {kubeconfigContexts} from '../../../src/cli/contexts.ts'

let folder: string
const given = process.env['KUBECONFIG']
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contexts-'))
  await writeFile(join(folder, 'plain'), 'kind: Config\ncontexts:\n- context:\n    cluster: a\n  name: work\n- name: play\n')
  await writeFile(join(folder, 'by-hand'), 'contexts: [{name: flow}, &b {name: work}, *b, {nothing: 1}]\n')
})
afterAll(async () => {
  if (given === undefined) delete process.env['KUBECONFIG']
  else process.env['KUBECONFIG'] = given
  await rm(folder, {recursive: true, force: true})
})

it('contexts are those of all files that can be read, each once', async () => {
  process.env['KUBECONFIG'] = ['plain', 'none', 'by-hand'].map((file) => join(folder, file)).join(delimiter)
  expect(await kubeconfigContexts(undefined)).toEqual(['work', 'play', 'flow'])
  expect(await kubeconfigContexts(join(folder, 'by-hand'))).toEqual(['flow', 'work'])
})

it('a file that is not there has none, and fails nothing', async () => {
  expect(await kubeconfigContexts(join(folder, 'none'))).toEqual([])
})
