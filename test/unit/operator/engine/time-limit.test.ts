import {afterAll, beforeAll, expect, it} from 'vitest'
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
