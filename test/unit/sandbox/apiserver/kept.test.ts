import {expect, it} from 'vitest'
import {GADGETS, MERGE, pod, startGround} from './ground.ts'

const PODS = '/api/v1/namespaces/default/pods'
const GADGET_PATH = '/apis/example.org/v1/namespaces/default/gadgets'

it('a server that begins with what another one held goes on with it', async () => {
  const first = await startGround()
  await first.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', GADGETS)
  const {body: owner} = await first.ask('POST', GADGET_PATH, {apiVersion: 'example.org/v1', kind: 'Gadget', metadata: {name: 'owner'}})
  const ownerReferences = [{apiVersion: 'example.org/v1', kind: 'Gadget', name: 'owner', uid: owner.metadata.uid}]
  const {body: before} = await first.ask('POST', PODS, pod('kept', {metadata: {ownerReferences}}))
  await first.ask('POST', '/api/v1/namespaces', {metadata: {name: 'mine'}})
  const {body: list} = await first.ask('GET', PODS)
  // Over a file, as the sandbox keeps it.
  const kept = JSON.parse(JSON.stringify(first.holds()))
  await first.stop()

  const second = await startGround(kept)
  try {
    expect((await second.ask('GET', `${PODS}/kept`)).body).toEqual(before)
    expect((await second.ask('GET', GADGET_PATH)).body.items).toEqual([owner])
    expect((await second.ask('GET', '/api/v1/namespaces/mine/serviceaccounts')).body.items).toHaveLength(1)

    // Whoever comes with a revision of the first life is told to list again; whoever lists now misses nothing.
    const past = await second.watch(`${PODS}?watch=1&resourceVersion=${list.metadata.resourceVersion}`, () => false)
    expect(past).toMatchObject([{type: 'ERROR', object: {code: 410, reason: 'Expired'}}])
    const {body: now} = await second.ask('GET', PODS)
    expect(Number(now.metadata.resourceVersion)).toBeGreaterThan(Number(list.metadata.resourceVersion))
    const watching = second.watch(`${PODS}?watch=1&resourceVersion=${now.metadata.resourceVersion}`, (events) => events.length === 2)

    const {resourceVersion} = before.metadata
    const changed = await second.ask('PATCH', `${PODS}/kept`, {metadata: {resourceVersion, labels: {a: 'b'}}}, MERGE)
    expect(changed.code).toBe(200)
    expect(Number(changed.body.metadata.resourceVersion)).toBeGreaterThan(Number(now.metadata.resourceVersion))
    // Garbage collection knows who belongs to whom.
    await second.ask('DELETE', `${GADGET_PATH}/owner`)
    expect((await watching).map(({type}: {readonly type: string}) => type)).toEqual(['MODIFIED', 'DELETED'])
  } finally {
    await second.stop()
  }
})
