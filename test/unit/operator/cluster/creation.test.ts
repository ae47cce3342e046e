import {afterAll, beforeAll, expect, it} from 'vitest'
import {DASK_CLUSTERS} from '../../../../src/api/dask.ts'
import {applyCrds} from '../../../../src/cli/crds.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../../src/kube/config.ts'
import {connect} from '../../../../src/kube/connect.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {runOperator} from '../../../../src/operator/run.ts'
import {until} from '../../../conformance/ground.ts'
import {type Ground, startGround} from '../../sandbox/apiserver/ground.ts'
import {makeCluster} from '../objects.ts'

const WORKERS = 60

let ground: Ground
let client: KubeClient
let operator: Promise<void>
const term = new AbortController()
/** What the operator asked for, and how many of it were on their way at once. */
const asked: string[] = []
let inFlight = 0
let mostInFlight = 0
beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, term.signal)
  const counted: KubeClient = {
    ...client,
    get: (kind, ...rest) => {
      asked.push(`get ${kind.plural}`)
      return client.get(kind, ...rest)
    },
    create: async (kind, ...rest) => {
      asked.push(`create ${kind.plural}`)
      inFlight += 1
      mostInFlight = Math.max(mostInFlight, inFlight)
      try {
        return await client.create(kind, ...rest)
      } finally {
        inFlight -= 1
      }
    },
    list: (kind, ...rest) => {
      asked.push(`list ${kind.plural}`)
      return client.list(kind, ...rest)
    },
  }
  const ready = Promise.withResolvers<void>()
  operator = runOperator({
    ...{client: counted, identity: 'test', leaderElection: false, signal: term.signal, log: createLog('error', () => undefined)},
    onReady: ready.resolve,
  })
  await Promise.race([ready.promise, operator])
})
afterAll(async () => {
  term.abort()
  await operator
  await client.close()
  await ground.stop()
})

it('G19: each worker costs one request, side by side with others, and nothing is looked up for it', async () => {
  const before = asked.length
  const {apiVersion, kind, spec} = makeCluster(WORKERS)
  const at = {namespace: 'default', name: 'demo'}
  await client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: at, spec})
  await until(async () => (await client.get(DASK_CLUSTERS, at)).status?.replicas === WORKERS, 'the cluster has its workers')
  const requests = asked.slice(before).toSorted()
  expect(requests).toEqual(['create daskworkergroups', ...Array.from({length: WORKERS + 1}, () => 'create pods'), 'create services'])
  expect(mostInFlight).toBeGreaterThan(8)
})
