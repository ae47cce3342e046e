import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {LEASES} from '../../../../src/api/core.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {ConnectionError, KubeError} from '../../../../src/kube/errors.ts'
import {type LeaseTimes, leadWhile} from '../../../../src/operator/engine/lease.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {type EngineGround, type Meddled, meddleWith, startEngineGround, until} from './ground.ts'

/** Longer than a busy machine holds a process up: a lease is lost where a test says so, and nowhere else. */
const TIMES: LeaseTimes = {durationMs: 5_000, deadlineMs: 4_000, retryMs: 50}
/** For what comes when a lease has run out. */
const RUN_OUT_MS = 15_000

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

interface Candidate extends Meddled {
  readonly log: string[]
  readonly life: AbortController
  /** Of the term; absent while it stands by. */
  term(): AbortSignal | undefined
  isHeld(): boolean
  readonly done: Promise<void>
}

/** An operator that works until its term ends. */
const stand = (namespace: string, identity: string, client: KubeClient = ground.client, times = TIMES): Candidate => {
  const meddled = meddleWith(client)
  const life = new AbortController()
  const log: string[] = []
  let term: AbortSignal | undefined
  let isHeld = (): boolean => false
  const done = leadWhile(
    {
      client: meddled.client,
      namespace,
      name: 'operator',
      identity,
      signal: life.signal,
      log: createLog('info', (line) => log.push(line)),
      times,
    },
    async (signal, held) => {
      term = signal
      isHeld = held
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, {once: true}))
    },
  )
  done.catch(() => undefined)
  return {...meddled, log, life, term: () => term, isHeld: () => isHeld(), done}
}

const leads = (candidate: Candidate): boolean => candidate.term()?.aborted === false
const holder = async (namespace: string): Promise<string | undefined> =>
  (await ground.client.get(LEASES, {namespace, name: 'operator'})).spec?.holderIdentity

const hang = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), {once: true}))

it('law 9: has one leader, and a standby that says so', async () => {
  const namespace = await ground.namespace()
  const first = stand(namespace, 'first')
  await until(() => leads(first))
  const times = {...TIMES, retryMs: 500}
  const second = stand(namespace, 'second', ground.client, times)
  await until(() => second.log.length > 0)
  // It looks for longer than a lease lasts, with pauses of nine tenths of this at least: renewals keep it.
  const looks = TIMES.durationMs / (times.retryMs * 0.9) + 1
  await until(() => second.calls.filter(({verb}) => verb === 'get').length > looks, RUN_OUT_MS)
  expect(leads(second)).toBe(false)
  expect(second.log).toEqual([expect.stringContaining('standing by: first leads')])
  first.life.abort()
  second.life.abort()
  await Promise.all([first.done, second.done])
})

it('law 9: hands over at once when it is stopped', async () => {
  const namespace = await ground.namespace()
  const first = stand(namespace, 'first')
  await until(() => leads(first))
  const second = stand(namespace, 'second')
  await until(() => second.log.length > 0)
  first.life.abort()
  await first.done
  const stopped = performance.now()
  await until(() => leads(second))
  expect(performance.now() - stopped).toBeLessThan(TIMES.durationMs / 2)
  expect(await holder(namespace)).toBe('second')
  second.life.abort()
  await second.done
  expect(await holder(namespace)).toBeUndefined()
})

it('law 9: takes over from a leader that has died, when its lease has run out', async () => {
  const namespace = await ground.namespace()
  const now = new Date().toISOString().replace('Z', '000Z')
  const spec = {holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: now, leaseTransitions: 3}
  await ground.client.create(LEASES, {apiVersion: LEASES.apiVersion, kind: 'Lease', metadata: {name: 'operator', namespace}, spec})
  const second = stand(namespace, 'second')
  await until(() => second.log.length > 0)
  const from = performance.now()
  await until(() => leads(second), RUN_OUT_MS)
  expect(performance.now() - from).toBeGreaterThan(800)
  expect((await ground.client.get(LEASES, {namespace, name: 'operator'})).spec).toMatchObject({
    holderIdentity: 'second',
    leaseTransitions: 4,
  })
  second.life.abort()
  await second.done
})

it('law 9: stops work when another has taken the lease', async () => {
  const namespace = await ground.namespace()
  const first = stand(namespace, 'first')
  await until(() => leads(first))
  await ground.client.patch(LEASES, {namespace, name: 'operator'}, {spec: {holderIdentity: 'thief'}}, {type: 'merge'})
  await expect(first.done).rejects.toThrow('taken by thief')
  expect(first.term()?.aborted).toBe(true)
  expect(await holder(namespace)).toBe('thief')
})

it('law 9: stops work before its lease has run out, however the server fails', async () => {
  const namespace = await ground.namespace()
  const times = {...TIMES, deadlineMs: 1_000}
  const first = stand(namespace, 'first', ground.client, times)
  await until(() => leads(first))
  let lastAnswer = performance.now()
  const silentFrom = lastAnswer + times.deadlineMs * 0.8
  // First it refuses, then it does not answer at all.
  first.meddle(async ({signal}, send) => {
    if (performance.now() > silentFrom) return hang(signal)
    if (performance.now() > lastAnswer + times.retryMs) throw new ConnectionError('the connection was refused')
    const asked = performance.now()
    const answer = await send()
    lastAnswer = asked
    return answer
  })
  await expect(first.done).rejects.toThrow('could not be renewed')
  expect(performance.now() - lastAnswer).toBeLessThan(times.durationMs)
})

it('law 9: does not take the lease for held after the machine has slept, until it is renewed', async () => {
  const namespace = await ground.namespace()
  const first = stand(namespace, 'first')
  await until(() => leads(first))
  expect(first.isHeld()).toBe(true)
  let isAsleep = true
  first.meddle((_, send) => {
    if (isAsleep) throw new ConnectionError('the network is not back yet')
    return send()
  })
  // The steady clock has stood still.
  const wall = vi.spyOn(Date, 'now')
  const before = Date.now()
  wall.mockImplementation(() => before + 3_600_000)
  try {
    expect(first.isHeld()).toBe(false)
    isAsleep = false
    await until(() => first.isHeld())
    expect(leads(first)).toBe(true)
  } finally {
    wall.mockRestore()
  }
  first.life.abort()
  await first.done
})

it('law 9: keeps the lease through failures that pass', async () => {
  const namespace = await ground.namespace()
  const first = stand(namespace, 'first')
  await until(() => leads(first))
  let failures = 0
  // Somebody else touches the lease, and the network fails in the same moment.
  await ground.client.patch(LEASES, {namespace, name: 'operator'}, {metadata: {labels: {seen: 'yes'}}}, {type: 'merge'})
  first.meddle((_, send) => {
    failures += 1
    if (failures === 2) throw new ConnectionError('the connection was reset')
    if (failures === 3) throw new KubeError(429, 'TooManyRequests', 'slow down')
    return send()
  })
  await until(() => failures > 8)
  expect(leads(first)).toBe(true)
  first.life.abort()
  await first.done
})

it('law 9: never begins a term that ended before it began', async () => {
  const namespace = await ground.namespace()
  const meddled = meddleWith(ground.client)
  const life = new AbortController()
  // The signal comes when the server has answered already.
  meddled.meddle(async ({verb}, send) => {
    const answer = await send()
    if (verb === 'create') life.abort()
    return answer
  })
  const options = {
    client: meddled.client,
    namespace,
    name: 'operator',
    identity: 'me',
    signal: life.signal,
    log: createLog('error', () => undefined),
    times: TIMES,
  }
  const worked = await Promise.race([
    leadWhile(options, async (signal) => void (await hang(signal).catch(() => {}))),
    pause(10_000, 'on and on', {ref: false}),
  ])
  expect(worked).toBeUndefined()
  expect(await holder(namespace)).toBeUndefined()
})

it('law 9: says once, not every two seconds, that the lease cannot be read', async () => {
  const namespace = await ground.namespace()
  const {client} = ground
  const refusing: KubeClient = {...client, get: () => Promise.reject(new KubeError(403, 'Forbidden', 'leases are forbidden to you'))}
  const candidate = stand(namespace, 'me', refusing)
  await until(() => candidate.calls.length > 4)
  expect(candidate.log).toEqual([expect.stringContaining('leases are forbidden to you')])
  candidate.life.abort()
  await candidate.done
})
