import {beforeAll, describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'
import {asking, type Body, MERGE, map, refusal} from './wire.ts'

/** What is special about single kinds: events, leases, quotas, accounts, roles, reviews, secrets, and the proxies. */

const {client, namespace, kubectl} = stand('api-kinds')
const ask = asking(client)
const CORE = `/api/v1/namespaces/${namespace}`
/** `npm run test:kubernetes`: an earlier version than the one whose words the sandbox has. */
const IS_EARLIER = process.env['KUBERNETES_VERSION'] !== undefined
const NOBODY = [404, 'NotFound', 'services "nobody" not found']

describe('events', () => {
  it('are the same in both groups', async () => {
    const involvedObject = {kind: 'ConfigMap', name: 'about', namespace, apiVersion: 'v1'}
    const old = {
      metadata: {name: 'old'},
      involvedObject,
      reason: 'Because',
      message: 'so',
      type: 'Normal',
      source: {component: 'test'},
      count: 2,
    }
    expect((await ask('POST', `${CORE}/events`, old)).code).toBe(201)
    const seen = (await ask('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events/old`)).body
    expect(seen).toMatchObject({
      ...{apiVersion: 'events.k8s.io/v1', regarding: involvedObject, reason: 'Because', note: 'so', type: 'Normal'},
      ...{deprecatedSource: {component: 'test'}, deprecatedCount: 2},
    })
    const fresh = {
      ...{metadata: {name: 'new'}, regarding: involvedObject, reason: 'After', note: 'then', type: 'Warning', action: 'Look'},
      ...{eventTime: '2026-01-01T00:00:00.000000Z', reportingController: 'example.org/test', reportingInstance: 'test-1'},
    }
    expect((await ask('POST', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, fresh)).code).toBe(201)
    const {body} = await ask('GET', `${CORE}/events?fieldSelector=reason%3DAfter,involvedObject.name%3Dabout`)
    expect(body.items).toMatchObject([
      {involvedObject, message: 'then', reportingComponent: 'example.org/test', reportingInstance: 'test-1'},
    ])
    expect(await kubectl('events')).toMatch(/Warning +After +ConfigMap\/about +then/)
  })
})

describe('a lease', () => {
  it('is held by one at a time, by its version', async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
    const lease = (holderIdentity: string) => ({metadata: {name: 'lead'}, spec: {holderIdentity, leaseDurationSeconds: 15}})
    const {body} = await ask('POST', path, lease('one'))
    const mine = {...body, spec: {...body.spec, renewTime: '2026-01-01T00:00:00.000000Z'}}
    expect((await ask('PUT', `${path}/lead`, mine)).body.spec.renewTime).toBe('2026-01-01T00:00:00.000000Z')
    expect(refusal(await ask('PUT', `${path}/lead`, {...mine, spec: {holderIdentity: 'two'}})).slice(0, 2)).toEqual([409, 'Conflict'])
  })
})

describe('a secret', () => {
  it('takes texts, keeps them encoded, and is of a type for ever', async () => {
    const {body} = await ask('POST', `${CORE}/secrets`, {metadata: {name: 's'}, stringData: {a: 'text'}, data: {b: 'Yg=='}})
    expect([body.type, body.data, body.stringData]).toEqual(['Opaque', {a: 'dGV4dA==', b: 'Yg=='}, undefined])
    expect(refusal(await ask('PATCH', `${CORE}/secrets/s`, {type: 'other'}, MERGE))).toEqual([
      422,
      'Invalid',
      'Secret "s" is invalid: type: Invalid value: "other": field is immutable',
    ])
  })

  it('that is immutable stays as it is, as a config map does', async () => {
    await ask('POST', `${CORE}/configmaps`, {...map('fixed', {a: '1'}), immutable: true})
    expect(refusal(await ask('PATCH', `${CORE}/configmaps/fixed`, {data: {a: '2'}}, MERGE))).toEqual([
      422,
      'Invalid',
      'ConfigMap "fixed" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    ])
  })
})

describe('quotas and limit ranges', () => {
  it('are kept', async () => {
    const quota = {metadata: {name: 'q'}, spec: {hard: {'count/things.example.org': '1000', 'services.loadbalancers': '2000m'}}}
    expect((await ask('POST', `${CORE}/resourcequotas`, quota)).body.spec.hard).toEqual({
      'count/things.example.org': '1k',
      'services.loadbalancers': '2',
    })
    const limits = {metadata: {name: 'l'}, spec: {limits: [{type: 'PersistentVolumeClaim', max: {storage: '1Ti'}}]}}
    expect((await ask('POST', `${CORE}/limitranges`, limits)).code).toBe(201)
    expect(await kubectl('describe', 'limitrange', 'l')).toContain('PersistentVolumeClaim')
  })
})

describe('accounts and rights', () => {
  it('give tokens', async () => {
    await ask('POST', `${CORE}/serviceaccounts`, {metadata: {name: 'bot'}})
    const token = await ask('POST', `${CORE}/serviceaccounts/bot/token`, {spec: {expirationSeconds: 600}})
    expect(token.code).toBe(201)
    const {body} = await ask(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      {},
      {authorization: `Bearer ${token.body.status.token}`},
    )
    expect(body.status.userInfo.username).toBe(`system:serviceaccount:${namespace}:bot`)
  })

  it('are asked about', async () => {
    const review = {spec: {resourceAttributes: {verb: 'create', resource: 'pods', namespace}}}
    const {code, body} = await ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)
    expect([code, body.kind, body.status.allowed]).toEqual([201, 'SelfSubjectAccessReview', true])
    expect(await kubectl('auth', 'can-i', 'delete', 'deployments')).toBe('yes\n')
    expect(await kubectl('auth', 'can-i', '--list')).toContain('*.*')
    expect(await kubectl('auth', 'whoami')).toContain('system:masters')
  })

  it('are bound to roles for ever', async () => {
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
    const rules = [{apiGroups: [''], resources: ['pods'], verbs: ['get']}]
    expect((await ask('POST', `${path}/roles`, {metadata: {name: 'look:er'}, rules})).code).toBe(201)
    const roleRef = {apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'look:er'}
    const subjects = [{kind: 'ServiceAccount', name: 'bot', namespace}]
    await ask('POST', `${path}/rolebindings`, {metadata: {name: 'b'}, roleRef, subjects})
    const moved = await ask('PATCH', `${path}/rolebindings/b`, {roleRef: {...roleRef, name: 'other'}}, MERGE)
    const value = '{"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}'
    const fact = IS_EARLIER ? 'cannot change roleRef' : 'field is immutable'
    const why = `RoleBinding.rbac.authorization.k8s.io "b" is invalid: roleRef: Invalid value: ${value}: ${fact}`
    expect(refusal(moved)).toEqual([422, 'Invalid', why])
  })
})

describe('a proxy', () => {
  beforeAll(async () => {
    const command = ['python3', '-c', SERVER]
    const container = {name: 'main', image: 'python', command, ports: [{name: 'web', containerPort: 8000}]}
    const spec = {
      terminationGracePeriodSeconds: 1,
      containers: [{...container, readinessProbe: {httpGet: {port: 'web', path: '/'}, periodSeconds: 1}}],
    }
    await ask('POST', `${CORE}/pods`, {metadata: {name: 'web', labels: {app: 'web'}}, spec})
    await ask('POST', `${CORE}/services`, {
      metadata: {name: 'web'},
      spec: {selector: {app: 'web'}, ports: [{name: 'http', port: 80, targetPort: 'web'}]},
    })
    await ask('POST', `${CORE}/services`, {metadata: {name: 'empty'}, spec: {selector: {app: 'nobody'}, ports: [{port: 80}]}})
    await kubectl('wait', 'pod/web', '--for=condition=Ready', '--timeout=30s')
    await until(async () => (await ask('GET', `${CORE}/services/web:80/proxy/`)).code === 200, 'the service has its endpoint')
  })

  it.each(['pods/web:8000', 'pods/web', 'services/web:80', 'services/web:http', 'services/http:web:http'])('leads to %s', async (place) => {
    const {code, body} = await ask('GET', `${CORE}/${place}/proxy/a%20b/c?d=e`)
    expect([code, body]).toEqual([200, 'GET /a%20b/c?d=e '])
  })

  it('hands on what is sent, and what is answered', async () => {
    const {code, body} = await ask('POST', `${CORE}/services/web:http/proxy/missing`, {a: 1})
    expect([code, body]).toEqual([404, 'POST /missing {"a":1}'])
  })

  it('says who is not there', async () => {
    const answers = ['services/empty', 'services/web:81', 'services/nobody', 'services/nobody:80', 'pods/nobody'].map((place) =>
      ask('GET', `${CORE}/${place}/proxy/`),
    )
    expect((await Promise.all(answers)).map(refusal)).toEqual([
      [503, 'ServiceUnavailable', 'no endpoints available for service "empty"'],
      [503, 'ServiceUnavailable', 'no service port 81 found for service "web"'],
      IS_EARLIER ? NOBODY : [503, 'ServiceUnavailable', 'no endpoints available for service "nobody"'],
      NOBODY,
      [404, 'NotFound', 'pods "nobody" not found'],
    ])
    const closed: Body = await ask('GET', `${CORE}/pods/web:8001/proxy/`)
    expect([closed.code, closed.body.reason]).toEqual([503, 'ServiceUnavailable'])
    expect(closed.body.message).toContain('error trying to reach service: ')
  })
})

/** Tells what it was asked. */
const SERVER = `
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = self.rfile.read(int(self.headers.get('content-length', 0))).decode()
        answer = f'{self.command} {self.path} {text}'.encode()
        self.send_response(404 if self.path == '/missing' else 200)
        self.send_header('content-type', 'text/plain')
        self.send_header('content-length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    do_POST = do_GET
    def log_message(self, *args): pass
HTTPServer(('', 8000), Handler).serve_forever()
`
