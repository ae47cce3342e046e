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

it('lets a pod be evicted only where its disruption budget allows it', async () => {
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {name: 'one'},
    spec: {minAvailable: 1, selector: {matchLabels: {app: 'guarded'}}, unhealthyPodEvictionPolicy: 'AlwaysAllow'},
  }
  expect((await ground.ask('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', budget)).code).toBe(201)
  const evict = async (name: string) => {
    const eviction = {apiVersion: 'policy/v1', kind: 'Eviction', metadata: {name, namespace: 'default'}}
    return await ground.ask('POST', `${PODS}/${name}/eviction`, eviction)
  }
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
