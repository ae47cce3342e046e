import {execFile} from 'node:child_process'
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {brotliDecompressSync} from 'node:zlib'
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {parse} from 'yaml'
import {CUSTOM_RESOURCE_DEFINITIONS, PODS} from '../../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, type DaskCluster} from '../../../src/api/dask.ts'
import type {KubeObject} from '../../../src/api/object.ts'
import {readableLog} from '../../../src/cli/readable-log.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {createLog} from '../../../src/operator/engine/log.ts'
import {runOperator} from '../../../src/operator/run.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'
import {until} from './engine/ground.ts'

interface Line {
  readonly level: string
  readonly msg: string
  readonly kind?: string
  readonly name?: string
  readonly run?: number
  readonly stages?: unknown
}

let ground: Ground
let client: KubeClient
let served: Promise<void>
const end = new AbortController()
const written: string[] = []
const lines = (): readonly Line[] => written.map((line) => JSON.parse(line) as Line)

beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  for (const file of await readdir('manifests/crds'))
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, parse(await readFile(`manifests/crds/${file}`, 'utf8')) as KubeObject)
  const ready = Promise.withResolvers<void>()
  const log = createLog('trace', (line) => written.push(line))
  served = runOperator({client, identity: 'log', leaderElection: false, signal: end.signal, log, onReady: ready.resolve})
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

it('has a line for each act, about the object for which it was done', async () => {
  await client.create(DASK_CLUSTERS, cluster)
  await until(async () => (await client.list(PODS, {namespace: 'default'})).items.length === 3)
  await until(() => lines().filter(({msg}) => msg.startsWith('created Pod demo-default-worker-')).length === 2)
  const created = lines().filter(({msg}) => msg === 'created Pod demo-scheduler')
  expect(created).toEqual([expect.objectContaining({level: 'info', kind: 'DaskCluster', namespace: 'default', name: 'demo'})])
  expect(written.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
})

it('tells by --log-level trace what was planned in the run in which it was done', () => {
  const [created] = lines().filter(({msg}) => msg === 'created Pod demo-scheduler')
  const ofRun = lines().filter(({kind, run}) => kind === created?.kind && run === created?.run)
  const [planned] = ofRun.filter(({level}) => level === 'trace')
  expect(planned?.stages).toEqual(expect.arrayContaining([expect.arrayContaining(['create Pod demo-scheduler'])]))
  expect(ofRun.at(-1)).toMatchObject({level: 'debug', msg: 'looked at'})
})

it('is read by people', () => {
  const [line = ''] = written.filter((each) => each.includes('created Pod demo-scheduler'))
  expect(readableLog(line)).toMatch(/^\d{4}-\S+Z info {2}DaskCluster default\/demo: created Pod demo-scheduler run=\d+ ms=\d+$/)
})

/** As other programs write them: levels are numbers there, say. */
const OTHERS = fc.record({level: fc.oneof(fc.nat(), fc.constant(null)), msg: fc.string()}).map((line) => JSON.stringify(line))

it('leaves lines that are none of its own as they are', () =>
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), OTHERS), (text) => {
      expect(readableLog(text)).toBe(text.trimEnd())
    }),
  ))

it('says nothing below its level', () => {
  const told: string[] = []
  const log = createLog('warn', (line) => told.push(line))
  log.info('not this')
  log.warn({error: 'refused'}, 'this')
  expect(told.map(readableLog)).toEqual([expect.stringMatching(/ warn {2}this: refused$/)])
})

it('of the installed operator names the levels where there is no such one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'operator-'))
  try {
    const program = join(directory, 'operator.mjs')
    await writeFile(program, brotliDecompressSync(await readFile('dist/operator.mjs.br')))
    const stdout = await new Promise<string>((resolve) =>
      execFile(process.execPath, [program], {env: {LOG_LEVEL: 'chatty'}}, (_, out) => resolve(out)),
    )
    expect(JSON.parse(stdout)).toMatchObject({level: 'error', error: 'LOG_LEVEL "chatty" is none of error, warn, info, debug, trace'})
  } finally {
    await rm(directory, {recursive: true})
  }
})
