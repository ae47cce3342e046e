import {describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'
import {asking, type Body, gone, MERGE, map, pod, refusal} from './wire.ts'

/** Deletion: preconditions, finalizers, grace, and what goes with an owner or a namespace. */

const {client, namespace} = stand('api-deleting')
const ask = asking(client)
const MAPS = `/api/v1/namespaces/${namespace}/configmaps`
const PODS = `/api/v1/namespaces/${namespace}/pods`
const HOLD = {finalizers: ['example.org/hold']}

interface Owner {
  readonly name: string
  readonly uid: string
}
const make = async (name: string, owners: readonly Owner[] = [], metadata: object = {}): Promise<Owner> => {
  const ownerReferences = owners.map((owner) => ({apiVersion: 'v1', kind: 'ConfigMap', ...owner, blockOwnerDeletion: true}))
  const {body} = await ask('POST', MAPS, map(name, {}, {ownerReferences, ...metadata}))
  return {name, uid: body.metadata.uid}
}
const release = (name: string): Promise<unknown> => ask('PATCH', `${MAPS}/${name}`, {metadata: {finalizers: null}}, MERGE)
const read = async (name: string): Promise<Body> => (await ask('GET', `${MAPS}/${name}`)).body

describe('deleting', () => {
  it('tells what has gone', async () => {
    const {uid} = await make('plain')
    const {code, body} = await ask('DELETE', `${MAPS}/plain`)
    expect([code, body]).toMatchObject([200, {kind: 'Status', status: 'Success', details: {name: 'plain', kind: 'configmaps', uid}}])
    expect(refusal(await ask('DELETE', `${MAPS}/plain`))).toEqual([404, 'NotFound', 'configmaps "plain" not found'])
  })

  it('holds to its preconditions', async () => {
    const {uid} = await make('held')
    const wrong = await ask('DELETE', `${MAPS}/held`, {preconditions: {uid: 'other'}})
    expect(refusal(wrong)).toEqual([
      409,
      'Conflict',
      `Operation cannot be fulfilled on ConfigMap "held": the UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    ])
    const {metadata} = await read('held')
    const old = await ask('DELETE', `${MAPS}/held`, {preconditions: {resourceVersion: '1'}})
    expect([old.code, old.body.reason]).toEqual([409, 'Conflict'])
    expect(old.body.message).toContain(
      `the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion})`,
    )
    expect((await ask('DELETE', `${MAPS}/held`, {preconditions: {uid, resourceVersion: metadata.resourceVersion}})).code).toBe(200)
  })

  it('does nothing in a dry run', async () => {
    await make('dry')
    expect((await ask('DELETE', `${MAPS}/dry?dryRun=All`)).code).toBe(200)
    expect((await read('dry')).metadata.deletionTimestamp).toBeUndefined()
  })

  it('waits for finalizers, and lets no new ones come', async () => {
    await make('waits', [], HOLD)
    const {code, body} = await ask('DELETE', `${MAPS}/waits`)
    expect([code, body.metadata]).toMatchObject([200, {deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0}])
    const more = await ask('PATCH', `${MAPS}/waits`, {metadata: {finalizers: ['example.org/hold', 'example.org/more']}}, MERGE)
    expect([more.code, more.body.reason]).toEqual([422, 'Invalid'])
    expect(more.body.message).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.org/more"}',
    )
    await release('waits')
    await gone(ask, `${MAPS}/waits`)
  })

  it('refuses a way that there is not', async () => {
    await make('way')
    const {code, body} = await ask('DELETE', `${MAPS}/way?propagationPolicy=Sideways`)
    expect([code, body.reason]).toEqual([422, 'Invalid'])
    expect(body.message).toContain('propagationPolicy: Unsupported value: "Sideways"')
  })

  it('takes a collection, or the selected part of it', async () => {
    for (const name of ['one', 'two', 'three']) await make(`set-${name}`, [], {labels: {set: 'yes', name}})
    const {code, body} = await ask('DELETE', `${MAPS}?labelSelector=name%3Done`)
    expect([code, body.kind]).toEqual([200, 'ConfigMapList'])
    const left = async (): Promise<readonly string[]> =>
      (await ask('GET', `${MAPS}?labelSelector=set`)).body.items.map((each: Body) => each.metadata.name)
    expect(await left()).toEqual(['set-three', 'set-two'])
    await ask('DELETE', `${MAPS}?labelSelector=set`)
    expect(await left()).toEqual([])
    expect((await ask('DELETE', '/api/v1/configmaps')).code).toBe(405)
  })
})

describe('a pod', () => {
  it('without a node goes at once', async () => {
    await ask('POST', PODS, pod('loose'))
    const {code, body} = await ask('DELETE', `${PODS}/loose`)
    expect([code, body.kind, body.metadata.deletionGracePeriodSeconds]).toEqual([200, 'Pod', 0])
    expect((await ask('GET', `${PODS}/loose`)).code).toBe(404)
  })

  it('on a node has its grace, which can only be made shorter', async () => {
    await ask('POST', PODS, pod('bound', {spec: {nodeName: 'nowhere', terminationGracePeriodSeconds: 20}}))
    const grace = async (seconds?: number): Promise<unknown> => {
      const options = seconds === undefined ? undefined : {gracePeriodSeconds: seconds}
      return (await ask('DELETE', `${PODS}/bound`, options)).body.metadata.deletionGracePeriodSeconds
    }
    expect([await grace(), await grace(25), await grace(5)]).toEqual([20, 20, 5])
    expect((await ask('GET', `${PODS}/bound`)).code).toBe(200)
    await grace(0)
    expect((await ask('GET', `${PODS}/bound`)).code).toBe(404)
  })

  it('is evicted', async () => {
    await ask('POST', PODS, pod('evicted'))
    const eviction = (name: string) => ({apiVersion: 'policy/v1', kind: 'Eviction', metadata: {name, namespace}})
    const {code, body} = await ask('POST', `${PODS}/evicted/eviction`, eviction('evicted'))
    expect([code, body.kind, body.status]).toEqual([201, 'Status', 'Success'])
    await gone(ask, `${PODS}/evicted`)
    expect(refusal(await ask('POST', `${PODS}/nobody/eviction`, eviction('nobody')))).toEqual([404, 'NotFound', 'pods "nobody" not found'])
    await ask('POST', PODS, pod('other'))
    expect(refusal(await ask('POST', `${PODS}/other/eviction`, eviction('nobody')))).toEqual([
      400,
      'BadRequest',
      'name in URL does not match name in Eviction object',
    ])
  })
})

describe('an owner', () => {
  it('takes what it owns with it, in the background', async () => {
    const owner = await make('b-owner')
    const child = await make('b-child', [owner])
    await make('b-grandchild', [child])
    await ask('DELETE', `${MAPS}/b-owner`, {propagationPolicy: 'Background'})
    expect((await ask('GET', `${MAPS}/b-owner`)).code).toBe(404)
    await gone(ask, `${MAPS}/b-child`, `${MAPS}/b-grandchild`)
  })

  it('waits for what it owns, in the foreground', async () => {
    const owner = await make('f-owner')
    await make('f-child', [owner], HOLD)
    const {body} = await ask('DELETE', `${MAPS}/f-owner`, {propagationPolicy: 'Foreground'})
    expect(body.metadata.finalizers).toEqual(['foregroundDeletion'])
    await until(async () => (await read('f-child')).metadata.deletionTimestamp !== undefined, 'the child is being deleted')
    expect((await ask('GET', `${MAPS}/f-owner`)).code).toBe(200)
    await release('f-child')
    await gone(ask, `${MAPS}/f-child`, `${MAPS}/f-owner`)
  })

  it('leaves what it owns behind, as orphans', async () => {
    const owner = await make('o-owner')
    await make('o-child', [owner])
    await ask('DELETE', `${MAPS}/o-owner?propagationPolicy=Orphan`)
    await gone(ask, `${MAPS}/o-owner`)
    expect((await read('o-child')).metadata.ownerReferences).toBeUndefined()
  })

  it('is one of two: the other keeps the object', async () => {
    const [one, two] = [await make('t-one'), await make('t-two')]
    await make('t-shared', [one, two])
    await ask('DELETE', `${MAPS}/t-one`)
    await until(async () => (await read('t-shared')).metadata.ownerReferences.length === 1, 'the reference to the first goes')
    expect((await read('t-shared')).metadata.ownerReferences[0].uid).toBe(two.uid)
  })

  it('that never was takes its object with it', async () => {
    await make('late', [{name: 'nobody', uid: '00000000-0000-0000-0000-000000000000'}])
    await gone(ask, `${MAPS}/late`)
  })
})

describe('a namespace', () => {
  it('lets nothing new come, and takes everything with it', async () => {
    const name = `${namespace}-short`
    const path = `/api/v1/namespaces/${name}`
    expect((await ask('POST', '/api/v1/namespaces', {metadata: {name}})).body.metadata.labels).toEqual({
      'kubernetes.io/metadata.name': name,
    })
    await until(async () => (await ask('GET', `${path}/serviceaccounts/default`)).code === 200, 'its account is made')
    await until(async () => (await ask('GET', `${path}/configmaps/kube-root-ca.crt`)).code === 200, 'its CA is there')
    await ask('POST', `${path}/configmaps`, map('in', {}, HOLD))
    const {code, body} = await ask('DELETE', path)
    expect([code, body.status.phase, body.spec.finalizers]).toEqual([200, 'Terminating', ['kubernetes']])
    expect(refusal(await ask('POST', `${path}/configmaps`, map('new')))).toEqual([
      403,
      'Forbidden',
      `configmaps "new" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
    ])
    const inside = async (): Promise<Body> => (await ask('GET', `${path}/configmaps/in`)).body
    await until(async () => (await inside()).metadata.deletionTimestamp !== undefined, 'what is in it is being deleted')
    await ask('PATCH', `${path}/configmaps/in`, {metadata: {finalizers: null}}, MERGE)
    await gone(ask, path)
  })
})
