import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {readConfigFile} from '../../../src/cli/config-file.ts'
import {parseGroup} from '../../../src/cli/group-flag.ts'
import {parseQuantity} from '../../../src/cli/pod-flags.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'create-'))
})
afterAll(() => rm(folder, {recursive: true, force: true}))

describe('a file of words', () => {
  const read = async (text: string) => {
    const file = join(folder, 'demo.yaml')
    await writeFile(file, text)
    return await readConfigFile(file, ['name', 'workers', 'env', 'label', 'tls'], new Set(['tls']))
  }
  it('stands for flags, with lists and mappings for those that may be repeated', async () => {
    const words = await read('name: demo\nworkers: 4\nenv: {A: b, C: "1"}\nlabel:\n  - team=ml\n')
    expect(words.flatMap(({argv}) => argv)).toEqual(['demo', '--workers=4', '--env=A=b', '--env=C=1', '--label=team=ml'])
    expect(words.at(-1)?.place).toMatch(/demo\.yaml:5:5$/)
  })
  it('says yes or no to what has no value on the command line', async () => {
    expect((await read('tls: true\n')).flatMap(({argv}) => argv)).toEqual(['--tls'])
    expect(await read('tls: false\n')).toEqual([])
  })
  it.each([
    ['workers: 4\nwrokers: 5\n', /demo\.yaml:2:1: there is no "wrokers"$/],
    ['workers:\n', /demo\.yaml:1:9: "workers" has no value$/],
    ['label:\n  - {a: b}\n', /demo\.yaml:2:5: "label" takes words, and no mapping here$/],
    ['workers: "4\n', /demo\.yaml:\d:\d+: Missing closing "quote/],
    ['tls: maybe\n', /demo\.yaml:1:1: "tls" is true or false$/],
    ['- a\n', /demo\.yaml:1:1: the file is no mapping$/],
  ])('%j is refused at its line and column', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message)
  })
})

describe('a quantity', () => {
  it.each(['2', '1.5', '500m', '4Gi', '1e3', '2E'])('%s is one', (text) => {
    expect(parseQuantity(text)).toBe(text)
  })
  it.each([
    ['4GB', '4Gi'],
    ['4gb', '4Gi'],
    ['512mib', '512Mi'],
  ])('%s is none, and %s is said to be right', (text, right) => {
    expect(() => parseQuantity(text)).toThrow(expect.objectContaining({next: [`did you mean ${right}?`]}))
  })
  it.each(['much', '', '-1', '4 5'])('%j is none', (text) => {
    expect(() => parseQuantity(text)).toThrow('is no quantity')
  })
})

describe('a group in one word', () => {
  it('has a name, a number, and what is its own', () => {
    expect(parseGroup('highmem=2,memory=64Gi,gpu=1,worker-resource=MEM=1,image=x:1')).toEqual({
      name: 'highmem',
      workers: 2,
      image: 'x:1',
      resources: {memory: '64Gi', 'nvidia.com/gpu': '1'},
      workerResources: [['MEM', 1]],
    })
  })
  it('has workers of its own program', () => {
    expect(parseGroup('gpu=2,gpu=1,worker-command=dask cuda worker')).toMatchObject({
      name: 'gpu',
      workerCommand: ['dask', 'cuda', 'worker'],
    })
    expect(() => parseGroup('gpu=2,worker-command= ')).toThrow('--worker-command is empty')
  })
  it('says which word is wrong', () => {
    expect(() => parseGroup('highmem')).toThrow('"highmem" is no NAME=NUMBER of a group')
    expect(() => parseGroup('highmem=1,memroy=2Gi')).toThrow(
      expect.objectContaining({next: expect.arrayContaining(['did you mean "memory"?'])}),
    )
  })
})
