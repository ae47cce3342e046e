import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {SECRETS} from '../../../../src/api/core.ts'
import {ConnectionError} from '../../../../src/kube/errors.ts'
import {startInformer} from '../../../../src/kube/start-informer.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {startOperator} from '../../../../src/operator/engine/operator.ts'
import type {AnyController} from '../../../../src/operator/engine/reconcile.ts'
import {
  CONFIG_MAPS,
  childOf,
  type EngineGround,
  meddleWith,
  startEngineGround,
  until,
  WIDGETS,
  type Widget,
  widget,
  widgetController,
} from './ground.ts'

let ground: EngineGround

beforeAll(async () => {
  ground = await startEngineGround()
})
afterAll(() => ground.stop())

const childrenOf = async (namespace: string, name = 'w'): Promise<number | undefined> =>
  (await ground.client.get(WIDGETS, {namespace, name})).status?.children

/** The garbage collector, which could be quicker than the operator under test, does nothing while a finalizer holds the owner. */
const heldBack = (owner: Widget): Widget => ({...owner, metadata: {...owner.metadata, finalizers: ['test/hold']}})

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

it('law 8: makes up for what happened while no watch could be had', async () => {
  const namespace = await ground.namespace()
  const {client} = ground
  const watches = new Set<AbortController>()
  let isAway = false
  const shaky = {
    ...client,
    raw: async (request: Parameters<typeof client.raw>[0]) => {
      if (!request.path.includes('watch=true')) return client.raw(request)
      if (isAway) throw new ConnectionError('the connection was refused')
      const cut = new AbortController()
      watches.add(cut)
      return client.raw({...request, signal: AbortSignal.any([cut.signal, ...(request.signal ? [request.signal] : [])])})
    },
  }
  const operator = await ground.run(namespace, widgetController(), {client: meddleWith(shaky).client})
  await client.create(WIDGETS, widget('w', {replicas: 2}, namespace))
  await client.create(WIDGETS, widget('leaves', {replicas: 2}, namespace))
  await until(async () => (await childrenOf(namespace)) === 2 && (await childrenOf(namespace, 'leaves')) === 2)
  isAway = true
  for (const watch of watches) watch.abort(new ConnectionError('the connection was reset'))
  await until(() => operator.log.length > 0)
  await client.create(WIDGETS, widget('comes', {replicas: 1}, namespace))
  await client.delete(WIDGETS, {namespace, name: 'leaves'})
  const [lost] = (await ground.children(namespace)).filter(({metadata}) => metadata.name.startsWith('w-'))
  await client.delete(CONFIG_MAPS, {namespace, name: lost?.metadata.name ?? ''})
  isAway = false
  await until(async () => (await childrenOf(namespace, 'comes')) === 1 && (await ground.children(namespace)).length === 3)
  const owners = (await ground.children(namespace)).map(({metadata}) => metadata.ownerReferences?.[0]?.name)
  expect(owners.toSorted()).toEqual(['comes', 'w', 'w'])
  await operator.stop()
})

it('law 8, G24: waits for no answer longer than its time, and asks what came of the request', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController(), {requestTimeoutMs: 100})
  let isSilent = true
  operator.meddle(async ({verb, kind, signal}, send) => {
    const answer = await send()
    if (!isSilent || verb !== 'create' || kind !== 'ConfigMap') return answer
    isSilent = false
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), {once: true}))
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 2}, namespace))
  await until(async () => (await childrenOf(namespace)) === 2)
  expect(await ground.children(namespace)).toHaveLength(2)
  expect(operator.log[0]).toContain('did not answer within 0.1 s')
  await operator.stop()
})

it('law 10: sends nothing where nothing is to be done', async () => {
  const namespace = await ground.namespace()
  const first = await ground.run(namespace, widgetController())
  for (const name of ['w', 'x', 'y']) await ground.client.create(WIDGETS, widget(name, {replicas: 2}, namespace))
  await until(async () => (await Promise.all(['w', 'x', 'y'].map((name) => childrenOf(namespace, name)))).every((count) => count === 2))
  await first.stop()
  const observed = new Set<string>()
  const {plan} = widgetController()
  const second = await ground.run(
    namespace,
    widgetController({
      plan: (owner, world, now) => {
        observed.add(`${owner.metadata.name} ${owner.metadata.labels?.['look'] ?? ''}`)
        return plan(owner, world, now)
      },
    }),
  )
  await until(() => observed.size === 3)
  for (const name of ['w', 'x', 'y'])
    await ground.client.patch(WIDGETS, {namespace, name}, {metadata: {labels: {look: 'again'}}}, {type: 'merge'})
  await until(() => observed.size === 6)
  await second.stop()
  expect(second.calls).toEqual([])
})

it('deletes the children of a deleted owner itself, in parallel', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, heldBack(widget('w', {replicas: 20}, namespace)))
  await until(async () => (await childrenOf(namespace)) === 20)
  let inFlight = 0
  let most = 0
  operator.meddle(async (_, send) => {
    inFlight += 1
    most = Math.max(most, inFlight)
    await until(() => most >= 20)
    inFlight -= 1
    return send()
  })
  await ground.client.delete(WIDGETS, {namespace, name: 'w'}, {propagationPolicy: 'Background'})
  await until(async () => (await ground.children(namespace)).length === 0)
  expect(operator.calls.filter(({verb}) => verb === 'delete')).toHaveLength(20)
  expect(operator.log).toEqual([])
  await operator.stop()
})

it('leaves the children of an owner that is deleted without them', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 3}, namespace))
  await ground.client.create(WIDGETS, widget('other', {replicas: 1}, namespace))
  await until(async () => (await childrenOf(namespace)) === 3 && (await childrenOf(namespace, 'other')) === 1)
  await ground.client.delete(WIDGETS, {namespace, name: 'w'}, {propagationPolicy: 'Orphan'})
  await ground.client.patch(WIDGETS, {namespace, name: 'other'}, {spec: {replicas: 0}}, {type: 'merge'})
  await until(async () => (await childrenOf(namespace, 'other')) === 0)
  expect((await ground.client.list(CONFIG_MAPS, {namespace})).items.filter(({metadata}) => metadata.name.startsWith('w-'))).toHaveLength(3)
  await operator.stop()
})

it('deletes at its start the children of owners that went while no operator was there', async () => {
  const namespace = await ground.namespace()
  const gone = {...widget('gone', {}, namespace), metadata: {name: 'gone', namespace, uid: 'of-long-ago'}}
  const child = childOf(gone, 'a')
  const {apiVersion, kind} = WIDGETS
  const reference = {apiVersion, kind, name: 'gone', uid: 'of-long-ago', controller: true}
  // Only the operator's view of it has an owner: the collector leaves the object alone.
  const {metadata} = await ground.client.create(CONFIG_MAPS, child)
  const operator = await ground.run(namespace, widgetController(), {
    startInformer: (options) => {
      const informer = startInformer(options)
      if (options.kind.plural === 'configmaps')
        void informer.synced.then(() =>
          informer.observe({
            ...child,
            metadata: {...metadata, resourceVersion: `${Number(metadata.resourceVersion) + 1}`, ownerReferences: [reference]},
          } as never),
        )
      return informer
    },
  })
  await until(async () => (await ground.client.list(CONFIG_MAPS, {namespace})).items.every(({metadata: {name}}) => name !== 'gone-a'))
  await operator.stop()
})

it('leaves nothing running when it is stopped in the middle of its work', async () => {
  const namespace = await ground.namespace()
  const before = timers()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, widget('w', {replicas: 200}, namespace))
  await until(() => operator.calls.length > 100)
  let sent = 0
  operator.meddle((_, send) => {
    sent += 1
    return send()
  })
  await operator.stop()
  const atStop = sent
  // Whatever still ran would have its turn in this request's time.
  await ground.client.list(CONFIG_MAPS, {namespace})
  expect(sent).toBe(atStop)
  expect(timers()).toBeLessThanOrEqual(before)
})

it('has ended its deletions too when it says that it has stopped', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController())
  await ground.client.create(WIDGETS, heldBack(widget('w', {replicas: 3}, namespace)))
  await until(async () => (await childrenOf(namespace)) === 3)
  let underWay = 0
  operator.meddle(async (_, send) => {
    underWay += 1
    // A client that takes its time to give up.
    await until(() => isStopping)
    await pause(20)
    try {
      return await send()
    } finally {
      underWay -= 1
    }
  })
  let isStopping = false
  await ground.client.delete(WIDGETS, {namespace, name: 'w'}, {propagationPolicy: 'Background'})
  await until(() => underWay >= 3)
  isStopping = true
  await operator.stop()
  expect(underWay).toBe(0)
})

it('ends at once when it is stopped before it has begun, server or not', async () => {
  const {client} = ground
  const dead = {...client, raw: () => Promise.reject(new ConnectionError('the connection was refused'))}
  const done = startOperator({
    client: dead,
    controllers: [widgetController() as unknown as AnyController],
    startInformer,
    identity: 'nobody',
    signal: AbortSignal.abort(),
    log: createLog('error', () => undefined),
  })
  expect(await Promise.race([done, pause(10_000, 'on and on', {ref: false})])).toBeUndefined()
})

it('fails when its lease is lost, and has stopped all work by then', async () => {
  const namespace = await ground.namespace()
  const operator = await ground.run(namespace, widgetController(), {
    lease: {namespace, name: 'operator', times: {durationMs: 5_000, deadlineMs: 4_000, retryMs: 50}},
  })
  await ground.client.create(WIDGETS, widget('w', {replicas: 1}, namespace))
  await until(async () => (await childrenOf(namespace)) === 1)
  const lease = {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true}
  await ground.client.patch(lease, {namespace, name: 'operator'}, {spec: {holderIdentity: 'thief'}}, {type: 'merge'})
  await expect(operator.done).rejects.toThrow('taken by thief')
  await ground.client.patch(WIDGETS, {namespace, name: 'w'}, {spec: {replicas: 5}}, {type: 'merge'})
  const sent = operator.calls.length
  await ground.client.list(CONFIG_MAPS, {namespace})
  expect(operator.calls).toHaveLength(sent)
  expect(await ground.children(namespace)).toHaveLength(1)
})

it('makes an object of a kind that nobody watches, as its owner’s own', async () => {
  const namespace = await ground.namespace()
  const secret = {apiVersion: 'v1', kind: 'Secret', metadata: {name: 'kept', namespace}}
  const controller = widgetController({
    writes: [SECRETS],
    plan: () => ({stages: [[{do: 'create', kind: SECRETS, object: secret}]], status: {children: 1}}),
  })
  const operator = await ground.run(namespace, controller)
  await ground.client.create(WIDGETS, widget('w', {}, namespace))
  await until(async () => (await childrenOf(namespace)) === 1)
  expect((await ground.client.get(SECRETS, secret.metadata)).metadata.ownerReferences).toMatchObject([{kind: 'Widget', name: 'w'}])
  await operator.stop()
})
