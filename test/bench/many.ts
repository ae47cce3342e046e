/** One operator over 10,000 pods: 100 clusters of 100 workers, made, left alone, repaired, restarted over, and taken away. */
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import type {ControlPlane} from '../kubernetes/control-plane.ts'
import {cluster} from './cluster.ts'
import {median} from './figures.ts'
import {startOurs} from './operator-process.ts'
import {allowAll} from './operators.ts'

const CLUSTERS = 100
const WORKERS = 100
const ALL = CLUSTERS * WORKERS
const REST_MS = 30_000
const REPLACED = 20
const NAMESPACE = 'many'

const groupOf = ({metadata}: Pod): string => metadata.labels?.['dask.org/workergroup-name'] ?? ''

const DEADLINE_MS = 120_000

const until = async (isSo: () => boolean, what: () => string): Promise<void> => {
  const deadline = performance.now() + DEADLINE_MS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain: ${what()}`)
    await pause(5)
  }
}

/** Resolves with a Markdown table. */
export async function benchMany(plane: ControlPlane, client: KubeClient, directory: string): Promise<string> {
  await allowAll(client)
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: NAMESPACE}})
  const here = new Map<string, Pod>()
  /** When a worker of a group was asked to go: its successor may be told before its own end. */
  const deleted = new Map<string, number>()
  const waits: number[] = []
  const end = new AbortController()
  const informer = startInformer({
    client,
    kind: PODS,
    namespace: NAMESPACE,
    labelSelector: 'dask.org/component=worker',
    signal: end.signal,
    onChange: (before, after) => {
      if (before && !after) here.delete(before.metadata.name)
      if (!after || before) return
      here.set(after.metadata.name, after)
      const group = groupOf(after)
      const since = deleted.get(group)
      if (since !== undefined) waits.push(performance.now() - since)
      deleted.delete(group)
    },
  })
  await informer.synced
  const auditLog = join(directory, 'audit.log')
  const writes = async (): Promise<number> =>
    (await readFile(auditLog, 'utf8')).split('\n').filter((line) => /"verb":"(create|update|patch|delete)"/.test(line)).length
  const rows: string[] = []
  const tell = (what: string, figure: string): void => {
    console.error(`${what}: ${figure}`)
    rows.push(`| ${what} | ${figure} |`)
  }

  let operator = await startOurs(plane)
  try {
    const [began, spent] = [performance.now(), await operator.cpuSeconds()]
    const names = Array.from({length: CLUSTERS}, (_, index) => `demo-${index}`)
    await mapLimited(
      createLimit(16),
      '',
      names,
      async (name) => void (await client.create(DASK_CLUSTERS, cluster(NAMESPACE, name, WORKERS))),
    )
    await until(
      () => here.size === ALL,
      () => `${here.size} of ${ALL} pods are there`,
    )
    const seconds = (performance.now() - began) / 1000
    tell(
      `${CLUSTERS} clusters × ${WORKERS} workers until all pods are there`,
      `${seconds.toFixed(1)} s, ${Math.round(ALL / seconds)} pods/s`,
    )
    tell('CPU of the operator for each of these pods', `${((((await operator.cpuSeconds()) - spent) * 1000) / ALL).toFixed(2)} ms`)
    await pause(REST_MS)
    tell('memory of the operator', `${(await operator.memory()).toFixed(0)} MB`)

    const [cpu, wrote] = [await operator.cpuSeconds(), await writes()]
    await pause(REST_MS)
    tell(`CPU at rest, over ${REST_MS / 1000} s`, `${((((await operator.cpuSeconds()) - cpu) * 100_000) / REST_MS).toFixed(2)} % of a core`)
    tell('writes at rest', String((await writes()) - wrote))

    for (const pod of [...here.values()].slice(0, REPLACED)) {
      const count = waits.length
      deleted.set(groupOf(pod), performance.now())
      await client.delete(PODS, pod.metadata, {gracePeriodSeconds: 0})
      await until(
        () => waits.length > count,
        () => `pod ${pod.metadata.name} is not replaced`,
      )
    }
    tell('from the call that deletes a worker until its successor is there, by the watch (median)', `${median(waits).toFixed(0)} ms`)

    // What it still had to tell of the last ones is not the next one's work.
    await pause(REST_MS / 10)
    await operator.stop()
    const before = await writes()
    const restarted = performance.now()
    operator = await startOurs(plane)
    tell('a restarted operator until it serves', `${((performance.now() - restarted) / 1000).toFixed(1)} s`)
    await pause(REST_MS / 3)
    tell('its writes', String((await writes()) - before))

    const gone = performance.now()
    await mapLimited(createLimit(16), '', names, (name) =>
      client.delete(DASK_CLUSTERS, {namespace: NAMESPACE, name}, {propagationPolicy: 'Background'}),
    )
    await until(
      () => here.size === 0,
      () => `${here.size} pods are left`,
    )
    const deletion = (performance.now() - gone) / 1000
    tell('all clusters deleted, until no pod is left', `${deletion.toFixed(1)} s, ${Math.round(ALL / deletion)} pods/s`)
    return ['| one operator over 10,000 pods | |', '| --- | --- |', ...rows].join('\n')
  } finally {
    end.abort()
    await operator.stop()
  }
}
