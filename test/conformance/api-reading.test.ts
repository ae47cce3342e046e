import {beforeAll, describe, expect, it} from 'vitest'
import {stand} from './ground.ts'
import {asking, type Body, events, MERGE, map, pod, refusal} from './wire.ts'

/** Discovery, lists, tables, watches: what clients read, in the same words on both grounds. */

const {client, namespace} = stand('api-reading')
const ask = asking(client)
const MAPS = `/api/v1/namespaces/${namespace}/configmaps`
const PODS = `/api/v1/namespaces/${namespace}/pods`
const TABLE = {accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'}

const names = (list: Body): readonly string[] => list.items.map((each: Body) => each.metadata.name)
const told = (all: readonly Body[]): readonly string[] => all.map(({type, object}) => `${type} ${object.metadata.name ?? ''}`.trim())
const revision = async (path = MAPS): Promise<string> => (await ask('GET', path)).body.metadata.resourceVersion

beforeAll(async () => {
  for (const [name, metadata] of [
    ['a', {labels: {app: 'x', tier: 'one'}}],
    ['b', {labels: {app: 'x'}}],
    ['c', {labels: {app: 'y'}}],
    ['d', {}],
  ] as const)
    expect((await ask('POST', MAPS, map(name, {key: name}, metadata))).code).toBe(201)
  await ask('POST', PODS, pod('still'))
})

describe('discovery', () => {
  const AGGREGATED = {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;q=0.9',
  }

  it('tells everything at once to those who ask for it', async () => {
    const [core, others] = await Promise.all([ask('GET', '/api', undefined, AGGREGATED), ask('GET', '/apis', undefined, AGGREGATED)])
    for (const {code, body, contentType} of [core, others]) {
      expect([code, body.kind, body.apiVersion]).toEqual([200, 'APIGroupDiscoveryList', 'apidiscovery.k8s.io/v2'])
      expect(contentType).toContain('as=APIGroupDiscoveryList')
    }
    const pods = core.body.items[0].versions[0].resources.find((each: Body) => each.resource === 'pods')
    expect(pods).toMatchObject({
      ...{
        responseKind: {group: '', version: '', kind: 'Pod'},
        scope: 'Namespaced',
        singularResource: 'pod',
        shortNames: ['po'],
        categories: ['all'],
      },
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    })
    expect(pods.subresources.map((each: Body) => each.subresource)).toEqual(
      expect.arrayContaining(['binding', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'status']),
    )
    const dask = others.body.items.find((each: Body) => each.metadata.name === 'kubernetes.dask.org')
    expect(dask.versions).toMatchObject([{version: 'v1', freshness: 'Current'}])
    expect(dask.versions[0].resources.map((each: Body) => each.resource)).toContain('daskclusters')
    const deployments = others.body.items.find((each: Body) => each.metadata.name === 'apps').versions[0].resources
    expect(deployments.find((each: Body) => each.resource === 'deployments').subresources).toMatchObject([
      {subresource: 'scale', responseKind: {group: 'autoscaling', version: 'v1', kind: 'Scale'}},
      {subresource: 'status', responseKind: {kind: 'Deployment'}},
    ])
  })

  it('tells groups and their versions one by one to others', async () => {
    expect((await ask('GET', '/api')).body).toMatchObject({kind: 'APIVersions', versions: ['v1']})
    expect((await ask('GET', '/apis')).body.groups.map((each: Body) => each.name)).toEqual(
      expect.arrayContaining(['apps', 'batch', 'coordination.k8s.io', 'kubernetes.dask.org', 'rbac.authorization.k8s.io']),
    )
    expect((await ask('GET', '/apis/apps')).body).toMatchObject({kind: 'APIGroup', preferredVersion: {groupVersion: 'apps/v1'}})
    const {body} = await ask('GET', '/apis/apps/v1')
    expect(body.resources.find((each: Body) => each.name === 'deployments')).toMatchObject({
      ...{singularName: 'deployment', namespaced: true, kind: 'Deployment', shortNames: ['deploy'], categories: ['all']},
    })
    expect(body.resources.find((each: Body) => each.name === 'deployments/scale')).toMatchObject({
      ...{group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update']},
    })
  })

  it('has OpenAPI v3 for each group', async () => {
    const {body} = await ask('GET', '/openapi/v3')
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/batch/v1', 'apis/kubernetes.dask.org/v1']),
    )
    const {body: apps} = await ask('GET', body.paths['apis/apps/v1'].serverRelativeURL)
    expect(apps.components.schemas['io.k8s.api.apps.v1.Deployment'].properties.spec).toBeDefined()
  })

  it('says what is not there', async () => {
    const nothing = [404, 'NotFound', 'the server could not find the requested resource']
    for (const path of [
      '/api/v1/things',
      '/apis/apps/v9',
      '/apis/apps/v9/things',
      `/api/v1/namespaces/${namespace}/things`,
      '/apis/apps/v1/things',
    ])
      expect(refusal(await ask('GET', path)), path).toEqual(nothing)
    for (const path of ['/apis/nobody.org', '/apis/nobody.org/v1', '/apis/nobody.org/v1/things', '/nothing'])
      expect(await ask('GET', path), path).toMatchObject({code: 404, body: '404 page not found\n'})
    expect(refusal(await ask('GET', `${PODS}/nobody`))).toEqual([404, 'NotFound', 'pods "nobody" not found'])
    expect(refusal(await ask('PUT', PODS, pod('x')))).toEqual([
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    ])
  })
})

describe('a list', () => {
  it('comes in pages of one state', async () => {
    const first = (await ask('GET', `${MAPS}?limit=2&labelSelector=!none`)).body
    expect([names(first), typeof first.metadata.continue]).toEqual([['a', 'b'], 'string'])
    await ask('POST', MAPS, map('cc'))
    const rest = (await ask('GET', `${MAPS}?limit=50&labelSelector=!none&continue=${first.metadata.continue}`)).body
    expect(names(rest)).toEqual(['c', 'd', 'kube-root-ca.crt'])
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    await ask('DELETE', `${MAPS}/cc`)
  })

  it('tells how many are left, without a selector', async () => {
    const {metadata} = (await ask('GET', `${MAPS}?limit=2`)).body
    expect(metadata.remainingItemCount).toBe(3)
  })

  it.each([
    ['app=x', ['a', 'b']],
    ['app==x,tier=one', ['a']],
    ['app!=x', ['c', 'd']],
    ['app in (x,y)', ['a', 'b', 'c']],
    ['app notin (x)', ['c', 'd']],
    ['tier', ['a']],
    ['!app', ['d']],
  ])('is selected by the labels %s', async (selector, expected) => {
    const {body} = await ask('GET', `${MAPS}?labelSelector=${encodeURIComponent(selector)}&fieldSelector=metadata.name!%3Dkube-root-ca.crt`)
    expect(names(body)).toEqual(expected)
  })

  it('is selected by fields, where they can be', async () => {
    expect(names((await ask('GET', `${MAPS}?fieldSelector=metadata.name%3Da`)).body)).toEqual(['a'])
    expect(names((await ask('GET', `${PODS}?fieldSelector=status.phase%3DPending,spec.nodeName%3D`)).body)).toEqual(['still'])
    expect(refusal(await ask('GET', `${PODS}?fieldSelector=spec.nothing%3Da`))).toEqual([
      400,
      'BadRequest',
      'field label not supported: spec.nothing',
    ])
  })

  it.each([
    ['labelSelector=%3D%3Dx', "found '==', expected: !, identifier, or 'end of string'"],
    ['labelSelector=app%20on%20(x)', "unable to parse requirement: found 'on', expected: in, notin, =, ==, !=, gt, lt"],
    ['fieldSelector=metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['resourceVersion=abc', 'invalid resource version'],
  ])('refuses %s', async (query, why) => {
    const {code, body} = await ask('GET', `${MAPS}?${query}`)
    expect([code, body.reason]).toEqual([400, 'BadRequest'])
    expect(body.message).toContain(why)
  })

  it('refuses a token that is none', async () => {
    expect(refusal(await ask('GET', `${MAPS}?limit=1&continue=bm9uZQ`))).toEqual([
      400,
      'BadRequest',
      expect.stringContaining('continue key is not valid'),
    ])
  })
})

describe('a table', () => {
  it('has the columns of the kind', async () => {
    const {body, contentType} = await ask('GET', PODS, undefined, TABLE)
    expect(contentType).toBe('application/json')
    expect(body.columnDefinitions.map((each: Body) => `${each.name} ${each.type} ${each.priority}`)).toEqual([
      ...['Name string 0', 'Ready string 0', 'Status string 0', 'Restarts string 0', 'Age string 0'],
      ...['IP string 1', 'Node string 1', 'Nominated Node string 1', 'Readiness Gates string 1'],
    ])
    expect(body.rows[0].cells.slice(0, 4)).toEqual(['still', '0/1', 'Pending', '0'])
    expect(body.rows[0].object).toMatchObject({kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: {name: 'still'}})
  })

  it.each([
    [
      '/api/v1/nodes',
      ['Name', 'Status', 'Roles', 'Age', 'Version', 'Internal-IP', 'External-IP', 'OS-Image', 'Kernel-Version', 'Container-Runtime'],
    ],
    ['/api/v1/services', ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector']],
    ['/api/v1/events', ['Last Seen', 'Type', 'Reason', 'Object', 'Subobject', 'Source', 'Message', 'First Seen', 'Count', 'Name']],
    ['/api/v1/resourcequotas', ['Name', 'Request', 'Limit', 'Age']],
    ['/api/v1/limitranges', ['Name', 'Created At']],
    ['/apis/apps/v1/deployments', ['Name', 'Ready', 'Up-to-date', 'Available', 'Age', 'Containers', 'Images', 'Selector']],
    ['/apis/apps/v1/replicasets', ['Name', 'Desired', 'Current', 'Ready', 'Age', 'Containers', 'Images', 'Selector']],
    ['/apis/batch/v1/jobs', ['Name', 'Status', 'Completions', 'Duration', 'Age', 'Containers', 'Images', 'Selector']],
    ['/apis/coordination.k8s.io/v1/leases', ['Name', 'Holder', 'Age']],
  ])('of %s has these columns', async (path, columns) => {
    const {body} = await ask('GET', `${path}?limit=1`, undefined, TABLE)
    expect(body.columnDefinitions.map((each: Body) => each.name)).toEqual(columns)
  })

  it('leaves out the objects, or has them whole, as asked', async () => {
    const one = `${PODS}/still`
    expect((await ask('GET', `${one}?includeObject=None`, undefined, TABLE)).body.rows[0].object).toBeNull()
    expect((await ask('GET', `${one}?includeObject=Object`, undefined, TABLE)).body.rows[0].object.kind).toBe('Pod')
  })

  it('can be metadata alone', async () => {
    const accept = {accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'}
    const {body} = await ask('GET', PODS, undefined, accept)
    expect([body.kind, body.items[0].spec, body.items[0].metadata.name]).toEqual(['PartialObjectMetadataList', undefined, 'still'])
  })
})

describe('a watch', () => {
  it('tells what happened since a version, and what comes into a selection and goes out of it', async () => {
    const since = await revision()
    await ask('POST', MAPS, map('w1', {}, {labels: {watched: 'no'}}))
    await ask('PATCH', `${MAPS}/w1`, {metadata: {labels: {watched: 'yes'}}}, MERGE)
    await ask('PATCH', `${MAPS}/w1`, {data: {a: '1'}}, MERGE)
    await ask('PATCH', `${MAPS}/w1`, {metadata: {labels: {watched: null}}}, MERGE)
    await ask('DELETE', `${MAPS}/w1`)
    const [all, some] = await Promise.all([
      events(ask, `${MAPS}?resourceVersion=${since}`),
      events(ask, `${MAPS}?resourceVersion=${since}&labelSelector=watched%3Dyes`),
    ])
    expect(told(all)).toEqual(['ADDED w1', 'MODIFIED w1', 'MODIFIED w1', 'MODIFIED w1', 'DELETED w1'])
    expect(told(some)).toEqual(['ADDED w1', 'MODIFIED w1', 'DELETED w1'])
    const revisions = all.map(({object}) => Number(object.metadata.resourceVersion))
    expect(revisions).toEqual(revisions.toSorted((one, other) => one - other))
  })

  it('without a version begins with what is there; with a bookmark at the end where that is asked for', async () => {
    const streamed = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const [plain, marked] = await Promise.all([events(ask, MAPS), events(ask, `${MAPS}?${streamed}`)])
    expect(told(plain).toSorted()).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'ADDED d', 'ADDED kube-root-ca.crt'])
    const end = marked.find(({type}) => type === 'BOOKMARK')
    expect(end.object).toMatchObject({kind: 'ConfigMap', metadata: {annotations: {'k8s.io/initial-events-end': 'true'}}})
    expect(marked.filter(({type}) => type === 'ADDED')).toHaveLength(5)
  })

  it('from the future is silent', async () => {
    const future = Number(await revision()) + 1_000_000
    expect(await events(ask, `${MAPS}?resourceVersion=${future}`)).toEqual([])
  })

  it('has a bookmark before it ends', async () => {
    const since = await revision()
    const ofNobody = `${MAPS}?allowWatchBookmarks=true&timeoutSeconds=4&fieldSelector=metadata.name%3Dnobody&resourceVersion=${since}`
    // The real server tells no version that is not newer than the one a watch began with.
    const [all] = await Promise.all([events(ask, ofNobody), ask('POST', MAPS, map('passing')).then(() => ask('DELETE', `${MAPS}/passing`))])
    // More than one where other tests write meanwhile.
    expect([...new Set(told(all))]).toEqual(['BOOKMARK'])
  })

  it('can be of tables', async () => {
    const [first, second] = await events(ask, MAPS, TABLE)
    expect(first.object).toMatchObject({kind: 'Table', columnDefinitions: [{name: 'Name'}, {name: 'Data'}, {name: 'Age'}]})
    expect(second.object.columnDefinitions).toBeNull()
  })

  it.each([
    [
      'sendInitialEvents=true',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=5',
      'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
    ],
  ])('refuses %s', async (query, why) => {
    expect(refusal(await ask('GET', `${MAPS}?watch=1&${query}`))).toEqual([422, 'Invalid', why])
  })
})
