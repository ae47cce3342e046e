import {beforeAll, describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'
import {forgetThePast} from './past.ts'
import {type Answer, asking, type Body, events, MERGE, map, refusal} from './wire.ts'

/** Versions that have been: lists of them, pages of them, watches from them, and what is told of those that have been forgotten. */

const {client, namespace} = stand('api-past')
const ask = asking(client)
const MAPS = `/api/v1/namespaces/${namespace}/configmaps`
const EVENTS = `/api/v1/namespaces/${namespace}/events`

const MINE = 'fieldSelector=metadata.name!%3Dkube-root-ca.crt'
const names = (list: Body): readonly string[] => list.items.map((each: Body) => each.metadata.name)
const happening = (name: string) => ({
  ...{apiVersion: 'v1', kind: 'Event', metadata: {name, namespace}, type: 'Normal', reason: 'Tested', message: 'a test'},
  involvedObject: {kind: 'ConfigMap', namespace, name: 'a'},
})

beforeAll(async () => {
  for (const name of ['a', 'b', 'c', 'd']) expect((await ask('POST', MAPS, map(name, {key: 'before'}))).code).toBe(201)
})

describe('a version that has been', () => {
  it('is listed as it was, where it is asked for in so many words or with a limit', async () => {
    const then = (await ask('GET', MAPS)).body.metadata.resourceVersion
    await ask('DELETE', `${MAPS}/a`)
    await ask('POST', MAPS, map('bb'))
    await ask('PATCH', `${MAPS}/c`, {data: {key: 'after'}}, MERGE)
    const exact = (await ask('GET', `${MAPS}?resourceVersion=${then}&resourceVersionMatch=Exact&${MINE}`)).body
    expect(names(exact)).toEqual(['a', 'b', 'c', 'd'])
    expect(exact.items[2].data).toEqual({key: 'before'})
    expect(exact.metadata.resourceVersion).toBe(then)
    expect(names((await ask('GET', `${MAPS}?resourceVersion=${then}&limit=2&${MINE}`)).body)).toEqual(['a', 'b'])
    for (const match of ['', '&resourceVersionMatch=NotOlderThan'])
      expect(names((await ask('GET', `${MAPS}?resourceVersion=${then}${match}&${MINE}`)).body), match).toEqual(['b', 'bb', 'c', 'd'])
  })

  it.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'resourceVersionMatch=Newest&resourceVersion=5',
      'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
  ])('is not asked for by %s', async (query, why) => {
    expect(refusal(await ask('GET', `${MAPS}?${query}`))).toEqual([422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${why}`])
  })

  it('is not asked for beside a page of another', async () => {
    const {metadata} = (await ask('GET', `${MAPS}?limit=1`)).body
    expect(refusal(await ask('GET', `${MAPS}?limit=1&continue=${metadata.continue}&resourceVersion=${metadata.resourceVersion}`))).toEqual([
      ...[400, 'BadRequest', 'specifying resource version is not allowed when using continue'],
    ])
  })

  it.each(['Exact', 'NotOlderThan'])('cannot be in the future (%s)', async (match) => {
    const future = Number((await ask('GET', MAPS)).body.metadata.resourceVersion) + 1_000_000
    const answer = await ask('GET', `${MAPS}?resourceVersion=${future}&resourceVersionMatch=${match}`)
    const message = expect.stringMatching(`^Timeout: Too large resource version: ${future}, current: \\d+$`)
    expect(refusal(answer)).toEqual([504, 'Timeout', message])
    expect(answer.body.details.causes).toEqual([{reason: 'ResourceVersionTooLarge', message: 'Too large resource version'}])
  })
})

describe('a version that has been forgotten', () => {
  const TOO_OLD = [410, 'Expired', 'The resourceVersion for the provided list is too old.']
  let then = ''
  let page: Body
  let ofEvents = ''

  beforeAll(async () => {
    await ask('POST', EVENTS, happening('first'))
    page = (await ask('GET', `${MAPS}?limit=2`)).body
    then = page.metadata.resourceVersion
    ofEvents = (await ask('GET', EVENTS)).body.metadata.resourceVersion
    await ask('POST', MAPS, map('e'))
    await ask('POST', EVENTS, happening('second'))
    await forgetThePast(ask, MAPS)
    await forgetThePast(ask, EVENTS, happening)
    const exact = `${MAPS}?resourceVersion=${then}&resourceVersionMatch=Exact`
    await until(async () => (await ask('GET', exact)).code === 410, 'it is forgotten')
  })

  it('is no longer listed', async () => {
    for (const query of [`resourceVersion=${then}&resourceVersionMatch=Exact`, `resourceVersion=${then}&limit=2`])
      expect(refusal(await ask('GET', `${MAPS}?${query}`)), query).toEqual(TOO_OLD)
    expect(refusal(await ask('GET', `${EVENTS}?resourceVersion=${ofEvents}&resourceVersionMatch=Exact`))).toEqual(TOO_OLD)
    expect((await ask('GET', `${MAPS}?resourceVersion=${then}`)).code).toBe(200)
  })

  it('has no further pages, but a token for what is there now instead of them', async () => {
    const refused: Answer = await ask('GET', `${MAPS}?limit=2&continue=${page.metadata.continue}`)
    expect(refusal(refused)).toEqual([
      ...[410, 'Expired'],
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
        'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an ' +
        'inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    ])
    const fresh = refused.body.metadata.continue
    const rest = (await ask('GET', `${MAPS}?limit=2&continue=${fresh}`)).body
    expect(names(page).concat(names(rest))).toEqual(['b', 'bb', 'c', 'd'])
    expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(then))
    // From there on it is one state again.
    await ask('DELETE', `${MAPS}/e`)
    expect(names((await ask('GET', `${MAPS}?limit=9&continue=${rest.metadata.continue}`)).body)).toEqual(['e', 'kube-root-ca.crt'])
  })

  it('is no beginning of a watch', async () => {
    const told = (all: readonly Body[]) => all.map(({type, object}) => [type, object.kind, object.code, object.reason, object.message])
    // The real server's own cache keeps longer what it has seen than etcd does; but nothing from before it began, with the definition.
    expect(told(await events(ask, `/apis/kubernetes.dask.org/v1/namespaces/${namespace}/daskclusters?resourceVersion=1`))).toEqual([
      ['ERROR', 'Status', 410, 'Expired', expect.stringMatching(/^too old resource version: 1 \(\d+\)$/)],
    ])
    expect(told(await events(ask, `${EVENTS}?resourceVersion=${ofEvents}`))).toEqual([
      ['ERROR', 'Status', 410, 'Expired', 'The resourceVersion for the provided watch is too old.'],
    ])
  })
})
