import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {EVENTS} from '../../../../src/api/core.ts'
import {ConnectionError, KubeError} from '../../../../src/kube/errors.ts'
import {CONFIG_MAPS, type EngineGround, startEngineGround, until, WIDGETS, type WidgetStatus, widget, widgetController} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

const statusOf = async (namespace: string, name = 'w'): Promise<WidgetStatus | undefined> =>
  (await ground.client.get(WIDGETS, {namespace, name})).status
const conditionOf = async (namespace: string, name = 'w') => (await statusOf(namespace, name))?.conditions?.[0]

it('law 7: tells in a condition what the server refuses for good, and tries again only when the object has changed', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  const creates = () => operator.calls.filter(({verb, kind}) => verb === 'create' && kind === 'ConfigMap')
  await ground.client.create(WIDGETS, widget('w', {replicas: 1, label: 'not a label!'}, namespace))
  await ground.client.create(WIDGETS, widget('sound', {replicas: 1}, namespace))
  await until(async () => (await conditionOf(namespace)) !== undefined)
  expect(await conditionOf(namespace)).toMatchObject({
    status: 'False',
    reason: 'FailedCreate',
    message: expect.stringContaining('not a label!'),
  })
  await until(async () => (await statusOf(namespace, 'sound'))?.children === 1)
  expect(creates()).toHaveLength(2)
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {label: 'a-label'}}, {type: 'merge'})
  await until(async () => (await statusOf(namespace))?.children === 1)
  expect(await conditionOf(namespace)).toBeUndefined()
  expect(creates()).toHaveLength(3)
  expect(operator.log).toEqual([])
  await operator.stop()
})

it('law 7: still does what comes before a step that was refused for good', async () => {
  const namespace = await ground.namespace()
  const {plan} = widgetController()
  let refusals = 0
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        const refused = {do: 'patch' as const, kind: CONFIG_MAPS, ref: {namespace, name: 'w-extra'}, uid: 'any', patch: {data: 1}}
        const made = plan(owner, world, now)
        return {...made, stages: [...made.stages, [refused]]}
      },
    }),
  )
  operator.meddle((call, send) => {
    if (call.verb !== 'patch' || call.kind !== 'ConfigMap') return send()
    refusals += 1
    throw new KubeError(422, 'Invalid', 'data must be a mapping')
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await conditionOf(namespace))?.message === 'data must be a mapping')
  const [child] = (await ground.client.list(CONFIG_MAPS, {namespace})).items.filter(({metadata}) => metadata.name.startsWith('w-'))
  if (!child) throw new Error('there is no child')
  await ground.client.delete(CONFIG_MAPS, child.metadata)
  await until(async () => {
    const {items} = await ground.client.list(CONFIG_MAPS, {namespace})
    return items.some(({metadata}) => metadata.name.startsWith('w-') && metadata.uid !== child.metadata.uid)
  })
  expect(refusals).toBe(1)
  expect((await conditionOf(namespace))?.message).toBe('data must be a mapping')
  await operator.stop()
})

it('law 7: still does what stands beside steps that were refused for good, and tries none of those again and again', async () => {
  const namespace = await ground.namespace()
  const {plan} = widgetController()
  const refusals: string[] = []
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        const ref = {namespace, name: 'w-extra'}
        const patched = {do: 'patch' as const, kind: CONFIG_MAPS, ref, uid: 'any', patch: {data: 1}}
        const deleted = {do: 'delete' as const, kind: CONFIG_MAPS, ref, uid: 'any', why: 'it is asked for'}
        const {stages, status} = plan(owner, world, now)
        return {stages: [[patched, deleted, ...stages.flat()]], status}
      },
    }),
  )
  operator.meddle((call, send) => {
    if (call.kind !== 'ConfigMap' || call.name !== 'w-extra') return send()
    refusals.push(call.verb)
    throw new KubeError(422, 'Invalid', `no ${call.verb} of this one`)
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await ground.children(namespace)).length === 1)
  const [child] = await ground.children(namespace)
  if (!child) throw new Error('there is no child')
  await ground.client.delete(CONFIG_MAPS, child.metadata)
  await until(async () => (await ground.children(namespace)).some(({metadata}) => metadata.uid !== child.metadata.uid))
  // Two that took turns in being told would have each other tried again for ever.
  await until(() => refusals.length > 1)
  await pause(500)
  // Of those that were sent together, one is known to be refused after the first run, the other one after the second.
  expect(refusals).toHaveLength(3)
  expect((await conditionOf(namespace))?.message).toMatch(/^no (delete|patch) of this one$/)
  await operator.stop()
})

it('law 7: what has not begun when another sort of step is refused in its stage is done at once', async () => {
  const namespace = await ground.namespace()
  const {plan} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        const patched = {do: 'patch' as const, kind: CONFIG_MAPS, ref: {namespace, name: 'w-extra'}, uid: 'any', patch: {data: 1}}
        const {stages} = plan(owner, world, now)
        // No status of which a write would have it looked at once more.
        return {stages: [[patched, ...stages.flat()]], status: undefined}
      },
    }),
    {inFlight: {configmaps: 1}},
  )
  operator.meddle((call, send) => {
    if (call.verb === 'patch' && call.name === 'w-extra') throw new KubeError(422, 'Invalid', 'data must be a mapping')
    return send()
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await ground.children(namespace)).length === 1)
  await operator.stop()
})

it('law 7: tries again for a new object that says the same as the one it was refused for', async () => {
  const namespace = await ground.namespace()
  const {observe} = widgetController()
  const busy = {observing: 0, gate: Promise.resolve()}
  const operator = await ground.run(
    namespace,
    widgetController({
      observe: async (owner, reader, signal) => {
        busy.observing += 1
        await busy.gate
        return observe(owner, reader, signal)
      },
    }),
  )
  let isRefusing = true
  operator.meddle((call, send) => {
    if (isRefusing && call.verb === 'create' && call.kind === 'ConfigMap') throw new KubeError(422, 'Invalid', 'the port is taken')
    return send()
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await conditionOf(namespace))?.message === 'the port is taken')
  isRefusing = false
  // The old one goes and the new one comes while the operator is busy with the key: it never sees the name free.
  const {promise, resolve} = Promise.withResolvers<void>()
  busy.gate = promise
  const before = busy.observing
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {metadata: {finalizers: ['a/b']}}, {type: 'merge'})
  await until(() => busy.observing > before)
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {metadata: {finalizers: null}}, {type: 'merge'})
  await ground.client.delete(WIDGETS, {namespace, name: 'w'})
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await ground.client.create(WIDGETS, widget('later', {replicas: 1}, namespace))
  await until(() => busy.observing > before + 1)
  resolve()
  await until(async () => (await statusOf(namespace))?.children === 1)
  await operator.stop()
})

it.each([
  ['a quota', new KubeError(403, 'Forbidden', 'exceeded quota: pods')],
  ['too many requests', new KubeError(429, 'TooManyRequests', 'slow down')],
  ['a failing server', new KubeError(500, 'InternalError', 'etcd has no leader')],
  ['a dead network', new ConnectionError('the connection was refused')],
])('law 7: tells %s and tries until it is over', async (_, error) => {
  const namespace = await ground.namespace()
  let refusals = 0
  const operator = await ground.run(namespace, widgetController())
  operator.meddle((call, send) => {
    if (call.verb === 'create' && call.kind === 'ConfigMap' && refusals < 2) {
      refusals += 1
      throw error
    }
    return send()
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await conditionOf(namespace))?.message === error.message)
  await until(async () => (await statusOf(namespace))?.children === 1)
  expect(await conditionOf(namespace)).toBeUndefined()
  expect(operator.log[0]).toContain(error.message)
  await operator.stop()
})

it('law 7: is no storm where a server goes on refusing, though each refusal has words of its own', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  const tries: number[] = []
  operator.meddle(({verb, kind, name}, send) => {
    if (verb !== 'create' || kind !== 'ConfigMap') return send()
    tries.push(performance.now())
    throw new KubeError(403, 'Forbidden', `configmaps "${name}" is forbidden: exceeded quota`)
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(() => tries.length >= 7)
  // The first word of it has the owner looked at once more; from then on each pause is twice the one before, from 100 ms to a minute: a dozen
  // tries in the first minute, and one in each minute after that.
  const pauses = tries.slice(2, 7).map((at, index) => at - (tries[index + 1] ?? 0))
  expect(pauses.map((ms, index) => ms > 80 * 2 ** index)).toEqual(pauses.map(() => true))
  expect((await conditionOf(namespace))?.message).toContain('exceeded quota')
  await operator.stop()
})

it('law 7: names what holds the name that it needs', async () => {
  const namespace = await ground.namespace()
  const {apiVersion, kind} = CONFIG_MAPS
  const ref = {namespace, name: 'w-fixed'}
  await ground.client.create(CONFIG_MAPS, {apiVersion, kind, metadata: ref, data: {of: 'somebody'}})
  const {observe} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({observe: async (owner, reader, signal) => ({...(await observe(owner, reader, signal)), ids: ['fixed']})}),
  )
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await conditionOf(namespace))?.reason === 'NameTaken')
  expect((await conditionOf(namespace))?.message).toBe('ConfigMap "w-fixed" exists already and belongs to something else')
  expect((await ground.client.get(CONFIG_MAPS, ref)).data).toEqual({of: 'somebody'})
  await ground.client.delete(CONFIG_MAPS, ref)
  await until(async () => (await statusOf(namespace))?.children === 1)
  await operator.stop()
})

it('law 7: takes it for no error that somebody else has deleted an object first', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await statusOf(namespace))?.children === 1)
  operator.hold(CONFIG_MAPS)
  const [child] = await ground.children(namespace)
  await ground.client.delete(CONFIG_MAPS, {namespace, name: child?.metadata.name ?? ''})
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: 0}}, {type: 'merge'})
  await until(() => operator.calls.some(({verb}) => verb === 'delete'))
  operator.release()
  await until(async () => (await statusOf(namespace))?.children === 0)
  expect(operator.log).toEqual([])
  await operator.stop()
})

it('law 7: takes it for no error that the owner was replaced while its status was computed', async () => {
  const namespace = await ground.namespace()
  const planned: string[] = []
  let hasSeenLate = false
  const {plan} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        planned.push(owner.metadata.uid ?? '')
        hasSeenLate ||= world.children.length > 0
        const {stages, status} = plan(owner, world, now)
        // It stays different, however late it is written: the child itself may be gone by then.
        return {stages, status: {...status, ...(hasSeenLate && {hasSeenLate})}}
      },
    }),
  )
  const first = await ground.client.create(WIDGETS, widget('w', {replicas: 0}, namespace))
  await until(async () => (await statusOf(namespace))?.children === 0)
  operator.hold(WIDGETS)
  await ground.client.delete(WIDGETS, {namespace, name: 'w'})
  await ground.client.create(WIDGETS, widget('w', {replicas: 0}, namespace))
  // A new child of the old owner has it looked at again; the collector removes that one.
  const {apiVersion, kind} = first
  const reference = {apiVersion, kind, name: 'w', uid: first.metadata.uid ?? '', controller: true}
  const late = {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'late', namespace, ownerReferences: [reference]}}
  let writes = 0
  operator.meddle(async ({subresource}, send) => {
    if (subresource !== 'status') return send()
    writes += 1
    return send()
  })
  await ground.client.create(CONFIG_MAPS, late)
  await until(() => writes > 0)
  operator.release()
  await until(async () => (await statusOf(namespace))?.children === 0)
  expect(new Set(planned).size).toBe(2)
  expect(operator.log).toEqual([])
  await operator.stop()
})

it("law 7: tells the server's warnings as Events on the owner", async () => {
  const namespace = await ground.namespace()
  const {plan, observe} = widgetController()
  const operator = await ground.run(
    namespace,
    widgetController({
      observe,
      plan: (owner, world, now) => {
        const {stages, status} = plan(owner, world, now)
        const misspelt = (action: (typeof stages)[number][number]) =>
          action.do === 'create' ? {...action, object: {...action.object, dataa: {a: 'b'}}} : action
        return {stages: stages.map((stage) => stage.map(misspelt)), status}
      },
    }),
  )
  await ground.client.create(WIDGETS, widget('w', {replicas: 2}, namespace))
  await until(async () => (await ground.client.list(EVENTS, {namespace})).items.length > 0)
  const [event, ...others] = (await ground.client.list(EVENTS, {namespace})).items
  expect(event).toMatchObject({
    type: 'Warning',
    reason: 'ServerWarning',
    message: 'unknown field "dataa"',
    involvedObject: {kind: 'Widget', name: 'w'},
  })
  expect(others).toEqual([])
  await operator.stop()
})
