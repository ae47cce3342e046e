import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {DaskCluster, SchedulerPart} from '../../../../src/api/dask.ts'
import {
  type HttpRoute,
  INGRESSES,
  type Ingress,
  NETWORK_POLICIES,
  type NetworkPolicy,
  POD_DISRUPTION_BUDGETS,
} from '../../../../src/api/networking.ts'
import type {Kind} from '../../../../src/api/object.ts'
import {keep, type Specified} from '../../../../src/operator/cluster/keep.ts'
import {schedulerPolicy} from '../../../../src/operator/cluster/network-policy.ts'
import {planCluster} from '../../../../src/operator/cluster/plan.ts'
import {schedulerIngress, schedulerRoute} from '../../../../src/operator/cluster/routes.ts'
import {failedStatus} from '../../../../src/operator/cluster/status.ts'
import type {Accessories, ClusterWorld} from '../../../../src/operator/cluster/world.ts'
import type {Action, Create, Patch} from '../../../../src/operator/engine/contract.ts'
import {makeCluster, makeGroup, makePod, makeService, NO_ACCESSORIES, NOW, ownedBy, told} from '../objects.ts'

const cluster = makeCluster()
const withPart = (part: Partial<SchedulerPart>, more: Partial<DaskCluster['spec']> = {}): DaskCluster => ({
  ...cluster,
  spec: {...cluster.spec, ...more, scheduler: {...cluster.spec.scheduler, ...part}},
})
const world = (accessories: Partial<Accessories> = {}, more: Partial<ClusterWorld> = {}): ClusterWorld => {
  const group = makeGroup()
  return {
    scheduler: makePod('demo-scheduler', cluster),
    service: makeService(cluster),
    accessories: {...NO_ACCESSORIES, ...accessories},
    defaultGroup: group,
    groups: [{group, pods: ['a', 'b', 'c'].map((name) => makePod(name, group))}],
    ...more,
  }
}
const everything = withPart(
  {ingress: {host: 'dask.example'}, httpRoute: {parentRefs: [{name: 'gate'}]}, podDisruptionBudget: {}},
  {networkPolicy: {}},
)

/** Lists that are empty, the API server does not keep. */
const withoutEmpty = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutEmpty)
  const members = Object.entries(value).filter(([, member]) => !(Array.isArray(member) && member.length === 0))
  return Object.fromEntries(members.map(([key, member]) => [key, withoutEmpty(member)]))
}

/** An object as the API server keeps it, once the plan's action on it has been carried out. */
const served = <T extends Specified>(action: Action | undefined, live?: T): T => {
  if (action?.do === 'create') {
    const object = (action as Create).object as T
    return withoutEmpty({...object, metadata: {...object.metadata, uid: 'live-1', ownerReferences: [ownedBy(cluster)]}}) as T
  }
  if (action?.do === 'patch' && live) return withoutEmpty(merged(live, (action as Patch).patch)) as T
  throw new Error(`nothing is there after ${action?.do}`)
}
const merged = (before: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const base = typeof before === 'object' && before !== null && !Array.isArray(before) ? {...before} : {}
  const result: Record<string, unknown> = base
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

describe('what a cluster has beside its pods', () => {
  it('is nothing where its spec asks for nothing', () => {
    expect(planCluster(cluster, world(), NOW).stages).toEqual([])
  })
  it('guards the pods before they are made, and leads to them afterwards', () => {
    const empty = world({}, {scheduler: undefined, service: undefined, defaultGroup: undefined, groups: []})
    expect(told(planCluster(everything, empty, NOW).stages)).toEqual([
      ['create networkpolicies/demo-scheduler', 'create networkpolicies/demo-workers'],
      ['create pods/demo-scheduler', 'create services/demo-scheduler', 'create daskworkergroups/demo-default'],
      ['create poddisruptionbudgets/demo-scheduler', 'create ingresses/demo-scheduler', 'create httproutes/demo-scheduler'],
    ])
  })
  it('is waited for, without alarm, while it is that of an earlier cluster of the same name', () => {
    const earlier = {...cluster, metadata: {...cluster.metadata, uid: 'an-earlier-one'}}
    const of = (owner: DaskCluster): Ingress => ({
      ...(schedulerIngress(everything) as Ingress),
      metadata: {name: 'demo-scheduler', uid: 'i', ownerReferences: [ownedBy(owner)]},
    })
    const empty = {scheduler: undefined, service: undefined, defaultGroup: undefined, groups: []}
    const {stages, status} = planCluster(everything, world({ingress: of(earlier)}, empty), NOW)
    expect(stages).toEqual([])
    const said = status?.conditions?.find(({type}) => type === 'Degraded')
    expect(said).toMatchObject({status: 'False', reason: 'PredecessorLeaves', message: expect.stringContaining('Ingress "demo-scheduler"')})
    const others = planCluster(everything, world({ingress: of(makeCluster(1, {name: 'other', uid: 'x'}))}, empty), NOW)
    expect(told(others.stages).flat()).toContain('create ingresses/demo-scheduler')
  })
  it('goes when the spec does not ask for it any more', () => {
    const made = (kind: keyof Accessories, object: Specified) => ({
      [kind]: {...object, metadata: {...object.metadata, uid: kind, ownerReferences: [ownedBy(cluster)]}},
    })
    const policy = schedulerPolicy(everything, undefined) as Specified
    const live = {
      ...made('schedulerPolicy', policy),
      ...made('ingress', schedulerIngress(everything) as Specified),
      ...made('httpRoute', schedulerRoute(everything) as Specified),
    }
    expect(told(planCluster(cluster, world(live), NOW).stages)).toEqual([
      ['delete networkpolicies/demo-scheduler'],
      ['delete ingresses/demo-scheduler', 'delete httproutes/demo-scheduler'],
    ])
  })
})

describe('an object that is kept', () => {
  const wantedOf = (host: string, more: SchedulerPart['ingress'] = {}): Ingress =>
    schedulerIngress(withPart({ingress: {host, ...more}})) as Ingress
  const step = (wanted: Ingress | undefined, live: Ingress | undefined): readonly Action[] => keep(cluster, {kind: INGRESSES, wanted, live})
  const made = (wanted: Ingress): Ingress => served<Ingress>(step(wanted, undefined)[0])

  it('is left alone once it is as it is wanted, with what the server and others have added', () => {
    const wanted = wantedOf('a.example')
    const live = made(wanted)
    const added: Ingress = {
      ...live,
      metadata: {...live.metadata, annotations: {...live.metadata.annotations, 'acme.example/seen': 'yes'}},
      spec: {...live.spec, ingressClassName: 'default'},
    }
    expect(step(wanted, added)).toEqual([])
  })
  it('follows its spec in place, and loses what the spec has no longer', () => {
    const before = wantedOf('a.example', {ingressClassName: 'nginx', metadata: {annotations: {size: '1'}}, tls: [{secretName: 's'}]})
    const live = served<Ingress>(step(wantedOf('b.example'), made(before))[0], made(before))
    expect(live.spec).toEqual(wantedOf('b.example').spec)
    expect(live.metadata.annotations).not.toHaveProperty('size')
    expect(step(wantedOf('b.example'), live)).toEqual([])
  })
  it('is changed back when somebody has changed it', () => {
    const wanted = wantedOf('a.example')
    const drifted: Ingress = {...made(wanted), spec: {...wanted.spec, rules: []}}
    expect(served<Ingress>(step(wanted, drifted)[0], drifted).spec).toEqual(wanted.spec)
  })
  it('is whatever was wanted last, through any changes of the spec', () => {
    const part = fc.record(
      {
        ingressClassName: fc.constantFrom('a', 'b'),
        path: fc.constantFrom('/', '/x'),
        tls: fc.constantFrom([], [{secretName: 's'}], [{secretName: 's', hosts: []}]),
        metadata: fc.record({labels: fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', '2'))}),
      },
      {requiredKeys: []},
    )
    fc.assert(
      fc.property(fc.array(part, {minLength: 1, maxLength: 5}), (parts) => {
        let live: Ingress | undefined
        for (const each of parts) {
          const [action] = step(wantedOf('a.example', each), live)
          if (action) live = served(action, live)
          const wanted = wantedOf('a.example', each)
          expect(live?.spec).toEqual(withoutEmpty(wanted.spec))
          expect(live?.metadata.labels).toEqual(wanted.metadata.labels)
          expect(step(wanted, live)).toEqual([])
        }
      }),
    )
  })
  it('of somebody else is never changed or deleted: its creation fails, and names it', () => {
    const foreign: Ingress = {...wantedOf('c.example'), metadata: {name: 'demo-scheduler', namespace: 'ns', uid: 'x'}}
    expect(step(wantedOf('a.example'), foreign).map((action) => action.do)).toEqual(['create'])
    expect(step(undefined, foreign)).toEqual([])
  })
  it('is waited for while it is being deleted', () => {
    const live = made(wantedOf('a.example'))
    const leaving = {...live, metadata: {...live.metadata, deletionTimestamp: '2026-11-23T12:00:00Z'}}
    expect(step(wantedOf('b.example'), leaving)).toEqual([])
  })
  it('as a policy keeps nothing that somebody has added', () => {
    const wanted = schedulerPolicy(withPart({}, {networkPolicy: {}}), 'ops')
    if (!wanted) throw new Error('there is no policy')
    const kept = {kind: NETWORK_POLICIES, wanted, isExact: true}
    const live = served<NetworkPolicy>(keep(cluster, {...kept, live: undefined})[0])
    const spec: NetworkPolicy['spec'] & {readonly egress: readonly object[]} = {...live.spec, ingress: [{}], egress: []}
    const opened: NetworkPolicy = {...live, spec}
    const mended = served(keep(cluster, {...kept, live: opened})[0], opened)
    expect(mended.spec).toEqual(wanted.spec)
    const matchLabels = {...wanted.spec.podSelector.matchLabels, app: 'none'}
    const narrowed: NetworkPolicy = {...live, spec: {...live.spec, podSelector: {matchLabels, matchExpressions: []}}}
    expect(served(keep(cluster, {...kept, live: narrowed})[0], narrowed).spec).toEqual(wanted.spec)
    const forgotten: NetworkPolicy = {...live, metadata: {...live.metadata, annotations: {}}}
    expect(served(keep(cluster, {...kept, live: forgotten})[0], forgotten)).toEqual(live)
  })
})

describe('the way to the dashboard', () => {
  const exposed = (part: Partial<SchedulerPart>, live: Partial<Accessories>) => {
    const {status, wakeAfter} = planCluster(withPart(part), world(live), NOW)
    const condition = status?.conditions?.find(({type}) => type === 'Exposed')
    return {url: status?.dashboardURL, told: condition && `${condition.status} ${condition.reason}: ${condition.message}`, wakeAfter}
  }
  const ingressAt = (...points: readonly {readonly ip?: string; readonly hostname?: string}[]): Partial<Accessories> => ({
    ingress: {
      ...(schedulerIngress(withPart({ingress: {}})) as Ingress),
      metadata: {name: 'demo-scheduler', uid: 'i', ownerReferences: [ownedBy(cluster)]},
      status: {loadBalancer: {ingress: points}},
    },
  })
  const routeWith = (status?: 'True' | 'False', message = ''): Partial<Accessories> => ({
    httpRoute: {
      ...(schedulerRoute(withPart({httpRoute: {parentRefs: [{name: 'gate'}]}})) as HttpRoute),
      metadata: {name: 'demo-scheduler', uid: 'r', ownerReferences: [ownedBy(cluster)]},
      ...(status && {
        status: {
          parents: [
            {
              parentRef: {name: 'gate'},
              conditions: [{type: 'Accepted', status, reason: 'NotAllowedByListeners', message, lastTransitionTime: ''}],
            },
          ],
        },
      }),
    },
  })
  const INSIDE = 'http://demo-scheduler.ns.svc:8787'

  it('is the Service alone, and no condition, where nothing is asked for', () => {
    expect(exposed({}, {})).toEqual({url: INSIDE, told: undefined, wakeAfter: undefined})
  })
  it.each<[string, Partial<SchedulerPart>, Partial<Accessories>, string, RegExp]>([
    ['an Ingress that nobody serves', {ingress: {host: 'd.example'}}, ingressAt(), 'http://d.example', /^False AddressPending/],
    ['one that is not there yet', {ingress: {host: 'd.example'}}, {}, INSIDE, /^False AddressPending/],
    ['one that is served', {ingress: {host: 'd.example'}}, ingressAt({ip: '192.0.2.1'}), 'http://d.example', /^True Ready/],
    [
      'one with TLS and a path',
      {ingress: {host: 'd.example', path: '/dask', tls: [{secretName: 's'}]}},
      ingressAt({hostname: 'lb.example'}),
      'https://d.example/dask',
      /^True Ready/,
    ],
    ['one without a host', {ingress: {}}, ingressAt({hostname: 'lb.example'}), 'http://lb.example', /^True Ready/],
    [
      'a route',
      {httpRoute: {parentRefs: [{name: 'gate'}], hostnames: ['d.example']}},
      routeWith('True'),
      'http://d.example',
      /^True Ready/,
    ],
    [
      'a route on a listener with TLS',
      {httpRoute: {parentRefs: [{name: 'gate', sectionName: 'https'}], hostnames: ['d.example']}},
      routeWith(),
      'https://d.example',
      /^False AddressPending/,
    ],
    [
      'a route that its Gateway refuses',
      {httpRoute: {parentRefs: [{name: 'gate'}]}},
      routeWith('False', 'no listener allows this namespace'),
      INSIDE,
      /^False RouteNotAccepted: no listener allows this namespace$/,
    ],
  ])('is told for %s', (_, part, live, url, condition) => {
    const {url: is, told: says} = exposed(part, live)
    expect(is).toBe(url)
    expect(says).toMatch(condition)
  })
  it('says so where the server has no HTTPRoutes, makes none, and looks again', () => {
    const part = {httpRoute: {parentRefs: [{name: 'gate'}]}}
    const live = {noHttpRoutes: 'the server could not find the requested resource'}
    expect(planCluster(withPart(part), world(live), NOW).stages).toEqual([])
    const {told: says, wakeAfter} = exposed(part, live)
    expect(says).toMatch(/^False GatewayApiMissing: .*the server could not find the requested resource$/)
    expect(wakeAfter).toBe(10_000)
  })
  it('that the server refuses makes no cluster unready', () => {
    const {status} = planCluster(withPart({ingress: {}}), world(ingressAt()), NOW)
    if (!status) throw new Error('there is no status')
    const failure = {reason: 'FailedCreate', message: 'the webhook says no', terminal: true}
    const said = (kind: Kind) =>
      Object.fromEntries((failedStatus(status, {...failure, kind}, NOW).conditions ?? []).map(({type, status: is}) => [type, is]))
    expect(said(INGRESSES)).toMatchObject({Ready: 'True', Degraded: 'True', Exposed: 'False'})
    expect(said(POD_DISRUPTION_BUDGETS)).toMatchObject({Ready: 'True', Degraded: 'True'})
    expect(said(NETWORK_POLICIES)).toMatchObject({Ready: 'False', Degraded: 'True'})
  })
  it('leads to the port that the Service gives the dashboard', () => {
    const service = {...cluster.spec.scheduler.service, ports: [{name: 'http-dashboard', port: 80, targetPort: 8787}]}
    const of = withPart({service, ingress: {}, httpRoute: {parentRefs: [{name: 'gate'}]}})
    expect(JSON.stringify(schedulerIngress(of)?.spec)).toContain('"port":{"number":80}')
    expect(JSON.stringify(schedulerRoute(of)?.spec)).toContain('"port":80')
  })
})

it.each([
  ['FailedCreate', 'pods "demo-default-worker-a" is forbidden: exceeded quota: two'],
  ['ViolatesPodSecurity', 'pods "demo-default-worker-a" is forbidden: violates PodSecurity'],
])('a group that may not make its pods is told of (%s), in the words of the server', (reason, message) => {
  const {defaultGroup: group} = world()
  if (!group) throw new Error('there is no group')
  const conditions = [{type: 'Degraded', status: 'True', reason, message, lastTransitionTime: ''} as const]
  const refused = {...group, status: {conditions}}
  const {status} = planCluster(cluster, world({}, {defaultGroup: refused, groups: [{group: refused, pods: []}]}), NOW)
  const claim = (type: string) => status?.conditions?.find((each) => each.type === type)
  expect(claim('Degraded')).toMatchObject({status: 'True', reason, message})
  expect(claim('WorkersReady')).toMatchObject({status: 'False', reason, message: `0 of 3 workers are ready; ${message}`})
})

describe('a cluster that another controller takes care of', () => {
  it('is left alone, and nothing is said of it', () => {
    const plan = planCluster(withPart({}, {managedBy: 'kueue.x-k8s.io/multikueue'}), world({}, {scheduler: undefined}), NOW)
    expect(plan).toEqual({stages: [], status: undefined})
  })
  it('is none that names this operator', () => {
    const of = withPart({}, {managedBy: 'kubernetes.dask.org/dask-operator'})
    expect(told(planCluster(of, world({}, {scheduler: undefined}), NOW).stages)).toEqual([['create pods/demo-scheduler']])
  })
})
