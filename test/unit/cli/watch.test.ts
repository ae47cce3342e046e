import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {DASK_CLUSTERS} from '../../../src/api/dask.ts'
import {applyCrds} from '../../../src/cli/crds.ts'
import {type Look, openWatch} from '../../../src/cli/watch.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {ConnectionError, KubeError} from '../../../src/kube/errors.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'

let ground: Ground
let client: KubeClient

beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, new AbortController().signal)
})
afterAll(async () => {
  await client.close()
  await ground.stop()
})

it('a command that waits tells once that its watch is broken off, and goes on', async () => {
  const watches = new Set<AbortController>()
  let isAway = false
  const shaky: KubeClient = {
    ...client,
    raw: async (request) => {
      if (isAway) throw new ConnectionError('the connection was refused')
      const cut = new AbortController()
      if (request.path.includes('watch=true')) watches.add(cut)
      return client.raw({...request, signal: AbortSignal.any([cut.signal, ...(request.signal ? [request.signal] : [])])})
    },
  }
  const said: string[] = []
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  const told = (): readonly string[] => said.filter((line) => line.startsWith('Warning: the watch is broken off, and tried again: '))
  const watch = await openWatch(shaky, new AbortController().signal)
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace: 'default'})
    let looks = 0
    const look = (): Look<true> => {
      looks += 1
      return clusters.get({namespace: 'default', name: 'late'}) ? {done: true} : {}
    }
    const comes = watch.until(look, {timeoutMs: 15_000, waitingFor: () => 'it has not come'})
    // The first look comes with the first list; a failure before would be the command's own.
    await vi.waitUntil(() => looks > 0 && watches.size > 0, {timeout: 10_000})
    isAway = true
    for (const each of watches) each.abort(new ConnectionError('the connection was refused'))
    await vi.waitUntil(() => told().length > 0, {timeout: 10_000})
    isAway = false
    await client.create(DASK_CLUSTERS, {
      ...{apiVersion: DASK_CLUSTERS.apiVersion, kind: DASK_CLUSTERS.kind, metadata: {namespace: 'default', name: 'late'}},
      spec: {scheduler: {service: {}, spec: {containers: []}}, worker: {spec: {containers: []}}},
    })
    expect(await comes).toBe(true)
    expect(told()).toHaveLength(1)
  } finally {
    watch.close()
    stderr.mockRestore()
  }
})

it('a server that asks for a moment at the beginning is given it', async () => {
  let asked = 0
  const busy: KubeClient = {
    ...client,
    raw: async (request) => {
      asked += 1
      if (asked === 1) throw new KubeError(429, 'TooManyRequests', 'storage is (re)initializing', {retryAfter: 0.1})
      return client.raw(request)
    },
  }
  const said: string[] = []
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  const watch = await openWatch(busy, new AbortController().signal)
  try {
    watch.see(DASK_CLUSTERS, {namespace: 'none'})
    expect(await watch.until(() => ({done: true}), {timeoutMs: 15_000, waitingFor: () => 'it is not there'})).toBe(true)
  } finally {
    watch.close()
    stderr.mockRestore()
  }
  expect(asked).toBeGreaterThan(1)
  expect(said.join('')).toContain('storage is (re)initializing')
})
