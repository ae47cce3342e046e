import {describe, expect, it} from 'vitest'
import {stand} from './ground.ts'
import {type Answer, APPLY, asking, type Body, JSON_PATCH, MERGE, map, pod, refusal, STRATEGIC} from './wire.ts'

/** Creating and changing: what is taken, what is refused, and in which words. */

const {client, namespace} = stand('api-writing')
const ask = asking(client)
const MAPS = `/api/v1/namespaces/${namespace}/configmaps`
const PODS = `/api/v1/namespaces/${namespace}/pods`
const SERVICES = `/api/v1/namespaces/${namespace}/services`

const make = async (name: string, data: object = {}, metadata: object = {}): Promise<Body> => {
  const {code, body} = await ask('POST', MAPS, map(name, data, metadata))
  expect(code).toBe(201)
  return body
}
const apply = (name: string, data: object, manager: string, query = ''): Promise<Answer> =>
  ask('PATCH', `${MAPS}/${name}?fieldManager=${manager}${query}`, map(name, data), APPLY)

describe('creating', () => {
  it('gives what the server gives', async () => {
    const {code, body} = await ask(
      'POST',
      PODS,
      pod('made', {metadata: {generation: 7, uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z'}}),
    )
    expect(code).toBe(201)
    expect(body).toMatchObject({
      metadata: {namespace, generation: 1, uid: expect.stringMatching(/^[-0-9a-f]{36}$/), resourceVersion: expect.stringMatching(/^\d+$/)},
      spec: {
        ...{restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', enableServiceLinks: true},
        containers: [{imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', resources: {}}],
      },
      status: {phase: 'Pending', qosClass: 'BestEffort'},
    })
    expect(Date.parse(body.metadata.creationTimestamp)).toBeGreaterThan(Date.parse('2020-01-01'))
    expect(body.metadata.managedFields).toMatchObject([{manager: 'wire', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1'}])
    expect(refusal(await ask('POST', PODS, pod('made')))).toEqual([409, 'AlreadyExists', 'pods "made" already exists'])
  })

  it('makes a name from its beginning', async () => {
    const {body} = await ask('POST', MAPS, {metadata: {generateName: 'begin-'}})
    expect(body.metadata.name).toMatch(/^begin-[a-z0-9]{5}$/)
  })

  it('makes nothing in a dry run', async () => {
    const {code, body} = await ask('POST', `${MAPS}?dryRun=All`, map('dry', {a: '1'}))
    expect([code, body.data, body.metadata.resourceVersion]).toEqual([201, {a: '1'}, undefined])
    expect((await ask('GET', `${MAPS}/dry`)).code).toBe(404)
    expect(refusal(await ask('POST', `${MAPS}?dryRun=Some`, map('dry')))).toEqual([
      422,
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ])
  })

  it('tells of unknown fields, ignores them, or refuses them', async () => {
    const odd = {...map('odd'), spec: {}, data: {a: '1'}}
    const warned = await ask('POST', `${MAPS}?fieldValidation=Warn`, odd)
    expect([warned.code, warned.warnings]).toEqual([201, ['unknown field "spec"']])
    const ignored = await ask('PUT', `${MAPS}/odd?fieldValidation=Ignore`, odd)
    expect([ignored.code, ignored.warnings]).toEqual([200, []])
    const strict = await ask('PUT', `${MAPS}/odd?fieldValidation=Strict`, odd)
    expect(refusal(strict)).toEqual([
      400,
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec"',
    ])
  })

  it.each([
    [
      'a name',
      () => ask('POST', MAPS, map('B@d')),
      422,
      'ConfigMap "B@d" is invalid: metadata.name: Invalid value: "B@d": a lowercase RFC 1123 subdomain',
    ],
    [
      'no name',
      () => ask('POST', MAPS, {metadata: {}}),
      422,
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      'a label',
      () => ask('POST', MAPS, map('x', {}, {labels: {a: 'b c'}})),
      422,
      'metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of',
    ],
    [
      'a key',
      () => ask('POST', MAPS, map('x', {'a/b': ''})),
      422,
      'ConfigMap "x" is invalid: data[a/b]: Invalid value: "a/b": a valid config key must consist of',
    ],
    [
      'another namespace',
      () => ask('POST', MAPS, map('x', {}, {namespace: 'default'})),
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    ['another kind', () => ask('POST', MAPS, {...pod('x')}), 400, 'Pod in version "v1" cannot be handled as a ConfigMap'],
    [
      'a version',
      () => ask('POST', MAPS, map('x', {}, {resourceVersion: '5'})),
      500,
      'resourceVersion should not be set on objects to be created',
    ],
    [
      'a wrong type',
      () => ask('POST', MAPS, {metadata: {name: 'x'}, data: {a: 1}}),
      400,
      'cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ],
    [
      'no image',
      () => ask('POST', PODS, pod('x', {spec: {containers: [{name: 'main'}]}})),
      422,
      'Pod "x" is invalid: spec.containers[0].image: Required value',
    ],
    [
      'no container',
      () => ask('POST', PODS, pod('x', {spec: {containers: []}})),
      422,
      'Pod "x" is invalid: spec.containers: Required value',
    ],
    [
      'a missing volume',
      () => ask('POST', PODS, pod('x', {spec: {containers: [{name: 'm', image: 'i', volumeMounts: [{name: 'v', mountPath: '/v'}]}]}})),
      422,
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    ['no namespace', () => ask('POST', '/api/v1/namespaces/nobody/configmaps', map('x')), 404, 'namespaces "nobody" not found'],
  ])('refuses %s', async (_, send, code, why) => {
    const answer = await send()
    expect(answer.code).toBe(code)
    expect(answer.body.message).toContain(why)
  })

  it('refuses what is no object', async () => {
    const {code, body} = await ask('POST', MAPS, undefined, {'content-type': 'application/json'})
    expect([code, body.reason]).toEqual([400, 'BadRequest'])
    expect(refusal(await ask('POST', MAPS, map('x'), {'content-type': 'text/plain'}))[0]).toBe(415)
    expect(refusal(await ask('GET', MAPS, undefined, {accept: 'text/plain'}))[0]).toBe(406)
  })
})

describe('replacing', () => {
  it('holds to the version and the UID that are given', async () => {
    const first = await make('r', {a: '1'})
    const second = (await ask('PUT', `${MAPS}/r`, {...first, data: {a: '2'}})).body
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
    expect(refusal(await ask('PUT', `${MAPS}/r`, {...first, data: {a: '3'}}))).toEqual([
      409,
      'Conflict',
      'Operation cannot be fulfilled on configmaps "r": the object has been modified; please apply your changes to the latest version and try again',
    ])
    const other = await ask('PUT', `${MAPS}/r`, map('r', {}, {uid: 'other'}))
    expect([other.code, other.body.reason]).toEqual([409, 'Conflict'])
    expect(other.body.message).toContain(`Precondition failed: UID in precondition: other, UID in object meta: ${first.metadata.uid}`)
  })

  it('that changes nothing writes nothing', async () => {
    const first = await make('same', {a: '1'})
    const again = await ask('PUT', `${MAPS}/same`, map('same', {a: '1'}))
    expect(again.body.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })

  it('refuses another name, and what is not there', async () => {
    await make('mine')
    expect(refusal(await ask('PUT', `${MAPS}/mine`, map('yours')))).toEqual([
      400,
      'BadRequest',
      'the name of the object (yours) does not match the name on the URL (mine)',
    ])
    expect(refusal(await ask('PUT', `${MAPS}/nobody`, map('nobody')))).toEqual([404, 'NotFound', 'configmaps "nobody" not found'])
  })

  it('keeps what nobody may change', async () => {
    const made = (await ask('POST', SERVICES, {metadata: {name: 'web'}, spec: {ports: [{port: 80}]}})).body
    expect(made.spec).toMatchObject({type: 'ClusterIP', sessionAffinity: 'None', ports: [{port: 80, protocol: 'TCP', targetPort: 80}]})
    const kept = (await ask('PUT', `${SERVICES}/web`, {metadata: {name: 'web'}, spec: {ports: [{port: 81}]}})).body
    expect(kept.spec.clusterIP).toBe(made.spec.clusterIP)
    const moved = await ask('PATCH', `${SERVICES}/web`, {spec: {clusterIP: '1.2.3.4', clusterIPs: ['1.2.3.4']}}, MERGE)
    expect(refusal(moved)).toEqual([
      422,
      'Invalid',
      'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["1.2.3.4"]: may not change once set',
    ])
    await ask('POST', PODS, pod('kept'))
    const changed = await ask('PATCH', `${PODS}/kept`, {spec: {hostNetwork: true}}, MERGE)
    expect([changed.code, changed.body.reason]).toEqual([422, 'Invalid'])
    expect(changed.body.message).toContain('Pod "kept" is invalid: spec: Forbidden: pod updates may not change fields other than')
  })
})

describe('patching', () => {
  it('merges, with null taking away', async () => {
    await make('merged', {a: '1', b: '2'})
    const {body} = await ask('PATCH', `${MAPS}/merged`, {data: {a: null, c: '3'}}, MERGE)
    expect(body.data).toEqual({b: '2', c: '3'})
  })

  it('follows operations, all of them or none', async () => {
    await make('stepped', {a: '1'})
    const steps = (...all: readonly object[]): Promise<Answer> => ask('PATCH', `${MAPS}/stepped`, all, JSON_PATCH)
    const done = await steps(
      {op: 'test', path: '/data/a', value: '1'},
      {op: 'add', path: '/data/b', value: '2'},
      {op: 'remove', path: '/data/a'},
    )
    expect(done.body.data).toEqual({b: '2'})
    const failed = await steps({op: 'add', path: '/data/c', value: '3'}, {op: 'test', path: '/data/b', value: '9'})
    expect(refusal(failed)).toEqual([422, 'Invalid', 'the server rejected our request due to an error in our request'])
    expect((await ask('GET', `${MAPS}/stepped`)).body.data).toEqual({b: '2'})
  })

  it('merges lists by their keys where it is strategic', async () => {
    await ask('POST', SERVICES, {metadata: {name: 'ports'}, spec: {ports: [{name: 'a', port: 80}]}})
    const {body} = await ask('PATCH', `${SERVICES}/ports`, {spec: {ports: [{name: 'b', port: 81}]}}, STRATEGIC)
    expect(body.spec.ports.map((each: Body) => each.port).toSorted()).toEqual([80, 81])
    const less = await ask('PATCH', `${SERVICES}/ports`, {spec: {ports: [{port: 81, $patch: 'delete'}]}}, STRATEGIC)
    expect(less.body.spec.ports.map((each: Body) => each.port)).toEqual([80])
  })

  it('refuses another way of patching, and a patch that is none', async () => {
    const {code, body} = await ask('PATCH', `${MAPS}/merged`, {}, {'content-type': 'application/json'})
    expect([code, body.reason]).toEqual([415, 'UnsupportedMediaType'])
    expect((await ask('PATCH', `${MAPS}/merged`, 'text', MERGE)).code).toBe(400)
    expect((await ask('PATCH', `${MAPS}/nobody`, {}, MERGE)).code).toBe(404)
  })
})

describe('applying', () => {
  it('creates, owns what it says, and takes away what it says no more', async () => {
    const made = await apply('own', {a: '1', b: '2'}, 'one')
    expect([made.code, made.body.data]).toEqual([201, {a: '1', b: '2'}])
    expect(made.body.metadata.managedFields).toMatchObject([
      {manager: 'one', operation: 'Apply', fieldsV1: {'f:data': {'f:a': {}, 'f:b': {}}}},
    ])
    const again = await apply('own', {a: '1', b: '2'}, 'one')
    expect([again.code, again.body.metadata.resourceVersion]).toEqual([200, made.body.metadata.resourceVersion])
    expect((await apply('own', {a: '1'}, 'one')).body.data).toEqual({a: '1'})
  })

  it('conflicts with others, and takes over by force', async () => {
    await apply('shared', {a: '1', b: '2'}, 'one')
    const refused = await apply('shared', {a: '9', b: '9'}, 'two')
    expect(refusal(refused)).toEqual([409, 'Conflict', 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b'])
    expect(refused.body.details.causes).toEqual([
      {reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a'},
      {reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.b'},
    ])
    const forced = await apply('shared', {a: '9'}, 'two', '&force=true')
    expect(forced.body.data).toEqual({a: '9', b: '2'})
    expect((await apply('shared', {b: '2'}, 'one')).body.data).toEqual({a: '9', b: '2'})
  })

  it('conflicts with what was written otherwise', async () => {
    await make('written', {a: '1'})
    const {body} = await apply('written', {a: '2'}, 'one')
    expect(body.message).toMatch(/^Apply failed with 1 conflict: conflict with "wire" using v1( at .+)?: \.data\.a$/)
  })

  it('wants a manager, and no managed fields', async () => {
    expect(refusal(await ask('PATCH', `${MAPS}/x`, map('x'), APPLY))).toEqual([
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ])
    const managed = await ask('PATCH', `${MAPS}/x?fieldManager=one`, map('x', {}, {managedFields: [{manager: 'a'}]}), APPLY)
    expect(refusal(managed)).toEqual([400, 'BadRequest', 'metadata.managedFields must be nil'])
  })
})

describe('a status', () => {
  it('is written by its subresource alone', async () => {
    await ask('POST', PODS, pod('told'))
    expect((await ask('PATCH', `${PODS}/told`, {status: {phase: 'Running'}}, MERGE)).body.status.phase).toBe('Pending')
    const {body} = await ask('PATCH', `${PODS}/told/status`, {status: {phase: 'Running', message: 'here'}}, MERGE)
    expect([body.status.phase, body.status.message, body.metadata.generation]).toEqual(['Running', 'here', 1])
    expect((await ask('GET', `${PODS}/told/status`)).body.status.phase).toBe('Running')
  })
})

describe('a binding', () => {
  it('is for once', async () => {
    await ask('POST', PODS, pod('bound'))
    const binding = {apiVersion: 'v1', kind: 'Binding', metadata: {name: 'bound'}, target: {kind: 'Node', name: 'nowhere'}}
    expect((await ask('POST', `${PODS}/bound/binding`, binding)).code).toBe(201)
    expect((await ask('GET', `${PODS}/bound`)).body.spec.nodeName).toBe('nowhere')
    expect(refusal(await ask('POST', `${PODS}/bound/binding`, binding))).toEqual([
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "nowhere"',
    ])
    await ask('DELETE', `${PODS}/bound`, {gracePeriodSeconds: 0})
  })
})
