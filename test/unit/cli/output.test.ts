import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import type {DaskCluster} from '../../../src/api/dask.ts'
import {clusterManifest} from '../../../src/cli/cluster-manifest.ts'
import {clusterColumns} from '../../../src/cli/columns.ts'
import {formatList, type ListView} from '../../../src/cli/output.ts'
import {alignCells, renderTable} from '../../../src/cli/table.ts'

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

  it('names things with -o name', async () => {
    expect(await formatList(CLUSTERS.slice(0, 1), {...view, format: 'name'})).toBe('daskcluster.kubernetes.dask.org/demo\n')
  })
})

describe('a table', () => {
  it('puts <none> where a cell is empty', () => {
    expect(renderTable([{}], [{header: 'A', value: () => ''}], {now: 0})).toBe('A\n<none>\n')
  })

  it('never ends a line with a space, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.stringMatching(/^\S*$/), {minLength: 1, maxLength: 5})), (lines) => {
        for (const line of alignCells(lines).split('\n')) expect(line).toBe(line.trimEnd())
      }),
    )
  })
})
