import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {CONFIG_MAPS} from '../../src/api/core.ts'
import {stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods, python} = stand('create')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'create-'))
  await client.create(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {namespace, name: 'settings'},
    data: {GREETING: 'hello'},
  } as Parameters<typeof client.create>[1])
})
afterAll(() => rm(folder, {recursive: true, force: true}))

const BOUND_TASK = `
import sys
from distributed import Client
def where():
    import os
    from distributed import get_worker
    return get_worker().name, os.environ.get('GREETING')
with Client(sys.argv[1], timeout=30) as c:
    name, greeting = c.submit(where, resources={'MEM': 1}).result(timeout=60)
    print(name, greeting)
`

describe('cluster create', () => {
  /** Workers that run and do not get to their scheduler. */
  const astray = (connect: string): readonly string[] =>
    ['DASK_SCHEDULER_ADDRESS=tcp://nowhere.invalid:8786', `DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=${connect}`].flatMap((pair) => [
      '--env',
      pair,
    ])

  it('makes groups, variables and Dask’s own resources from the words of a file; a bound task runs in its group', async () => {
    const file = join(folder, 'demo.yaml')
    await writeFile(file, 'workers: 1\nenv-from: configmap/settings\ngroup: ["special=1,worker-resource=MEM=1"]\nlabel: {team: ml}\n')
    const {code, stdout, stderr} = await dask('cluster', 'create', 'demo', '--file', file, '--wait', '--timeout', '90s')
    expect({code, stdout}, stderr).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/demo is ready\n'})
    await until(async () => (await pods('dask.org/workergroup-name=demo-special')).length === 1, 'the group has its worker')
    const [worker] = await pods('dask.org/workergroup-name=demo-special')
    expect((await python(BOUND_TASK, 'demo')).trim()).toBe(`${worker?.metadata.name} hello`)
    expect(await kubectl('get', 'daskclusters', '-l', 'team=ml', '-o', 'name')).toBe('daskcluster.kubernetes.dask.org/demo\n')
  })

  it('lets the number follow the load with --adapt', async () => {
    expect((await dask('cluster', 'create', 'elastic', '--adapt', '0..3', '-w', '0')).stdout).toBe(
      'daskcluster.kubernetes.dask.org/elastic created\ndaskautoscaler.kubernetes.dask.org/elastic created\n',
    )
    expect(await kubectl('get', 'daskautoscaler/elastic', '-o', 'jsonpath={.spec.minimum}..{.spec.maximum}')).toBe('0..3')
  })

  it('--wait takes no worker for ready that never gets to its scheduler, and says so', async () => {
    const ended = await dask('cluster', 'create', 'ended', '-w', '1', ...astray('1s'), '--wait', '--timeout', '90s')
    expect(ended, ended.stderr).toMatchObject({code: 1, stdout: ''})
    expect(ended.stderr).toMatch(
      /pod ended-default-worker-\w+ of DaskCluster "ended" does not (start|get to its scheduler): .*exited with code 1.*; its last words: /,
    )
    const waits = await dask('cluster', 'create', 'waits', '-w', '1', ...astray('300s'), '--wait', '--timeout', '30s')
    expect(waits, waits.stderr).toMatchObject({code: 124, stdout: ''})
    expect(waits.stderr).toContain(
      'after 30s, DaskCluster "waits" is ready, but 0 of 1 workers are connected with its scheduler; waits-default-worker-',
    )
  })

  it('--wait of other commands takes none for ready either', async () => {
    const notConnected = async (words: string, ...args: readonly string[]): Promise<void> => {
      const ended = await dask(...args, '--wait', '--timeout', '15s')
      expect(ended.code, ended.stderr).toBe(124)
      expect(ended.stderr).toMatch(new RegExp(`after 15s, ${words} workers are connected with its scheduler; `))
    }
    const group = 'DaskWorkerGroup "away" is ready, but 0 of'
    expect((await dask('cluster', 'create', 'lost', '-w', '1', ...astray('300s'))).code).toBe(0)
    await notConnected(`${group} 1`, 'workergroup', 'create', 'away', '-c', 'lost', '-w', '1', ...astray('300s'))
    await notConnected(`${group} 2`, 'workergroup', 'scale', 'away', '2')
    await notConnected('DaskWorkerGroup "lost-default" is ready, but 0 of 2', 'cluster', 'scale', 'lost', '2')
    expect((await dask('workergroup', 'scale', 'away', '1', '--wait', '--timeout', '30s')).code).toBe(0)
    expect((await dask('cluster', 'delete', 'lost', '--yes', '--timeout', '60s')).code).toBe(0)
  })

  it('makes nothing at all where one of its objects is refused', async () => {
    const {code, stderr} = await dask('cluster', 'create', 'half', '--group', 'a=1,image=x', '--group', 'a=2')
    expect(code).toBe(1)
    expect(stderr).toContain('DaskWorkerGroup "half-a" exists already')
    await until(
      async () => (await kubectl('get', 'daskclusters,daskworkergroups', '-o', 'name')).includes('half') === false,
      'nothing is left',
    )
  })

  it('takes away what cannot get ready, with the reason', async () => {
    const {code, stderr} = await dask('cluster', 'create', 'broken', '--image', 'nothing.invalid/x', '--wait', '--timeout', '60s')
    expect(code).toBe(1)
    expect(stderr).toMatch(/does not start: ImagePullBackOff: .*it was taken away again: --keep keeps it to look at/)
    expect((await dask('cluster', 'list', 'broken', '-o', 'name')).code).toBe(3)
  })
})
