import {setTimeout as pause} from 'node:timers/promises'
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {ConnectionError, KubeError} from '../../../../src/kube/errors.ts'
import {CONFIG_MAPS, type EngineGround, type Meddler, startEngineGround, until, WIDGETS, widget, widgetController} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

/** What may become of a request: it does not arrive, or its answer does not. */
const FAULTS: Readonly<Record<string, Meddler>> = {
  none: (_, send) => send(),
  refused: () => Promise.reject(new ConnectionError('the connection was refused')),
  throttled: () => Promise.reject(new KubeError(429, 'TooManyRequests', 'slow down')),
  conflict: () => Promise.reject(new KubeError(409, 'Conflict', 'the object has been modified')),
  failed: () => Promise.reject(new KubeError(500, 'InternalError', 'etcd has no leader')),
  lost: async (_, send) => {
    await send()
    throw new ConnectionError('the connection was reset')
  },
  timedOut: async (_, send) => {
    await send()
    throw new KubeError(504, 'Timeout', 'the request timed out')
  },
}

const LATE_MS = 150

const history = fc.record({
  replicas: fc.array(fc.integer({min: 1, max: 6}), {minLength: 1, maxLength: 3}),
  faults: fc.array(fc.constantFrom(...Object.keys(FAULTS), 'lost', 'timedOut'), {minLength: 3, maxLength: 8}),
  isWatchLate: fc.constantFrom(true, true, false),
  diesAt: fc.option(fc.nat({max: 8}), {nil: undefined}),
})

it('law 3: whatever happens to its requests and to itself, there are never more children than were asked for, and in the end just as many', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({replicas, faults, isWatchLate, diesAt}) => {
      const namespace = await ground.namespace()
      const left = [...faults]
      let most = 0
      let asked = 0
      let writes = 0
      const died = Promise.withResolvers<void>()
      const meddler: Meddler = async (call, send) => {
        if (call.verb !== 'create' && call.verb !== 'delete' && call.subresource === undefined) return send()
        writes += 1
        if (writes === diesAt) died.resolve()
        const fault = FAULTS[left.shift() ?? 'none'] ?? FAULTS['none']
        try {
          return await fault?.(call, send)
        } finally {
          most = Math.max(most, (await ground.children(namespace)).length - asked)
        }
      }
      const run = () => ground.run(namespace, widgetController(), {}, ({meddle}) => meddle(meddler))
      let operator = await run()
      const restarted = died.promise.then(async () => {
        await operator.stop()
        operator = await run()
      })
      for (const count of replicas) {
        asked = Math.max(asked, count)
        if (isWatchLate) operator.hold(CONFIG_MAPS)
        if (count === replicas[0]) await ground.client.create(WIDGETS, widget('w', {replicas: count}, namespace)).catch(() => undefined)
        await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: count}}, {type: 'merge'})
        // The watch is late by some of the engine's own tries.
        const {release} = operator
        const shown = pause(isWatchLate ? LATE_MS : 0).then(release)
        await until(async () => (await ground.children(namespace)).length === count)
        await shown
      }
      died.resolve()
      await restarted
      const last = replicas.at(-1)
      await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === last)
      expect(await ground.children(namespace)).toHaveLength(last ?? 0)
      expect(most).toBeLessThanOrEqual(0)
      await operator.stop()
    }),
    {numRuns: 6, examples: [[{replicas: [3, 1], faults: ['lost', 'none', 'timedOut', 'lost'], isWatchLate: true, diesAt: undefined}]]},
  )
}, 60_000)
