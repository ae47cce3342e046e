import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {CUSTOM_RESOURCE_DEFINITIONS} from '../../../../src/api/core.ts'
import type {KubeObject} from '../../../../src/api/object.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import type {Informer} from '../../../../src/kube/informer.ts'
import {createStatusWriter} from '../../../../src/operator/engine/status.ts'
import {crd, type EngineGround, startEngineGround, until, WIDGETS, type Widget, widget, widgetController} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

const get = (namespace: string): Promise<Widget> => ground.client.get(WIDGETS, {namespace, name: 'w'})
const scale = (namespace: string, replicas: number) =>
  ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas}}, {type: 'merge'})

/** Changes the installed definition; resolves when the server serves it so. */
const install = async (options: Parameters<typeof crd>[0]): Promise<void> => {
  const {spec} = crd(options)
  await ground.client.patch(CUSTOM_RESOURCE_DEFINITIONS, {name: 'widgets.laws.example'}, {spec}, {type: 'merge'})
  await until(async () => {
    const response = await ground.client.raw({path: `/apis/${WIDGETS.apiVersion}`})
    return (await response.body.text()).includes('widgets/status') === (options?.hasStatus ?? true)
  })
}

it("law 5: writes nothing of a user's object but its status, whatever that object holds", async () => {
  const namespace = await ground.namespace()
  const spec = {replicas: 1, extra: {unknown: [1, {deep: 'yes'}], none: null}}
  const seen: unknown[] = []
  const {plan} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        seen.push(owner.spec)
        return plan(owner, world, now)
      },
    }),
  )
  const made = await ground.client.create(WIDGETS, widget('w', spec, namespace))
  await until(async () => (await get(namespace)).status?.children === 1)
  const {resourceVersion: _, managedFields: __, ...metadata} = (await get(namespace)).metadata as Record<string, unknown> & {name: string}
  expect((await get(namespace)).spec).toEqual(made.spec)
  expect(made.metadata).toMatchObject(metadata)
  expect(seen[0]).toEqual({replicas: 1, extra: {unknown: [1, {deep: 'yes'}]}})
  await operator.stop()
})

it('law 6: writes a status through /status, with the generation that it is for, and only when it differs', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await get(namespace)).status?.children === 1)
  expect((await get(namespace)).metadata.generation).toBe(1)
  await scale(namespace, 2)
  await until(async () => (await get(namespace)).status?.children === 2)
  expect((await get(namespace)).status?.observedGeneration).toBe(2)
  const writes = operator.calls.filter(({kind, verb}) => kind === 'Widget' && verb === 'patch')
  expect(new Set(writes.map(({subresource}) => subresource))).toEqual(new Set(['status']))
  const distinct = writes.length
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {metadata: {labels: {a: 'b'}}}, {type: 'merge'})
  await scale(namespace, 3)
  await until(async () => (await get(namespace)).status?.children === 3)
  expect(operator.calls.filter(({kind, verb}) => kind === 'Widget' && verb === 'patch').length - distinct).toBeLessThanOrEqual(2)
  await operator.stop()
})

it('law 6: follows the definition when it loses and gets its status subresource under a running operator', async () => {
  const namespace = await ground.namespace()
  const {plan} = widgetController()
  // Without the subresource each write moves the generation: what was observed is left out.
  const operator = await ground.run(
    namespace,
    widgetController({plan: (owner, world, now) => ({...plan(owner, world, now), status: {children: world.children.length}})}),
  )
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await get(namespace)).status?.children === 1)
  await install({hasStatus: false})
  await scale(namespace, 2)
  await until(async () => (await get(namespace)).status?.children === 2)
  await install({hasStatus: true})
  await scale(namespace, 3)
  await until(async () => (await get(namespace)).status?.children === 3)
  expect(operator.log).toEqual([])
  await operator.stop()
})

it.each([
  ['prunes', {'x-kubernetes-preserve-unknown-fields': false, properties: {observedGeneration: {type: 'integer'}}}],
  ['refuses', {properties: {children: {type: 'string'}}}],
])('law 6: sends a status that the server %s once, not again and again', async (_, statusSchema) => {
  const namespace = await ground.namespace()
  await ground.client.patch(
    CUSTOM_RESOURCE_DEFINITIONS,
    {name: 'widgets.laws.example'},
    {spec: (crd({statusSchema}) as KubeObject & {spec: unknown}).spec},
    {type: 'merge'},
  )
  let runs = 0
  const {plan} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        runs += 1
        return {...plan(owner, world, now), status: {children: world.children.length}}
      },
    }),
  )
  const writes = () => operator.calls.filter(({kind, verb}) => kind === 'Widget' && verb === 'patch').length
  await ground.client.create(WIDGETS, widget('w', {}, namespace))
  await until(() => writes() > 0)
  for (const value of ['1', '2', '3']) {
    const before = runs
    await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {metadata: {annotations: {touched: value}}}, {type: 'merge'})
    await until(() => runs > before)
  }
  expect(writes()).toBe(1)
  await operator.stop()
  await ground.client.patch(CUSTOM_RESOURCE_DEFINITIONS, {name: 'widgets.laws.example'}, {spec: crd().spec}, {type: 'merge'})
})

it('tells what is true whatever becomes of the wall clock', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await get(namespace)).status?.children === 1)
  const hourAgo = Date.now() - 3_600_000
  const wall = vi.spyOn(Date, 'now').mockImplementation(() => hourAgo)
  await scale(namespace, 2)
  await until(async () => (await get(namespace)).status?.children === 2).finally(() => wall.mockRestore())
  await operator.stop()
})

it('lets writes that make something go first where these wait for their turn, all statuses together but one in a while', async () => {
  const time = {now: 1_000_000, isCrowded: true}
  const written: string[] = []
  const client = {
    raw: () => Promise.resolve({status: 404, headers: {}, body: {text: () => Promise.resolve('')}}),
    patch: (_: unknown, {name}: {name: string}, {status}: {status: unknown}) => {
      written.push(name)
      return Promise.resolve({...widget(name, {}, 'n'), status})
    },
  } as unknown as KubeClient
  const informer = {observe: () => undefined} as unknown as Informer
  const writer = createStatusWriter(
    client,
    WIDGETS,
    informer,
    () => time.now,
    () => time.isCrowded,
  )
  const write = (name: string, children: number, isUrgent = false): ReturnType<typeof writer.write> => {
    const owner = widget(name, {}, 'n')
    return writer.write(
      {...owner, metadata: {...owner.metadata, uid: name}},
      {children},
      {mayWait: false, isUrgent, signal: AbortSignal.timeout(60_000)},
    )
  }
  expect(await write('a', 1)).toBe('written')
  expect(await write('b', 1)).toBe(250)
  expect(await write('c', 1, true)).toBe('written')
  time.now += 250
  expect(await write('d', 1)).toBe('written')
  expect(await write('b', 1)).toBe(250)
  // Whoever has waited for long has its turn whatever the others do.
  time.now += 9_750
  expect(await write('d', 2)).toBe('written')
  expect(await write('b', 1)).toBe('written')
  time.isCrowded = false
  expect(await write('e', 1)).toBe('written')
  expect(written).toEqual(['a', 'c', 'd', 'd', 'b', 'e'])
})

it('law 6: knows since when conditions hold that the server has pruned, and does not send them again', async () => {
  let [time, sent] = [1_000_000, 0]
  const owner = {...widget('w', {}, 'n'), metadata: {name: 'w', namespace: 'n', uid: 'w'}, status: {}}
  const client = {
    raw: () => Promise.resolve({status: 404, headers: {}, body: {text: () => Promise.resolve('')}}),
    patch: () => {
      sent += 1
      return Promise.resolve(owner)
    },
  } as unknown as KubeClient
  const writer = createStatusWriter(
    client,
    WIDGETS,
    {observe: () => undefined} as unknown as Informer,
    () => time,
    () => false,
  )
  // Each plan would have its conditions begin at its own time.
  const write = (status: 'True' | 'False'): ReturnType<typeof writer.write> => {
    time += 10_000
    const condition = {type: 'Ready', status, reason: 'x', message: '', lastTransitionTime: new Date(time).toISOString()}
    return writer.write(owner, {conditions: [condition]}, {mayWait: false, isUrgent: false, signal: AbortSignal.timeout(60_000)})
  }
  expect([await write('True'), await write('True'), await write('False'), await write('False')]).toEqual([
    'written',
    'same',
    'written',
    'same',
  ])
  expect(sent).toBe(2)
})
