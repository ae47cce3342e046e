import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {LEASES, PODS} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import {LEASE_NAMESPACE, OPERATOR} from '../../src/api/names.ts'
import {clusterManifest} from '../../src/cli/cluster-manifest.ts'
import {applyCrds} from '../../src/cli/crds.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {BIN, until} from '../conformance/ground.ts'
import {type Ground, startGround} from '../unit/sandbox/apiserver/ground.ts'

/** Two operators; the one that leads is stopped amid its writes, for longer than its lease lasts, and goes on. */

/** More than are made before their watcher hears of the first. */
const WORKERS = 1000

let ground: Ground
let client: KubeClient
let directory = ''
const operators: ChildProcess[] = []
const said = new Map<ChildProcess, string>()
const end = new AbortController()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paused-'))
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, end.signal)
})
afterAll(async () => {
  end.abort()
  for (const operator of operators) operator.kill('SIGKILL')
  await client.close()
  await ground.stop()
  await rm(directory, {recursive: true})
})

/** A busy machine holds the server and an operator up for seconds: neither of them loses a lease that it should keep. */
const start = (leaseDuration: string): ChildProcess => {
  const args = [BIN, 'operator', 'run', '--lease-duration', leaseDuration, '--kubeconfig', ground.kubeconfig]
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'ignore', 'pipe']})
  child.stderr?.on('data', (chunk: Buffer) => said.set(child, (said.get(child) ?? '') + chunk.toString()))
  operators.push(child)
  return child
}
const says = (child: ChildProcess, words: string): Promise<void> =>
  until(() => said.get(child)?.includes(words) === true, `an operator says "${words}"`)
const holder = async (): Promise<string | undefined> =>
  (await client.get(LEASES, {namespace: LEASE_NAMESPACE, name: OPERATOR})).spec?.holderIdentity

it('its successor finishes the work, and nothing that it sends late makes one worker too many', async () => {
  const present = new Set<string>()
  let most = 0
  let atFirst: (() => void) | undefined
  const onChange = (before: {metadata: {name: string}} | undefined, after: {metadata: {name: string}} | undefined): void => {
    if (after) present.add(after.metadata.name)
    else if (before) present.delete(before.metadata.name)
    most = Math.max(most, present.size)
    if (present.size > 0) atFirst?.()
  }
  await startInformer({client, kind: PODS, labelSelector: 'dask.org/component=worker', signal: end.signal, onChange}).synced

  const first = start('9s')
  await says(first, 'serving all namespaces')
  const firstHolder = await holder()
  const second = start('60s')
  await says(second, 'standing by')
  // At once, not at the next look: the rest are made within a second.
  atFirst = () => {
    first.kill('SIGSTOP')
    atFirst = undefined
  }
  await client.create(DASK_CLUSTERS, clusterManifest('demo', 'default', {workers: WORKERS, image: 'dask'}))
  await until(() => present.size > 0, 'the first workers are made')
  expect(present.size).toBeLessThan(WORKERS)
  await until(async () => (await holder()) !== firstHolder, 'the second one takes the lease')
  await until(() => present.size === WORKERS, 'it finishes the work')

  const ended = once(first, 'exit')
  first.kill('SIGCONT')
  const [code] = (await ended) as [number | null]
  expect({code, said: said.get(first)}).toMatchObject({code: 1, said: expect.stringContaining('lease')})
  // What it has sent late would have been seen: one more change of the second one comes after it.
  await client.patch(DASK_CLUSTERS, {namespace: 'default', name: 'demo'}, {spec: {worker: {replicas: WORKERS + 1}}}, {type: 'merge'})
  await until(() => present.size >= WORKERS + 1, 'the second one works on')
  expect(most).toBe(WORKERS + 1)
})
