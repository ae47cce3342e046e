import {connect} from 'node:http2'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {APPLY, GADGETS, type Ground, MERGE, pod, startGround} from './ground.ts'

let ground: Ground
const PODS = '/api/v1/namespaces/default/pods'
const GADGET_PATH = '/apis/example.org/v1/namespaces/default/gadgets'
const gadget = (name: string, extra: object = {}) => ({apiVersion: 'example.org/v1', kind: 'Gadget', metadata: {name}, spec: {}, ...extra})

beforeAll(async () => {
  ground = await startGround()
  expect((await ground.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', GADGETS)).code).toBe(201)
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

const phase = async (path: string): Promise<number> => (await ground.ask('GET', path)).code
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds()));
}

describe('the front door', () => {
  it('asks for a token, but not for its health', async () => {
    const nobody = {authorization: 'Bearer wrong'}
    expect(await ground.ask('GET', '/api/v1/pods', undefined, nobody)).toMatchObject({
      code: 401,
      body: {reason: 'Unauthorized', message: 'Unauthorized'},
    })
    expect(await ground.ask('GET', '/readyz', undefined, nobody)).toMatchObject({code: 200, body: 'ok'})
  })

  it('keeps idle connections of HTTP/1.1 as long as the real server does', async () => {
    const {headers} = await ground.ask('GET', '/readyz', undefined, {connection: 'keep-alive'})
    expect(headers['keep-alive']).toBe('timeout=90')
  })

  it('speaks HTTP/2', async () => {
    const session = connect(ground.url, {ca: ground.ca})
    const stream = session.request({':path': '/version', authorization: 'Bearer only-for-this-test'})
    const text = Buffer.concat(await stream.toArray()).toString()
    session.close()
    expect(JSON.parse(text).gitVersion).toMatch(/^v1\.\d+\.\d+/)
  })

  it('says what it does not serve', async () => {
    expect(await ground.ask('GET', '/apis/apps/v1/deployments')).toMatchObject({
      code: 501,
      body: {message: expect.stringContaining('the sandbox does not serve')},
    })
    expect(await ground.ask('GET', '/apis/nobody.org/v1/things')).toMatchObject({
      code: 404,
      body: {message: 'the server could not find the requested resource'},
    })
    expect(await ground.ask('PUT', PODS)).toMatchObject({code: 405})
    expect(await ground.ask('GET', PODS, undefined, {accept: 'application/vnd.kubernetes.protobuf'})).toMatchObject({code: 406})
  })

  it('refuses what is no JSON', async () => {
    expect(await ground.ask('POST', PODS, [1])).toMatchObject({code: 400, body: {reason: 'BadRequest'}})
    expect(await ground.ask('POST', PODS, {kind: 'Service'})).toMatchObject({code: 400})
  })
})

describe('objects', () => {
  it('get what the server gives them', async () => {
    const {code, body} = await ground.ask('POST', PODS, pod('a'))
    expect(code).toBe(201)
    expect(body).toMatchObject({
      metadata: {name: 'a', namespace: 'default', generation: 1, uid: expect.any(String), resourceVersion: expect.stringMatching(/^\d+$/)},
      spec: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        containers: [{imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log'}],
      },
      status: {phase: 'Pending', qosClass: 'BestEffort'},
    })
    expect(body.metadata.managedFields[0]).toMatchObject({manager: 'tester', operation: 'Update'})
    expect(await ground.ask('POST', PODS, pod('a'))).toMatchObject({
      code: 409,
      body: {reason: 'AlreadyExists', message: 'pods "a" already exists'},
    })
  })

  it('get a name where they only bring its beginning', async () => {
    const {body} = await ground.ask('POST', PODS, {...pod(''), metadata: {generateName: 'job-'}})
    expect(body.metadata.name).toMatch(/^job-[a-z0-9]{5}$/)
  })

  it('are not made in a dry run', async () => {
    expect((await ground.ask('POST', `${PODS}?dryRun=All`, pod('dry'))).code).toBe(201)
    expect(await phase(`${PODS}/dry`)).toBe(404)
  })

  it('are refused with every cause', async () => {
    const {code, body} = await ground.ask('POST', PODS, pod('B@d', {spec: {containers: [{name: 'main'}]}}))
    expect(code).toBe(422)
    expect(body.message).toMatch(
      /^Pod "B@d" is invalid: \[metadata.name: Invalid value: "B@d": a lowercase RFC 1123 subdomain .*, spec.containers\[0\].image: Required value\]$/,
    )
  })

  it('are told of unknown fields, refused for them only when asked to', async () => {
    const odd = pod('odd', {spec: {contianers: []}})
    const warned = await ground.ask('POST', PODS, odd)
    expect([warned.code, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"spec.contianers\\""'])
    const strict = await ground.ask('POST', `${PODS}?fieldValidation=Strict`, {...odd, metadata: {name: 'odd2'}})
    expect(strict).toMatchObject({
      code: 400,
      body: {message: 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.contianers"'},
    })
  })

  it('cannot be written over a newer version, nor under another UID', async () => {
    const {body} = await ground.ask('POST', '/api/v1/namespaces/default/configmaps', {metadata: {name: 'c'}, data: {a: '1'}})
    const path = '/api/v1/namespaces/default/configmaps/c'
    expect((await ground.ask('PUT', path, {...body, data: {a: '2'}})).code).toBe(200)
    expect(await ground.ask('PUT', path, {...body, data: {a: '3'}})).toMatchObject({
      code: 409,
      body: {
        message:
          'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again',
      },
    })
    expect(await ground.ask('PATCH', path, {metadata: {uid: 'x'}}, MERGE)).toMatchObject({code: 409})
    expect(await ground.ask('DELETE', path, {preconditions: {uid: 'x'}})).toMatchObject({code: 409, body: {reason: 'Conflict'}})
  })

  it('keep their resourceVersion when a write changes nothing', async () => {
    const before = await ground.ask('GET', `${PODS}/a`)
    const after = await ground.ask('PATCH', `${PODS}/a`, {metadata: {labels: {}}}, MERGE)
    expect(after.body.metadata.resourceVersion).toBe(before.body.metadata.resourceVersion)
  })

  it('are listed in pages of one snapshot', async () => {
    for (const name of ['l1', 'l2', 'l3']) await ground.ask('POST', '/api/v1/namespaces/kube-system/secrets', {metadata: {name}})
    const path = '/api/v1/namespaces/kube-system/secrets?limit=2'
    const first = await ground.ask('GET', path)
    expect(first.body.items.map((each: {metadata: {name: string}}) => each.metadata.name)).toEqual(['l1', 'l2'])
    expect(first.body.metadata.remainingItemCount).toBe(1)
    await ground.ask('DELETE', '/api/v1/namespaces/kube-system/secrets/l3')
    const second = await ground.ask('GET', `${path}&continue=${first.body.metadata.continue}`)
    expect(second.body.items.map((each: {metadata: {name: string}}) => each.metadata.name)).toEqual(['l3'])
    expect(second.body.metadata).toEqual({resourceVersion: first.body.metadata.resourceVersion})
    expect(await ground.ask('GET', `${path}&continue=bm9uZQ`)).toMatchObject({code: 410, body: {reason: 'Expired'}})
  })
})

describe('pods', () => {
  it('belong to a node once and then stay until it lets them go', async () => {
    await ground.ask('POST', PODS, pod('bound'))
    const binding = {target: {name: 'n1'}}
    expect((await ground.ask('POST', `${PODS}/bound/binding`, binding)).code).toBe(201)
    expect(await ground.ask('POST', `${PODS}/bound/binding`, binding)).toMatchObject({code: 409})
    const deleted = await ground.ask('DELETE', `${PODS}/bound`)
    expect(deleted).toMatchObject({code: 200, body: {metadata: {deletionGracePeriodSeconds: 30, deletionTimestamp: expect.any(String)}}})
    expect(await phase(`${PODS}/bound`)).toBe(200)
    const uid = deleted.body.metadata.uid
    expect((await ground.ask('DELETE', `${PODS}/bound`, {gracePeriodSeconds: 0, preconditions: {uid}})).code).toBe(200)
    expect(await phase(`${PODS}/bound`)).toBe(404)
  })

  it('without a node go at once', async () => {
    await ground.ask('POST', PODS, pod('loose'))
    expect((await ground.ask('DELETE', `${PODS}/loose`)).code).toBe(200)
    expect(await phase(`${PODS}/loose`)).toBe(404)
  })

  it('take a status through their subresource only, and no new spec', async () => {
    await ground.ask('POST', PODS, pod('s'))
    expect((await ground.ask('PATCH', `${PODS}/s`, {status: {phase: 'Running'}}, MERGE)).body.status.phase).toBe('Pending')
    expect((await ground.ask('PATCH', `${PODS}/s/status`, {status: {phase: 'Running'}}, MERGE)).body.status.phase).toBe('Running')
    expect((await ground.ask('GET', `${PODS}?fieldSelector=status.phase%3DRunning`)).body.items).toHaveLength(1)
    expect(await ground.ask('PATCH', `${PODS}/s`, {spec: {hostNetwork: true}}, MERGE)).toMatchObject({code: 422})
  })
})

describe('services', () => {
  const SERVICES = '/api/v1/namespaces/default/services'
  it('get an address and keep it', async () => {
    const made = await ground.ask('POST', SERVICES, {metadata: {name: 'web'}, spec: {ports: [{port: 80}]}})
    expect(made.body.spec).toMatchObject({
      type: 'ClusterIP',
      clusterIP: expect.stringMatching(/^127\.96\./),
      ports: [{port: 80, protocol: 'TCP', targetPort: 80}],
    })
    const changed = await ground.ask('PUT', `${SERVICES}/web`, {metadata: {name: 'web'}, spec: {type: 'NodePort', ports: [{port: 80}]}})
    expect(changed.body.spec.clusterIP).toBe(made.body.spec.clusterIP)
    expect(changed.body.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30_000)
    expect(await ground.ask('PATCH', `${SERVICES}/web`, {spec: {clusterIP: '127.96.9.9'}}, MERGE)).toMatchObject({code: 422})
  })
})

describe('custom resources', () => {
  it('are pruned, filled in and counted', async () => {
    const made = await ground.ask('POST', GADGET_PATH, gadget('g', {spec: {odd: 1, any: {thing: null}}, status: {phase: 'x'}}))
    expect(made.body).toMatchObject({spec: {replicas: 1, any: {thing: null}}, metadata: {generation: 1}})
    expect(made.body.spec.odd).toBeUndefined()
    expect(made.body.status).toBeUndefined()
    expect((await ground.ask('PATCH', `${GADGET_PATH}/g`, {status: {phase: 'x'}}, MERGE)).body.status).toBeUndefined()
    const told = await ground.ask('PATCH', `${GADGET_PATH}/g/status`, {spec: {replicas: 9}, status: {phase: 'Fine'}}, MERGE)
    expect(told.body).toMatchObject({spec: {replicas: 1}, status: {phase: 'Fine'}, metadata: {generation: 1}})
    expect((await ground.ask('PATCH', `${GADGET_PATH}/g`, {spec: {replicas: 2}}, MERGE)).body.metadata.generation).toBe(2)
    expect(
      await ground.ask('PATCH', `${GADGET_PATH}/g`, {spec: {}}, {'content-type': 'application/strategic-merge-patch+json'}),
    ).toMatchObject({code: 415})
  })

  it('are scaled by their own Scale', async () => {
    await ground.ask('POST', GADGET_PATH, gadget('s'))
    const scale = await ground.ask('GET', `${GADGET_PATH}/s/scale`)
    expect(scale.body).toMatchObject({kind: 'Scale', spec: {replicas: 1}, status: {replicas: 0}})
    expect((await ground.ask('PUT', `${GADGET_PATH}/s/scale`, {...scale.body, spec: {replicas: 4}})).body.spec.replicas).toBe(4)
    expect((await ground.ask('GET', `${GADGET_PATH}/s`)).body.spec.replicas).toBe(4)
    expect(await ground.ask('PATCH', `${GADGET_PATH}/s/scale`, {spec: {replicas: -1}}, MERGE)).toMatchObject({code: 422})
  })

  it('are shown in their own columns', async () => {
    const accept = {accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'}
    const {body} = await ground.ask('GET', `${GADGET_PATH}?fieldSelector=metadata.name%3Ds`, undefined, accept)
    expect(body.columnDefinitions.map((each: {name: string}) => each.name)).toEqual(['Name', 'Wanted', 'Phase'])
    expect(body.rows.map((each: {cells: unknown}) => each.cells)).toEqual([['s', 4, null]])
  })

  it('can be applied, and again without change', async () => {
    const path = `${GADGET_PATH}/applied?fieldManager=me`
    const first = await ground.ask('PATCH', path, gadget('applied', {spec: {replicas: 2}}), APPLY)
    const again = await ground.ask('PATCH', path, gadget('applied', {spec: {replicas: 2}}), APPLY)
    expect([first.code, again.code]).toEqual([201, 200])
    expect(again.body).toEqual(first.body)
    const other = await ground.ask('PATCH', `${GADGET_PATH}/applied?fieldManager=you`, gadget('applied', {spec: {replicas: 3}}), APPLY)
    expect(other).toMatchObject({code: 409, body: {message: 'Apply failed with 1 conflict: conflict with "me": .spec.replicas'}})
    expect(await ground.ask('PATCH', `${GADGET_PATH}/applied`, gadget('applied'), APPLY)).toMatchObject({code: 422})
  })

  it('vanish with their definition, and are served no more', async () => {
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const text = JSON.stringify(GADGETS).replaceAll('gadgets', 'gizmos').replaceAll('Gadget', 'Gizmo').replaceAll('"gd"', '"gz"')
    await ground.ask('POST', crds, JSON.parse(text))
    const path = '/apis/example.org/v1/namespaces/default/gizmos'
    await ground.ask('POST', path, {...gadget('z'), kind: 'Gizmo'})
    await ground.ask('DELETE', `${crds}/gizmos.example.org`)
    await until(async () => (await phase(path)) === 404)
    expect(await phase(`${crds}/gizmos.example.org`)).toBe(404)
  })
})

describe('namespaces', () => {
  it('take everything with them, and let nothing new in meanwhile', async () => {
    await ground.ask('POST', '/api/v1/namespaces', {metadata: {name: 'short'}})
    await ground.ask('POST', '/api/v1/namespaces/short/pods', pod('p', {metadata: {finalizers: ['example.org/wait']}}))
    expect((await ground.ask('DELETE', '/api/v1/namespaces/short')).body.status.phase).toBe('Terminating')
    const refused = await ground.ask('POST', '/api/v1/namespaces/short/pods', pod('q'))
    expect(refused).toMatchObject({code: 403, body: {message: expect.stringContaining('because it is being terminated')}})
    await until(async () => (await ground.ask('GET', '/api/v1/namespaces/short/pods/p')).body.metadata?.deletionTimestamp !== undefined)
    await ground.ask('PATCH', '/api/v1/namespaces/short/pods/p', {metadata: {finalizers: null}}, MERGE)
    await until(async () => (await phase('/api/v1/namespaces/short')) === 404)
  })
})
