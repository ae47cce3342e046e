import {afterAll, beforeAll, expect, it} from 'vitest'
import {inTime} from '../../../../src/operator/engine/time-limit.ts'
import {type EngineGround, startEngineGround, until, WIDGETS, type Widget, widget, widgetController} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

it('law 8: looks again at what it could not look at in time, and says so', async () => {
  const namespace = await ground.namespace()
  const {observe} = widgetController()
  let looks = 0
  const never = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const operator = await ground.run(
    namespace,
    widgetController({observe: (owner, reader, signal) => (++looks === 1 ? never(signal) : observe(owner, reader, signal))}),
    {requestTimeoutMs: 500},
  )
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => ((await ground.client.get(WIDGETS, {namespace, name: 'w'})) as Widget).status?.children === 1)
  expect(operator.log.join('')).toContain('within 0.5 s')
  await operator.stop()
})

it('work ends with the signal that it was given, and one that has ended is followed no more', async () => {
  const term = new AbortController()
  const seen: AbortSignal[] = []
  const work = (signal: AbortSignal): Promise<unknown> => {
    seen.push(signal)
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  await inTime('done', 60_000, term.signal, (signal) => void seen.push(signal))
  const [one, other] = [inTime('late', 60_000, term.signal, work), inTime('late', 60_000, term.signal, work)]
  term.abort(new Error('over'))
  await expect(one).rejects.toThrow('over')
  await expect(other).rejects.toThrow('over')
  await expect(inTime('late', 60_000, term.signal, (signal) => signal.throwIfAborted())).rejects.toThrow('over')
  expect(seen.map(({aborted}) => aborted)).toEqual([false, true, true])
})
