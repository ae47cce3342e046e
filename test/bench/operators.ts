/** Our operator against the Python one (from PyPI), in turns on one API server: the same cluster of 100 workers. */
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {NAMESPACES, PODS} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {Kind} from '../../src/api/object.ts'
import {CLUSTER_ROLE_BINDINGS} from '../../src/cli/install/kinds.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {type ControlPlane, OPERATOR_ACCOUNT} from '../kubernetes/control-plane.ts'
import {cluster} from './cluster.ts'
import {median} from './figures.ts'
import {type OperatorProcess, startOurs, startPythons} from './operator-process.ts'

const WORKERS = 100
const ROUNDS = 3
const LOOK_MS = 20
/** Both have stopped writing by then. */
const QUIET_MS = 10_000

interface Figures {
  readonly seconds: number
  readonly requests: number
  readonly memory: number
}

/** Both get every right, so that neither is slowed by a refusal. Resolves with a Markdown table. */
export async function benchOperators(plane: ControlPlane, client: KubeClient, directory: string): Promise<string> {
  await allowAll(client)
  const auditLog = join(directory, 'audit.log')
  const rounds: {readonly ours: Figures; readonly theirs: Figures}[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await measure(client, auditLog, `theirs-${round}`, await startPythons(plane))
    const ours = await measure(client, auditLog, `ours-${round}`, await startOurs(plane))
    rounds.push({ours, theirs})
  }
  const row = (what: string, figure: (figures: Figures) => number, digits: number): string => {
    const [ours, theirs] = [median(rounds.map((round) => figure(round.ours))), median(rounds.map((round) => figure(round.theirs)))]
    return `| ${what} | ${ours.toFixed(digits)} | ${theirs.toFixed(digits)} | ${(theirs / ours).toFixed(1)} × |`
  }
  return [
    `| a cluster of ${WORKERS} workers | ours | the Python operator | |`,
    '| --- | --- | --- | --- |',
    row(`seconds until there are ${WORKERS} worker pods`, ({seconds}) => seconds, 2),
    row('its requests to the API server for it, watches included', ({requests}) => requests, 0),
    row('its memory after that, MB', ({memory}) => memory, 0),
  ].join('\n')
}

const measure = async (client: KubeClient, auditLog: string, namespace: string, operator: OperatorProcess): Promise<Figures> => {
  try {
    await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
    const before = await requestsIn(auditLog)
    const began = performance.now()
    await client.create(DASK_CLUSTERS, cluster(namespace, 'demo', WORKERS))
    while ((await workers(client, namespace)) < WORKERS) await pause(LOOK_MS)
    const seconds = (performance.now() - began) / 1000
    await pause(QUIET_MS)
    const figures = {seconds, requests: (await requestsIn(auditLog)) - before, memory: await operator.memory()}
    await client.delete(DASK_CLUSTERS, {namespace, name: 'demo'}, {propagationPolicy: 'Background'})
    while ((await workers(client, namespace)) > 0 || (await left(client, DASK_CLUSTERS, namespace)) > 0) await pause(200)
    await client.delete(NAMESPACES, {name: namespace})
    return figures
  } finally {
    await operator.stop()
  }
}

const left = async (client: KubeClient, kind: Kind, namespace: string): Promise<number> =>
  (await client.list(kind, {namespace})).items.length

const workers = async (client: KubeClient, namespace: string): Promise<number> =>
  (await client.list(PODS, {namespace, labelSelector: 'dask.org/component=worker'})).items.length

const requestsIn = async (auditLog: string): Promise<number> => (await readFile(auditLog, 'utf8').catch(() => '')).split('\n').length

export const allowAll = async (client: KubeClient): Promise<void> => {
  await client.create(CLUSTER_ROLE_BINDINGS, {
    apiVersion: CLUSTER_ROLE_BINDINGS.apiVersion,
    kind: CLUSTER_ROLE_BINDINGS.kind,
    metadata: {name: 'bench'},
    ...{roleRef: {apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin'}},
    ...{subjects: [{apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: OPERATOR_ACCOUNT}]},
  })
}
