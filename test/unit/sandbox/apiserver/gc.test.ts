import {afterAll, beforeAll, expect, it} from 'vitest'
import {type Ground, MERGE, startGround} from './ground.ts'

let ground: Ground
const MAPS = '/api/v1/namespaces/default/configmaps'

beforeAll(async () => {
  ground = await startGround()
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

interface Owner {
  readonly name: string
  readonly uid: string
}
const make = async (name: string, owners: readonly Owner[] = [], extra: object = {}): Promise<Owner> => {
  const ownerReferences = owners.map((owner) => ({apiVersion: 'v1', kind: 'ConfigMap', ...owner, blockOwnerDeletion: true}))
  const {body} = await ground.ask('POST', MAPS, {metadata: {name, ownerReferences, ...extra}})
  return {name, uid: body.metadata.uid}
}
const code = async (name: string): Promise<number> => (await ground.ask('GET', `${MAPS}/${name}`)).code
const gone = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) while ((await code(name)) !== 404);
}

it('deletes dependents, and theirs, after their owner', async () => {
  const owner = await make('b-owner')
  const child = await make('b-child', [owner])
  await make('b-grandchild', [child])
  await ground.ask('DELETE', `${MAPS}/b-owner`, {propagationPolicy: 'Background'})
  await gone('b-owner', 'b-child', 'b-grandchild')
})

it('keeps a dependent that has another owner, without the reference to the first', async () => {
  const [one, two] = [await make('t-one'), await make('t-two')]
  await make('t-shared', [one, two])
  await ground.ask('DELETE', `${MAPS}/t-one`)
  const references = async (): Promise<readonly Owner[]> => (await ground.ask('GET', `${MAPS}/t-shared`)).body.metadata.ownerReferences
  while ((await references()).length > 1);
  expect((await references())[0]?.uid).toBe(two.uid)
})

it('deletes an object whose owner was gone before it came', async () => {
  await make('late', [{name: 'nobody', uid: '00000000-0000-0000-0000-000000000000'}])
  await gone('late')
})

it('in the foreground waits with the owner until its dependents are gone', async () => {
  const owner = await make('f-owner')
  await make('f-child', [owner], {finalizers: ['example.org/hold']})
  const {body} = await ground.ask('DELETE', `${MAPS}/f-owner`, {propagationPolicy: 'Foreground'})
  expect(body.metadata.finalizers).toEqual(['foregroundDeletion'])
  while ((await ground.ask('GET', `${MAPS}/f-child`)).body.metadata.deletionTimestamp === undefined);
  expect(await code('f-owner')).toBe(200)
  await ground.ask('PATCH', `${MAPS}/f-child`, {metadata: {finalizers: null}}, MERGE)
  await gone('f-child', 'f-owner')
})

it('orphans dependents when asked to', async () => {
  const owner = await make('o-owner')
  await make('o-child', [owner])
  await ground.ask('DELETE', `${MAPS}/o-owner?propagationPolicy=Orphan`)
  await gone('o-owner')
  const {body} = await ground.ask('GET', `${MAPS}/o-child`)
  expect(body.metadata.ownerReferences).toBeUndefined()
})
