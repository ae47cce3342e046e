import {afterAll, beforeAll, expect, it} from 'vitest'
import {type Ground, MERGE, pod, startGround} from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await startGround()
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

const NETWORKING = '/apis/networking.k8s.io/v1/namespaces/default'
const PODS = '/api/v1/namespaces/default/pods'

it('fills in the direction and the protocols of a network policy', async () => {
  const spec = {podSelector: {}, ingress: [{ports: [{port: 80}]}, {}], egress: [{}]}
  const policy = {apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: {name: 'a'}, spec}
  expect(await ground.ask('POST', `${NETWORKING}/networkpolicies`, policy)).toMatchObject({
    code: 201,
    body: {metadata: {generation: 1}, spec: {policyTypes: ['Ingress', 'Egress'], ingress: [{ports: [{port: 80, protocol: 'TCP'}]}, {}]}},
  })
})

it.each([
  [{host: 'Bad_Host'}, 'spec.rules[0].host: Invalid value: "Bad_Host"'],
  [{path: 'no-slash'}, 'spec.rules[0].http.paths[0].path: Invalid value: "no-slash": must be an absolute path'],
  [{pathType: 'Regex'}, 'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex"'],
  [{pathType: undefined}, 'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
])('refuses an Ingress with %j', async (wrong, message) => {
  const {host = 'a.example', path = '/', pathType} = {pathType: 'Prefix', ...wrong} as Record<string, string | undefined>
  const backend = {service: {name: 's', port: {number: 80}}}
  const spec = {rules: [{host, http: {paths: [{path, pathType, backend}]}}]}
  const ingress = {apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: {name: 'a'}, spec}
  expect(await ground.ask('POST', `${NETWORKING}/ingresses`, ingress)).toMatchObject({
    code: 422,
    body: {message: expect.stringContaining(message)},
  })
})

const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const budget = (name: string, spec: object) => ({apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: {name}, spec})
const evict = async (name: string) => {
  const eviction = {apiVersion: 'policy/v1', kind: 'Eviction', metadata: {name, namespace: 'default'}}
  return await ground.ask('POST', `${PODS}/${name}/eviction`, eviction)
}

const app = (operator: string, values?: readonly string[]) => ({selector: {matchExpressions: [{key: 'app', operator, values}]}})
const PERCENT = "a valid percent string must be a numeric string followed by an ending '%'"

it.each([
  [{minAvailable: 'abc'}, `spec.minAvailable: Invalid value: "abc": ${PERCENT}`],
  [{maxUnavailable: 'x%'}, `spec.maxUnavailable: Invalid value: "x%": ${PERCENT}`],
  [{maxUnavailable: '101%'}, 'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  [{minAvailable: -1}, 'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
  [{minAvailable: 1, maxUnavailable: 1}, 'minAvailable and maxUnavailable cannot be both set'],
  [app('In', []), "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  [
    app('Exists', ['a']),
    "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
  ],
  [app('Near', ['a']), 'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
  [app('In', ['a b']), 'spec.selector.matchExpressions[0].values[0]: Invalid value: "a b": a valid label must be'],
  [{selector: {matchLabels: {'a b': 'c'}}}, 'spec.selector.matchLabels: Invalid value: "a b": name part must consist of'],
])('refuses a disruption budget with %j', async (spec, message) => {
  expect(await ground.ask('POST', BUDGETS, budget('wrong', spec))).toMatchObject({
    code: 422,
    body: {message: expect.stringContaining(message)},
  })
})

it('selects no pod for a disruption budget without a selector', async () => {
  expect((await ground.ask('POST', BUDGETS, budget('none', {minAvailable: 1}))).code).toBe(201)
  await ground.ask('POST', PODS, pod('free'))
  const status = {phase: 'Running', conditions: [{type: 'Ready', status: 'True'}]}
  await ground.ask('PATCH', `${PODS}/free/status`, {status}, MERGE)
  expect((await evict('free')).code).toBe(201)
})

it('lets a pod be evicted only where its disruption budget allows it', async () => {
  const spec = {minAvailable: 1, selector: {matchLabels: {app: 'guarded'}}, unhealthyPodEvictionPolicy: 'AlwaysAllow'}
  expect((await ground.ask('POST', BUDGETS, budget('one', spec))).code).toBe(201)
  const begin = async (name: string, ready: 'True' | 'False') => {
    const made = pod(name)
    await ground.ask('POST', PODS, {...made, metadata: {...made.metadata, labels: {app: 'guarded'}}})
    const status = {phase: 'Running', conditions: [{type: 'Ready', status: ready}]}
    expect((await ground.ask('PATCH', `${PODS}/${name}/status`, {status}, MERGE)).code).toBe(200)
  }
  await begin('sick', 'False')
  await begin('only', 'True')
  expect(await evict('only')).toMatchObject({
    code: 429,
    body: {
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {causes: [{message: 'The disruption budget one needs 1 healthy pods and has 1 currently'}]},
    },
  })
  expect((await evict('sick')).code).toBe(201)
  await begin('second', 'True')
  expect((await evict('only')).code).toBe(201)
})
