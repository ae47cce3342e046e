import {readdir, readFile} from 'node:fs/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {parse} from 'yaml'
import {CUSTOM_RESOURCE_DEFINITIONS, PODS} from '../../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, type DaskCluster} from '../../../src/api/dask.ts'
import type {KubeObject} from '../../../src/api/object.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {createHealth} from '../../../src/operator/engine/health.ts'
import {createLog} from '../../../src/operator/engine/log.ts'
import {serveHealth} from '../../../src/operator/health-server.ts'
import {createMetrics} from '../../../src/operator/metrics.ts'
import {runOperator} from '../../../src/operator/run.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'
import {until} from './engine/ground.ts'

let ground: Ground
let client: KubeClient
const end = new AbortController()
const metrics = createMetrics()
let served: Promise<void>
let port = 0

beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  for (const file of await readdir('manifests/crds'))
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, parse(await readFile(`manifests/crds/${file}`, 'utf8')) as KubeObject)
  const health = createHealth()
  port = await serveHealth([health], metrics, {host: '127.0.0.1', port: 0}, end.signal)
  const ready = Promise.withResolvers<void>()
  served = runOperator({
    ...{client, health, metrics, identity: 'metrics', leaderElection: false, signal: end.signal},
    log: createLog('error', () => undefined),
    onReady: ready.resolve,
  })
  await ready.promise
})

afterAll(async () => {
  end.abort()
  await served
  await client.close()
  await ground.stop()
})

const cluster: DaskCluster = {
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {name: 'demo', namespace: 'default'},
  spec: {
    scheduler: {
      spec: {containers: [{name: 'scheduler', image: 'dask'}]},
      service: {selector: {'dask.org/cluster-name': 'demo'}, ports: [{name: 'tcp-comm', port: 8786, targetPort: 8786}]},
    },
    worker: {replicas: 2, spec: {containers: [{name: 'worker', image: 'dask'}]}},
  },
}

/** The samples of `/metrics` by name and labels. */
const read = async (): Promise<ReadonlyMap<string, number>> => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  expect(response.headers.get('content-type')).toContain('text/plain')
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

it('tells of what is under care, of runs and requests', async () => {
  await client.create(DASK_CLUSTERS, cluster)
  await until(async () => (await client.list(PODS, {namespace: 'default'})).items.length === 3)
  await until(async () => (await read()).get('dask_operator_objects{kind="daskclusters",phase="Running"}') === 1)
  const samples = await read()
  expect(Object.fromEntries([...samples].filter(([name]) => /_(leader|objects|pods)\b/.test(name)))).toEqual({
    dask_operator_leader: 1,
    'dask_operator_objects{kind="daskclusters",phase="Running"}': 1,
    'dask_operator_objects{kind="daskworkergroups",phase="NotReady"}': 1,
    'dask_operator_pods{component="scheduler",phase="Pending"}': 1,
    'dask_operator_pods{component="worker",phase="Pending"}': 2,
  })
  expect(samples.get('dask_operator_api_requests_total{verb="create",resource="pods",code="201"}')).toBe(3)
  expect(samples.get('dask_operator_reconcile_seconds_count{kind="daskclusters",result="success"}')).toBeGreaterThan(0)
  expect(samples.get('dask_operator_queue_depth{kind="daskclusters"}')).toBeGreaterThanOrEqual(0)
  expect(samples.get('dask_operator_watch_age_seconds{kind="pods"}')).toBeLessThan(60)
  expect(samples.get('dask_operator_process_resident_memory_bytes')).toBeGreaterThan(1e6)
})

it('counts how retirements ended, and how long they took', async () => {
  const retire = metrics.timing(async (_, addresses, {report}) => {
    for (const address of addresses) report({address, is: 'retired'})
  })
  const told: string[] = []
  const policy = {timeoutMs: 1000, afterTimeout: 'keep', afterRefusal: 'keep'} as const
  const options = {zero: false, policy, signal: end.signal, isHeld: () => true, report: ({is}: {readonly is: string}) => told.push(is)}
  await retire({name: 'demo', namespace: 'default'}, ['tcp://a', 'tcp://b'], options)
  expect(told).toEqual(['retired', 'retired'])
  expect((await read()).get('dask_operator_worker_retirement_seconds_count{outcome="retired"}')).toBe(2)
})

const OWN = /dask_operator_(?!process|nodejs)\w+/g
const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '')
const names = async (): Promise<readonly string[]> =>
  [...new Set([...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name))].filter((name) => name.match(OWN))

it('docs/operator.md names every number of its own, and no other', async () => {
  const told = new Set([...(await readFile('docs/operator.md', 'utf8')).matchAll(OWN)].map(([name]) => base(name)))
  expect([...told].toSorted()).toEqual([...(await names())].toSorted())
})

it('the dashboard asks only for numbers that there are', async () => {
  const dashboard = await readFile('manifests/grafana-dashboard.json', 'utf8')
  JSON.parse(dashboard)
  const asked = new Set([...dashboard.matchAll(/dask_operator_\w+/g)].map(([name]) => base(name)))
  const there = new Set([...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  expect([...asked].filter((name) => !there.has(name))).toEqual([])
})
