import {afterAll, beforeAll, expect, it} from 'vitest'
import {type EngineGround, startEngineGround, until, WIDGETS, type Widget, widget, widgetController} from './ground.ts'

const MARKER = 'kopf.zalando.org/KopfFinalizerMarker'
let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

const held = (namespace: string): Widget => {
  const {metadata, ...rest} = widget('w', {replicas: 1}, namespace)
  return {
    ...rest,
    metadata: {
      ...metadata,
      finalizers: [MARKER, 'mine/own'],
      annotations: {'kopf.zalando.org/last-handled-configuration': '{}', mine: 'own'},
    },
  }
}
const find = async (namespace: string): Promise<Widget | undefined> => (await ground.client.list(WIDGETS, {namespace})).items[0]

it('what an operator made with kopf has left on an object is taken off; what is of others stays', async () => {
  const namespace = await ground.namespace()
  await ground.client.create(WIDGETS, held(namespace))
  const operator = await ground.run(namespace, widgetController())
  await until(async () => !(await find(namespace))?.metadata.finalizers?.includes(MARKER))
  expect((await find(namespace))?.metadata).toMatchObject({finalizers: ['mine/own'], annotations: {mine: 'own'}})
  expect(Object.keys((await find(namespace))?.metadata.annotations ?? {})).toEqual(['mine'])
  await operator.stop()
})

it('an operator that puts its finalizer back is not wrestled with', async () => {
  const namespace = await ground.namespace()
  await ground.client.create(WIDGETS, held(namespace))
  const operator = await ground.run(namespace, widgetController())
  await until(async () => !(await find(namespace))?.metadata.finalizers?.includes(MARKER))
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {metadata: {finalizers: [MARKER]}, spec: {replicas: 2}}, {type: 'merge'})
  await until(async () => (await find(namespace))?.status?.children === 2)
  expect((await find(namespace))?.metadata.finalizers).toEqual([MARKER])
  // Nobody puts it back onto what is being deleted.
  await ground.client.delete(WIDGETS, {namespace, name: 'w'})
  await until(async () => (await find(namespace)) === undefined)
  await operator.stop()
})

it('an object whose deletion waits for an operator that has gone goes', async () => {
  const namespace = await ground.namespace()
  const made = await ground.client.create(WIDGETS, {...held(namespace), metadata: {...held(namespace).metadata, finalizers: [MARKER]}})
  await ground.client.delete(WIDGETS, made.metadata)
  expect(await find(namespace)).toBeDefined()
  const operator = await ground.run(namespace, widgetController())
  await until(async () => (await find(namespace)) === undefined)
  await operator.stop()
})
