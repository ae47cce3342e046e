import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {makeStore} from '../../../../src/sandbox/apiserver/store.ts'
import {type Ground, MERGE, pod, startGround} from './ground.ts'

let ground: Ground
const PODS = '/api/v1/namespaces/default/pods'
type Event = {
  readonly type: string
  readonly object: {
    readonly metadata: {readonly name?: string; readonly resourceVersion: string; readonly annotations?: object}
    readonly code?: number
  }
}

beforeAll(async () => {
  ground = await startGround()
})
afterAll(() => ground.stop())

const told = (events: readonly Event[]): readonly string[] => events.map(({type, object}) => `${type} ${object.metadata.name}`)
const revision = async (): Promise<string> => (await ground.ask('GET', PODS)).body.metadata.resourceVersion

describe('a watch', () => {
  it('begins with what is there and goes on with what happens', async () => {
    await ground.ask('POST', PODS, pod('w1'))
    const watching = ground.watch(`${PODS}?watch=true`, (events) => events.length === 4)
    await ground.ask('POST', PODS, pod('w2'))
    await ground.ask('PATCH', `${PODS}/w2`, {metadata: {labels: {a: 'b'}}}, MERGE)
    await ground.ask('DELETE', `${PODS}/w2`)
    const events = await watching
    expect(told(events).slice(0, 2)).toContain('ADDED w1')
    expect(told(events).at(-1)).toBe('DELETED w2')
  })

  it('loses nothing that happened since a revision', async () => {
    const since = await revision()
    for (const name of ['x1', 'x2', 'x3']) await ground.ask('POST', PODS, pod(name))
    await ground.ask('DELETE', `${PODS}/x2`)
    const events = await ground.watch(`${PODS}?watch=1&resourceVersion=${since}`, (all) => all.length === 4)
    expect(told(events)).toEqual(['ADDED x1', 'ADDED x2', 'ADDED x3', 'DELETED x2'])
    const revisions = events.map(({object}: Event) => Number(object.metadata.resourceVersion))
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
  })

  it('sees objects come into its selection and leave it', async () => {
    await ground.ask('POST', PODS, pod('sel'))
    const since = await revision()
    await ground.ask('PATCH', `${PODS}/sel`, {metadata: {labels: {on: 'yes'}}}, MERGE)
    await ground.ask('PATCH', `${PODS}/sel`, {metadata: {labels: {other: 'x'}}}, MERGE)
    await ground.ask('PATCH', `${PODS}/sel`, {metadata: {labels: {on: null}}}, MERGE)
    const events = await ground.watch(`${PODS}?watch=1&labelSelector=on&resourceVersion=${since}`, (all) => all.length === 3)
    expect(told(events)).toEqual(['ADDED sel', 'MODIFIED sel', 'DELETED sel'])
  })

  it('from a revision of long ago ends with 410', async () => {
    const [event] = await ground.watch(`${PODS}?watch=1&resourceVersion=5`, () => false)
    expect(event).toMatchObject({type: 'ERROR', object: {kind: 'Status', code: 410, reason: 'Expired'}})
  })

  it('from the future is silent until its time is up', async () => {
    const future = Number(await revision()) + 1_000_000
    const path = `${PODS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${future}`
    expect(await ground.watch(path, () => false)).toEqual([])
  })

  it('streams a list and marks its end', async () => {
    const path = `${PODS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`
    const events = await ground.watch(path, (all) => all.at(-1)?.type === 'BOOKMARK')
    expect(events.at(-1).object).toMatchObject({kind: 'Pod', metadata: {annotations: {'k8s.io/initial-events-end': 'true'}}})
    expect(told(events)).toContain('ADDED w1')
    expect(await ground.ask('GET', `${PODS}?watch=1&sendInitialEvents=true`)).toMatchObject({code: 422})
  })

  it('sends a bookmark shortly before its deadline', async () => {
    const events = await ground.watch(
      `${PODS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${await revision()}`,
      () => false,
    )
    expect(told(events)).toEqual(['BOOKMARK undefined'])
  })

  it('can be of tables, with the headers once', async () => {
    const accept = {accept: 'application/json;as=Table;v=v1;g=meta.k8s.io'}
    const [first, second] = await ground.watch(`${PODS}?watch=1`, (all) => all.length >= 2, accept)
    expect(first.object.columnDefinitions[0]).toMatchObject({name: 'Name', format: 'name'})
    expect(first.object.rows[0]).toMatchObject({cells: expect.arrayContaining(['Pending']), object: {kind: 'PartialObjectMetadata'}})
    expect(second.object).toMatchObject({kind: 'Table', columnDefinitions: null})
  })
})

describe('the store', () => {
  const object = (name: string) => ({apiVersion: 'v1', kind: 'Pod', metadata: {name}})

  it('forgets changes that are too old, and says so', () => {
    const store = makeStore(100)
    for (let each = 0; each < 10_000; each += 1) store.put('pods', object('same'))
    expect(store.changesSince('pods', 101)).toBeUndefined()
    expect(store.changesSince('pods', store.revision() - 3)).toHaveLength(3)
    expect(store.changesSince('pods', 99)).toBeUndefined()
  })

  it('gives every write a higher revision, over all kinds', () => {
    const store = makeStore(7)
    const revisions = [store.put('pods', object('a')), store.put('services', object('a')), store.put('pods', object('a'))]
    expect(revisions.map((each) => each.metadata['resourceVersion'])).toEqual(['8', '9', '10'])
  })
})
