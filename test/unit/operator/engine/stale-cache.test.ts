import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {ConnectionError, KubeError} from '../../../../src/kube/errors.ts'
import type {StartInformer} from '../../../../src/kube/informer.ts'
import {startInformer} from '../../../../src/kube/start-informer.ts'
import {createHealth} from '../../../../src/operator/engine/health.ts'
import {
  CONFIG_MAPS,
  type ConfigMap,
  childOf,
  type EngineGround,
  type Meddled,
  startEngineGround,
  until,
  WIDGETS,
  widget,
  widgetController,
} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

/** Has the operator look at the widget again; resolves when it has been planned or passed over. */
const touch = async (namespace: string, name: string, value: string): Promise<void> => {
  await ground.client.patch(WIDGETS, {namespace, name}, {metadata: {annotations: {touched: value}}}, {type: 'merge'})
}

/** How often informers are told to list anew. */
const countLists = () => {
  let anew = 0
  const start: StartInformer = (options) => {
    const informer = startInformer(options)
    const relist = (): Promise<void> => {
      anew += 1
      return informer.relist()
    }
    return {...informer, relist}
  }
  return {startInformer: start, anew: () => anew}
}

const observed = (controller = widgetController()) => {
  const seen: string[] = []
  return {
    seen,
    controller: widgetController({
      observe: (owner, reader, signal) => {
        seen.push(owner.metadata.annotations?.['touched'] ?? '')
        return controller.observe(owner, reader, signal)
      },
    }),
  }
}

it('law 3: makes each child once, although the watch is behind', async () => {
  const namespace = await ground.namespace()
  const {seen, controller} = observed()
  const operator = await ground.run(namespace, controller)
  operator.hold(CONFIG_MAPS)
  await ground.client.create(WIDGETS, widget('w', {replicas: 5}, namespace))
  for (const value of ['1', '2', '3']) {
    await touch(namespace, 'w', value)
    await until(() => seen.includes(value))
  }
  expect(operator.calls.filter(({verb}) => verb === 'create')).toHaveLength(5)
  operator.release()
  await touch(namespace, 'w', 'last')
  await until(() => seen.includes('last'))
  expect(await ground.children(namespace)).toHaveLength(5)
  await operator.stop()
})

it('law 3: a standby that takes over makes nothing twice, although its watch is behind', async () => {
  const namespace = await ground.namespace()
  const lease = {namespace, name: 'operator'}
  const first = await ground.run(namespace, widgetController(), {identity: 'first', lease})
  const health = createHealth()
  let standby: Meddled | undefined
  const coming = ground.run(namespace, widgetController(), {identity: 'second', lease, health}, (meddled) => {
    standby = meddled
  })
  await until(() => health.isSynced())
  standby?.hold(CONFIG_MAPS)
  await ground.client.create(WIDGETS, widget('w', {replicas: 5}, namespace))
  await until(async () => (await ground.children(namespace)).length === 5)
  // By now it has found the lease taken.
  await pause(500)
  await first.stop()
  const second = await coming
  await touch(namespace, 'w', 'last')
  await pause(500)
  expect(await ground.children(namespace)).toHaveLength(5)
  expect(second.calls.filter(({verb}) => verb === 'create')).toEqual([])
  await second.stop()
})

it('lists once where it leads at once', async () => {
  const namespace = await ground.namespace()
  const lists = countLists()
  // However busy the machine is.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  const lease = {namespace, name: 'operator'}
  const operator = await ground.run(namespace, widgetController(), {lease, startInformer: lists.startInformer})
  clock.mockRestore()
  expect(lists.anew()).toBe(0)
  await operator.stop()
})

it('law 3: chooses nobody else to go while the cache does not show that the first has gone', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 4}, namespace))
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 4)
  operator.hold(CONFIG_MAPS)
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: 3}}, {type: 'merge'})
  await until(async () => (await ground.children(namespace)).length === 3)
  await touch(namespace, 'w', '1')
  operator.release()
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 3)
  expect(await ground.children(namespace)).toHaveLength(3)
  expect(operator.calls.filter(({verb}) => verb === 'delete')).toHaveLength(1)
  await operator.stop()
})

it.each([
  ['the network', new ConnectionError('the connection was reset')],
  ['a busy server', new KubeError(504, 'Timeout', 'request did not complete within the allotted timeout')],
])('law 3: makes no second child when %s loses the answer about the first', async (_, error) => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  operator.hold(CONFIG_MAPS)
  let lost = 0
  operator.meddle(async ({verb}, send) => {
    const answer = await send()
    if (verb === 'create' && lost++ < 2) throw error
    return answer
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 3}, namespace))
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 3)
  expect(lost).toBe(3)
  expect(await ground.children(namespace)).toHaveLength(3)
  await operator.stop()
})

it('law 3: lets nobody else go when the answer about the first is lost', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 8}, namespace))
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 8)
  operator.hold(CONFIG_MAPS)
  let lost = 0
  operator.meddle(async ({verb}, send) => {
    const answer = await send()
    if (verb === 'delete' && lost++ === 0) throw new ConnectionError('the connection was reset')
    return answer
  })
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: 7}}, {type: 'merge'})
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 7)
  expect(await ground.children(namespace)).toHaveLength(7)
  await operator.stop()
})

it('law 3: makes no plan while the server does not say what became of a write', async () => {
  const namespace = await ground.namespace()
  const {seen, controller} = observed()
  const operator = await ground.run(namespace, controller)
  operator.hold(CONFIG_MAPS)
  let reads = 0
  operator.meddle(async ({verb, kind}, send) => {
    if (verb === 'get' && kind === 'ConfigMap' && reads++ < 2) throw new KubeError(429, 'TooManyRequests', 'slow down')
    const answer = await send()
    if (verb === 'create' && reads === 0) throw new ConnectionError('the connection was reset')
    return answer
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(() => reads === 2)
  expect(seen).toHaveLength(1)
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 1)
  expect(await ground.children(namespace)).toHaveLength(1)
  await operator.stop()
})

it('law 4: acts on nothing that was to be written before and was refused', async () => {
  const namespace = await ground.namespace()
  const {metadata} = await ground.client.create(CONFIG_MAPS, childOf(widget('victim', {}, namespace), 'a'))
  const act: string[] = []
  const operator = await ground.run(
    namespace,
    widgetController({
      observe: () => ({children: [], ids: []}),
      plan: (owner) => ({
        stages: [
          [
            {
              do: 'patch',
              kind: CONFIG_MAPS,
              ref: {namespace, name: metadata.name},
              uid: owner.spec.label === 'other' ? 'the-one-before' : (metadata.uid ?? ''),
              ...(owner.spec.label === 'older' && {resourceVersion: '1'}),
              patch: {metadata: {annotations: {mark: 'victim'}}},
            },
          ],
          [{do: 'tell', type: 'Normal', reason: 'Acted', message: owner.metadata.name}],
        ],
        status: {children: act.push(owner.metadata.name)},
      }),
    }),
  )
  for (const label of ['older', 'other', 'same']) await ground.client.create(WIDGETS, widget(label, {label}, namespace))
  await until(() => operator.calls.some(({verb, kind}) => verb === 'create' && kind === 'Event'))
  await until(() => ['older', 'other', 'same'].every((name) => act.includes(name)))
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'other'})).status?.children !== undefined)
  expect(operator.calls.filter(({kind}) => kind === 'Event').map(({name}) => name.split('.')[0])).toEqual(['same'])
  await operator.stop()
})

it('law 4: goes on with the choice of an operator that died', async () => {
  const namespace = await ground.namespace()
  const isMarked = ({metadata}: ConfigMap): boolean => metadata.annotations?.['mark'] !== undefined
  const {observe} = widgetController()
  /** Marks whoever goes, and has them deleted by a later plan. */
  const careful = widgetController({
    observe,
    plan: (owner, {children}) => {
      const marked = children.filter(isMarked)
      const wrong = children.length - marked.length - (owner.spec.replicas ?? 0)
      const about = ({metadata: {name, uid = ''}}: ConfigMap) => ({kind: CONFIG_MAPS, ref: {namespace, name}, uid})
      const mark = {metadata: {annotations: {mark: 'victim'}}}
      return {
        stages: [
          children
            .filter((child) => !isMarked(child))
            .slice(0, Math.max(0, wrong))
            .map((child) => ({do: 'patch' as const, ...about(child), patch: mark})),
          marked.map((child) => ({do: 'delete' as const, ...about(child), why: 'it is marked'})),
        ],
        status: {children: children.length},
      }
    },
  })
  const owner = await ground.client.create(WIDGETS, widget('w', {replicas: 2}, namespace))
  for (const id of ['a', 'b', 'c', 'd']) {
    const child = childOf(owner, id)
    const {apiVersion, kind, metadata} = owner
    const reference = {apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true}
    await ground.client.create(CONFIG_MAPS, {...child, metadata: {...child.metadata, ownerReferences: [reference]}})
  }
  const first = await ground.run(namespace, careful, {}, ({meddle}) =>
    meddle(({verb, signal}, send) =>
      verb === 'delete' ? new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))) : send(),
    ),
  )
  await until(() => first.calls.some(({verb}) => verb === 'delete'))
  await first.stop()
  const marked = (await ground.children(namespace)).filter(isMarked).map(({metadata}) => metadata.name)
  expect(marked).toHaveLength(2)
  const second = await ground.run(namespace, careful)
  await until(async () => (await ground.children(namespace)).length === 2)
  expect((await ground.children(namespace)).filter(({metadata}) => marked.includes(metadata.name))).toEqual([])
  expect(second.calls.filter(({verb, kind}) => verb === 'patch' && kind === 'ConfigMap')).toEqual([])
  await second.stop()
})

it('law 4: leaves another object of the same name alone', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 1)
  operator.hold(CONFIG_MAPS)
  const [child] = await ground.children(namespace)
  const ref = {namespace, name: child?.metadata.name ?? ''}
  await ground.client.delete(CONFIG_MAPS, ref)
  const {apiVersion, kind} = CONFIG_MAPS
  await ground.client.create(CONFIG_MAPS, {apiVersion, kind, metadata: ref, data: {is: 'another'}})
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: 0}}, {type: 'merge'})
  await until(() => operator.calls.some(({verb}) => verb === 'delete'))
  operator.release()
  await until(async () => (await ground.client.get(WIDGETS, {namespace, name: 'w'})).status?.children === 0)
  expect((await ground.client.get(CONFIG_MAPS, ref)).data).toEqual({is: 'another'})
  expect(operator.log).toEqual([])
  await operator.stop()
})
