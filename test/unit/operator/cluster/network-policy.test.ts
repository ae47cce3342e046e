import {describe, expect, it} from 'vitest'
import type {DaskCluster, NetworkPolicyPart} from '../../../../src/api/dask.ts'
import type {NetworkPolicy} from '../../../../src/api/networking.ts'
import {schedulerPolicy, workersPolicy} from '../../../../src/operator/cluster/network-policy.ts'
import {makeCluster} from '../objects.ts'
import {isAllowed, type Place, type Source, type Target} from './policy-semantics.ts'

const cluster = makeCluster()
const guarded = (networkPolicy: NetworkPolicyPart = {}): DaskCluster => ({...cluster, spec: {...cluster.spec, networkPolicy}})
const policiesOf = (of: DaskCluster, operatorNamespace?: string): readonly NetworkPolicy[] =>
  [schedulerPolicy(of, operatorNamespace), workersPolicy(of, operatorNamespace)].filter((each) => each !== undefined)

const daskPod = (component: string, more: Partial<Place> & {readonly cluster?: string} = {}): Place => ({
  namespace: more.namespace ?? 'ns',
  labels: {'dask.org/cluster-name': more.cluster ?? 'demo', 'dask.org/component': component, ...more.labels},
})
const scheduler: Target = {...daskPod('scheduler'), ports: {'tcp-comm': 8786, 'http-dashboard': 8787}}
const worker: Target = {...daskPod('worker', {labels: {'dask.org/workergroup-name': 'demo-gpu'}}), ports: {'http-dashboard': 8788}}
const COMM = 8786
const DASHBOARD = 8787
/** A worker's own port is a random one. */
const RANDOM = 40_123

const from = {
  ownWorker: {pod: daskPod('worker')},
  ownScheduler: {pod: daskPod('scheduler')},
  ownRunner: {pod: daskPod('job-runner')},
  otherClusters: {pod: daskPod('worker', {cluster: 'other'})},
  namesakes: {pod: daskPod('worker', {namespace: 'elsewhere'})},
  neighbour: {pod: {namespace: 'ns', labels: {app: 'web'}}},
  operator: {pod: {namespace: 'dask-operator', labels: {'app.kubernetes.io/name': 'dask-operator'}}},
  notebook: {pod: {namespace: 'jupyter', labels: {app: 'jupyterhub'}}},
  proxy: {pod: {namespace: 'jupyter', labels: {app: 'proxy'}}},
  node: {node: true},
  office: {address: '192.0.2.7'},
} as const satisfies Readonly<Record<string, Source>>
type Who = keyof typeof from

const jupyter = {namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': 'jupyter'}}}

describe('a cluster with a network policy', () => {
  const policies = policiesOf(guarded(), 'dask-operator')
  it.each<[Who, Target, string, number, boolean]>([
    ['ownWorker', scheduler, 'the scheduler', COMM, true],
    ['ownRunner', scheduler, 'the scheduler', COMM, true],
    ['operator', scheduler, 'the scheduler', COMM, true],
    ['operator', scheduler, 'the dashboard', DASHBOARD, true],
    ['operator', scheduler, 'another port', 22, false],
    ['node', scheduler, 'the dashboard, for a probe', DASHBOARD, true],
    ['node', scheduler, 'the scheduler, for port-forward', COMM, true],
    ['neighbour', scheduler, 'the scheduler', COMM, false],
    ['neighbour', scheduler, 'the dashboard', DASHBOARD, false],
    ['otherClusters', scheduler, 'the scheduler', COMM, false],
    ['namesakes', scheduler, 'the scheduler', COMM, false],
    ['notebook', scheduler, 'the scheduler', COMM, false],
    ['office', scheduler, 'the scheduler', COMM, false],
    ['ownScheduler', worker, 'a worker', RANDOM, true],
    ['ownWorker', worker, 'a worker', RANDOM, true],
    ['ownRunner', worker, 'a worker', RANDOM, true],
    ['operator', worker, 'a worker, to let it back in', RANDOM, true],
    ['node', worker, 'a worker', 8788, true],
    ['neighbour', worker, 'a worker', RANDOM, false],
    ['otherClusters', worker, 'a worker', RANDOM, false],
    ['namesakes', worker, 'a worker', RANDOM, false],
    ['office', worker, 'a worker', 8788, false],
  ])('%s -> %4$s of %2$s: %5$s (%#)', (who, target, _what, port, is) => {
    expect(isAllowed({policies}, from[who], target, port)).toBe(is)
  })

  it('guards nobody else: not the runner of a job, not a neighbour', () => {
    expect(isAllowed({policies}, from.neighbour, {...from.neighbour.pod, ports: {}}, 80)).toBe(true)
    expect(isAllowed({policies}, from.neighbour, {...daskPod('worker', {cluster: 'other'}), ports: {}}, RANDOM)).toBe(true)
  })
  it('says what it says as the API server keeps it, which drops what is empty in a selector, but no selector', () => {
    const given = guarded({
      from: [
        {podSelector: {matchLabels: {}, matchExpressions: [{key: 'app', operator: 'Exists', values: []}]}},
        {podSelector: {matchLabels: {app: 'web'}, matchExpressions: []}, namespaceSelector: {matchLabels: {}}},
        {ipBlock: {cidr: '192.0.2.0/24', except: []}},
        {ipBlock: {cidr: '192.0.2.0/24', except: ['192.0.2.9/32']}},
      ],
    })
    expect(schedulerPolicy(given, undefined)?.spec.ingress[1]?.from).toEqual([
      {podSelector: {matchExpressions: [{key: 'app', operator: 'Exists'}]}},
      {podSelector: {matchLabels: {app: 'web'}}, namespaceSelector: {}},
      {ipBlock: {cidr: '192.0.2.0/24'}},
      {ipBlock: {cidr: '192.0.2.0/24', except: ['192.0.2.9/32']}},
    ])
  })
  it('says nothing of what its pods may reach', () => {
    for (const {spec} of policies) expect(spec.policyTypes).toEqual(['Ingress'])
  })
  it('lets no operator in that runs outside of Kubernetes, which comes by the API server', () => {
    expect(isAllowed({policies: policiesOf(guarded())}, from.operator, scheduler, COMM)).toBe(false)
    expect(isAllowed({policies: policiesOf(guarded())}, from.ownWorker, scheduler, COMM)).toBe(true)
  })
})

describe('whom the spec names', () => {
  it.each<[string, NetworkPolicyPart, Who, Target, number, boolean]>([
    ['a namespace', {from: [jupyter]}, 'notebook', scheduler, COMM, true],
    ['a namespace', {from: [jupyter]}, 'proxy', scheduler, DASHBOARD, true],
    ['a namespace, on other ports', {from: [jupyter]}, 'notebook', scheduler, 22, false],
    ['a namespace, but no worker', {from: [jupyter]}, 'notebook', worker, RANDOM, false],
    ['some pods', {from: [{...jupyter, podSelector: {matchLabels: {app: 'jupyterhub'}}}]}, 'notebook', scheduler, COMM, true],
    [
      'some pods, and not the others',
      {from: [{...jupyter, podSelector: {matchLabels: {app: 'jupyterhub'}}}]},
      'proxy',
      scheduler,
      COMM,
      false,
    ],
    ['the own namespace', {from: [{podSelector: {}}]}, 'neighbour', scheduler, COMM, true],
    ['addresses', {from: [{ipBlock: {cidr: '192.0.2.0/24'}}]}, 'office', scheduler, COMM, true],
    ['other addresses', {from: [{ipBlock: {cidr: '192.0.2.0/24', except: ['192.0.2.0/28']}}]}, 'office', scheduler, COMM, false],
  ])('%s reaches the scheduler as it says (%#)', (_, part, who, target, port, is) => {
    expect(isAllowed({policies: policiesOf(guarded(part), 'dask-operator')}, from[who], target, port)).toBe(is)
  })

  it('reaches the port to which the service leads, whatever its number', () => {
    const of = guarded({from: [jupyter]})
    const service = {
      ...of.spec.scheduler.service,
      ports: [
        {name: 'tcp-comm', port: 80, targetPort: 9000},
        {port: 81, protocol: 'UDP'},
      ],
    }
    const policies = policiesOf({...of, spec: {...of.spec, scheduler: {...of.spec.scheduler, service}}})
    expect([80, 81, 9000].map((port) => isAllowed({policies}, from.notebook, scheduler, port))).toEqual([false, false, true])
  })
  it('reaches nothing of a service without ports, instead of everything', () => {
    const of = guarded({from: [jupyter]})
    const service = {...of.spec.scheduler.service, ports: []}
    const policies = policiesOf({...of, spec: {...of.spec, scheduler: {...of.spec.scheduler, service}}})
    expect(isAllowed({policies}, from.notebook, scheduler, COMM)).toBe(false)
  })
})

it('a cluster that asks for none has no policy', () => {
  expect(policiesOf(cluster, 'dask-operator')).toEqual([])
})
