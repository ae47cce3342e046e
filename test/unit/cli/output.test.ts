import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import type {DaskCluster, DaskJob} from '../../../src/api/dask.ts'
import {clusterManifest} from '../../../src/cli/cluster-manifest.ts'
import {clusterColumns, jobStatus} from '../../../src/cli/columns.ts'
import {formatDocument, formatList, type ListView} from '../../../src/cli/output.ts'
import {alignCells, renderTable} from '../../../src/cli/table.ts'
import {toYaml} from '../../../src/cli/yaml.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')

const cluster = (name: string, status?: DaskCluster['status']): DaskCluster => {
  const made = clusterManifest(name, 'default', {workers: 3, image: 'dask:1'})
  return {...made, metadata: {...made.metadata, creationTimestamp: '2026-11-23T11:57:00Z'}, ...(status && {status})}
}

const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-23T11:58:00Z',
})

const CLUSTERS = [
  cluster('demo', {phase: 'Running', replicas: 3, readyReplicas: 3, conditions: [condition('Ready', 'True', 'AllReady', '')]}),
  cluster('a-longer-name', {
    phase: 'Pending',
    replicas: 3,
    readyReplicas: 1,
    conditions: [condition('Ready', 'False', 'ImagePullBackOff', 'no such image')],
  }),
  cluster('new'),
]

const view: ListView<DaskCluster> = {
  columns: clusterColumns,
  format: undefined,
  noHeaders: false,
  allNamespaces: false,
  single: false,
  now: NOW,
}

describe('a list', () => {
  it('waits a moment before it says that nobody serves a new one', async () => {
    const young = {...cluster('new'), metadata: {name: 'new', creationTimestamp: new Date(NOW - 2_000).toISOString()}}
    expect(await formatList([young], {...view, noHeaders: true})).toBe('new   Pending   ?/3   2s\n')
  })
  it('says of a suspended job that it is, and of one that goes on how it goes', () => {
    const job = (status: 'True' | 'False'): DaskJob => ({
      ...{apiVersion: 'kubernetes.dask.org/v1', kind: 'DaskJob', metadata: {name: 'etl'}, spec: {} as DaskJob['spec']},
      status: {jobStatus: 'JobCreated', conditions: [condition('Suspended', status, 'x', '')]},
    })
    expect([jobStatus(job('True'), NOW), jobStatus(job('False'), NOW)]).toEqual(['Suspended', 'JobCreated'])
  })
  it('is a table as kubectl prints it', async () => {
    expect(await formatList(CLUSTERS, view)).toBe(
      [
        'NAME            STATUS             WORKERS   AGE',
        'demo            Ready              3/3       3m',
        'a-longer-name   ImagePullBackOff   1/3       3m',
        'new             NotServed          ?/3       3m',
        '',
      ].join('\n'),
    )
  })

  it('shows more with -o wide, and namespaces with -A', async () => {
    const table = await formatList(CLUSTERS, {...view, format: 'wide', allNamespaces: true})
    expect(table.split('\n')[0]).toMatch(/^NAMESPACE +NAME +STATUS +WORKERS +AGE +IMAGE +SCHEDULER +DASHBOARD +MESSAGE$/)
    expect(table).toContain('no such image')
  })

  it('has no headers where none are wanted, and nothing at all where it is empty', async () => {
    expect(await formatList(CLUSTERS, {...view, noHeaders: true})).not.toContain('NAME')
    expect(await formatList([], view)).toBe('')
  })

  it('is one JSON or YAML document, of the object itself where one was named', async () => {
    expect(JSON.parse(await formatList(CLUSTERS, {...view, format: 'json'}))).toMatchObject({
      kind: 'List',
      items: [{metadata: {name: 'demo'}}, {}, {}],
    })
    expect(JSON.parse(await formatList(CLUSTERS.slice(0, 1), {...view, format: 'json', single: true}))).toEqual(CLUSTERS[0])
    expect(parse(await formatList(CLUSTERS, {...view, format: 'yaml'}))).toMatchObject({kind: 'List'})
    expect(JSON.parse(await formatList([], {...view, format: 'json'}))).toMatchObject({items: []})
  })

  it('leaves out who owns which field, as kubectl does', async () => {
    const owned = CLUSTERS.map((each) => ({...each, metadata: {...each.metadata, managedFields: [{manager: 'x'}]}}))
    for (const format of ['json', 'yaml'] as const) {
      expect(await formatList(owned, {...view, format})).toBe(await formatList(CLUSTERS, {...view, format}))
      expect(await formatDocument(owned[0], format)).toBe(await formatDocument(CLUSTERS[0], format))
    }
  })

  it('names things with -o name', async () => {
    expect(await formatList(CLUSTERS.slice(0, 1), {...view, format: 'name'})).toBe('daskcluster.kubernetes.dask.org/demo\n')
  })
})

describe('a table', () => {
  it('puts <none> where a cell is empty', () => {
    expect(renderTable([{}], [{header: 'A', value: () => ''}], {now: 0})).toBe('A\n<none>\n')
  })

  it('is one line a row, whatever its cells hold', () => {
    const rows = ['exited; its last words:\nTraceback\nValueError', 'no such image\n']
    expect(renderTable(rows, [{header: 'MESSAGE', value: (row) => row}], {now: 0, noHeaders: true})).toBe(
      'exited; its last words:...\nno such image\n',
    )
  })

  it('never ends a line with a space, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.stringMatching(/^\S*$/), {minLength: 1, maxLength: 5})), (lines) => {
        for (const line of alignCells(lines).split('\n')) expect(line).toBe(line.trimEnd())
      }),
    )
  })
})

describe('YAML', () => {
  const words = [
    ...[
      'yes',
      'y',
      'N',
      'on',
      'off',
      'No',
      'TRUE',
      '~',
      'null',
      '',
      '=',
      '<<',
      '1_000',
      '0b11',
      '0B11',
      '+0x1f',
      '0X1F',
      '-0b1',
      '017',
      '09',
      '+0o7',
    ],
    ...[
      '1:30',
      '190:20:30.15',
      '2026-12-01',
      '2026-12-01T10:00:00Z',
      '1e_3',
      '.5',
      '.inf',
      '685.230_15e+03',
      '\u0085x',
      'a\u2028b',
      '\uFEFFx',
      '\u007F',
    ],
  ]
  const signs = fc.string({unit: fc.constantFrom(...'ynoeftxb01_.:+-=<~ #"\'\n\t\\\u0085\u2029ä')})
  const text = fc.oneof(fc.constantFrom(...words), signs, fc.string({unit: 'grapheme'}))
  /** The library's own reader takes no notice of the line breaks that only YAML 1.1 has. */
  const isBroken = (yaml: string): boolean => /[\u007F-\u009F\u2028\u2029\uFEFF]/.test(yaml)

  it('is read back the same by readers of YAML 1.1 and 1.2, whatever its strings are', () => {
    fc.assert(
      fc.property(fc.array(text), text, (values, key) => {
        const document = {args: values, [`-${key}`]: key, env: {[key]: key}}
        const yaml = toYaml(document)
        expect(isBroken(yaml)).toBe(false)
        expect(parse(yaml)).toEqual(document)
        expect(parse(yaml, {version: '1.1', schema: 'yaml-1.1'})).toEqual(document)
      }),
    )
  })

  it('has quotes around each word that Go or Python takes for something else, and around no other', async () => {
    for (const word of words) expect(await formatDocument({word}, 'yaml')).toMatch(/^word: ".*"\n$/)
    for (const word of ['yesterday', '10.0.0.1', '500m', '8Gi', 'dask:1', 'a=b', '--verbose', '3.11-slim'])
      expect(await formatDocument({word}, 'yaml')).toBe(`word: ${word}\n`)
  })
})
