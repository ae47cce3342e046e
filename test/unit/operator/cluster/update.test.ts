import {describe, expect, it} from 'vitest'
import type {Node, Pod, PodStatus, Service, ServicePort, ServiceSpec} from '../../../../src/api/core.ts'
import type {DaskCluster} from '../../../../src/api/dask.ts'
import type {ObjectMeta} from '../../../../src/api/object.ts'
import {schedulerTarget, targetAnnotations} from '../../../../src/api/revision.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {KubeError} from '../../../../src/kube/errors.ts'
import {createFindLostNode, lostBecause} from '../../../../src/operator/cluster/lost-node.ts'
import {schedulerPod, schedulerService} from '../../../../src/operator/cluster/parts.ts'
import {planCluster} from '../../../../src/operator/cluster/plan.ts'
import type {ClusterWorld} from '../../../../src/operator/cluster/world.ts'
import type {Delete, Patch} from '../../../../src/operator/engine/contract.ts'
import {ago, at, makeCluster, makeGroup, makePod, makeService, NO_ACCESSORIES, NOW, RUNNING, told} from '../objects.ts'

const RESTARTED_AT = 'kubernetes.dask.org/restarted-at'
const cluster = makeCluster()
const schedulerOf = (of: DaskCluster, metadata: Partial<Pod['metadata']> = {}, status: PodStatus = RUNNING): Pod => ({
  ...makePod('demo-scheduler', of, status, {annotations: targetAnnotations(schedulerTarget(of)), ...metadata}),
  spec: {...of.spec.scheduler.spec, nodeName: 'n1'},
})
const world = (more: Partial<ClusterWorld> = {}): ClusterWorld => {
  const group = makeGroup()
  const pods = ['a', 'b', 'c'].map((name) => makePod(name, group))
  return {
    scheduler: schedulerOf(cluster),
    service: makeService(cluster),
    accessories: NO_ACCESSORIES,
    defaultGroup: group,
    groups: [{group, pods}],
    ...more,
  }
}
const changed = (spec: Partial<DaskCluster['spec']['scheduler']>, more: Partial<DaskCluster['spec']> = {}): DaskCluster => ({
  ...cluster,
  spec: {...cluster.spec, ...more, scheduler: {...cluster.spec.scheduler, ...spec}},
})
const claim = (of: DaskCluster, given: ClusterWorld, type: string): string | undefined => {
  const found = planCluster(of, given, NOW).status?.conditions?.find((each) => each.type === type)
  return found && `${found.status} ${found.reason}: ${found.message}`
}
const newImage = {spec: {containers: [{name: 'scheduler', image: 'new'}]}}

describe('a changed scheduler', () => {
  it('waits by default, and says how to go on', () => {
    const of = changed(newImage)
    const noted = planCluster(of, world(), NOW)
    expect(told(noted.stages)).toEqual([['patch daskworkergroups/demo-default']])
    expect(at<Patch>(noted.stages, 0, 0).patch).not.toHaveProperty('spec')
    expect(claim(of, world(), 'Progressing')).toMatch(/^False SchedulerUpdateWaits: .*kubectl dask cluster restart demo$/)
    expect(claim(of, world(), 'Ready')).toMatch(/^True/)
  })
  it('is replaced at once where its strategy says so', () => {
    const plan = planCluster(changed({...newImage, updateStrategy: {type: 'Recreate'}}), world(), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/demo-scheduler'], ['patch daskworkergroups/demo-default']])
  })
  it('is replaced when a restart is asked for, changed or not', () => {
    const of = makeCluster(3, {annotations: {[RESTARTED_AT]: '2026-11-23T11:59:00Z'}})
    expect(told(planCluster(of, world(), NOW).stages)).toEqual([['delete pods/demo-scheduler']])
    expect(planCluster(of, world({scheduler: schedulerOf(of)}), NOW).stages).toEqual([])
  })
  it('of a pod that does not tell what it was made from is no change', () => {
    const plan = planCluster(changed(newImage), world({scheduler: schedulerOf(cluster, {annotations: {}})}), NOW)
    expect(told(plan.stages)).toEqual([['patch daskworkergroups/demo-default']])
  })
})

describe('labels and annotations of a part', () => {
  it('come onto the pod and the service in place', () => {
    const plan = planCluster(changed({metadata: {labels: {team: 'red'}}}), world(), NOW)
    expect(told(plan.stages)).toEqual([['patch pods/demo-scheduler', 'patch services/demo-scheduler']])
    expect(at<Patch>(plan.stages, 0, 0).patch).toMatchObject({metadata: {labels: {team: 'red'}}})
  })
})

describe('a changed service', () => {
  const service: ServiceSpec = {type: 'LoadBalancer', ports: [{name: 'tcp-comm', port: 8786}]}
  it('is changed in place, and what the spec has no longer goes', () => {
    const plan = planCluster(changed({service}), world(), NOW)
    expect(told(plan.stages)).toEqual([['patch services/demo-scheduler']])
    expect(at<Patch>(plan.stages, 0, 0).patch).toEqual({
      metadata: {annotations: {'kubernetes.dask.org/applied-spec': JSON.stringify(service)}},
      spec: {type: 'LoadBalancer', ports: [{name: 'tcp-comm', port: 8786}], selector: null},
    })
  })
  it('loses nothing where it does not tell what it was given, and is told from now on', () => {
    const live = {...makeService(cluster), metadata: {...makeService(cluster).metadata, annotations: {}}}
    const plan = planCluster(changed({service}), world({service: live}), NOW)
    expect(at<Patch>(plan.stages, 0, 0).patch).toEqual({
      metadata: {annotations: {'kubernetes.dask.org/applied-spec': JSON.stringify(service)}},
      spec: {type: 'LoadBalancer', ports: [{name: 'tcp-comm', port: 8786}]},
    })
  })
})

describe('what somebody has changed by hand is put back', () => {
  const service: ServiceSpec = {
    selector: {'dask.org/cluster-name': 'demo'},
    ports: [
      {name: 'tcp-comm', port: 8786, targetPort: 'tcp-comm'},
      {name: 'http', port: 80},
    ],
  }
  const of = changed({service, metadata: {labels: {team: 'red'}}})
  const stored: ServiceSpec = {
    ...service,
    type: 'LoadBalancer',
    clusterIP: '10.0.0.1',
    sessionAffinity: 'None',
    ports: [
      {name: 'tcp-comm', protocol: 'TCP', port: 8786, targetPort: 'tcp-comm', nodePort: 30001},
      {name: 'http', protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30002},
    ],
  }
  const built = schedulerService(of)
  const live = (spec: Partial<ServiceSpec> = {}, metadata: Partial<ObjectMeta> = {}): Service => {
    const {labels, annotations} = built.metadata
    return {
      ...makeService(of),
      metadata: {...makeService(of).metadata, labels, annotations, ...metadata} as ObjectMeta,
      spec: {...stored, ...spec},
    }
  }
  const scheduler = {...schedulerOf(of), metadata: {...schedulerOf(of).metadata, ...schedulerPod(of).metadata}}
  const patchesOf = (given: Partial<ClusterWorld>): readonly unknown[] =>
    planCluster(of, world({scheduler, service: live(), ...given}), NOW)
      .stages.flat()
      .map((action) => (action as Patch).patch)

  it('but what the server and others add stays', () => {
    const annotations = {...built.metadata.annotations, 'service.beta.kubernetes.io/load-balancer': 'ready'}
    expect(patchesOf({service: live({}, {labels: {...built.metadata.labels, added: 'by-a-cloud'}, annotations})})).toEqual([])
  })
  it.each<[string, Partial<ServiceSpec>, unknown]>([
    ['another selector', {selector: {'dask.org/cluster-name': 'other'}}, {selector: {'dask.org/cluster-name': 'demo'}}],
    ['one that selects less', {selector: {...service.selector, app: 'x'}}, {selector: {app: null}}],
    ['no selector', {selector: {}}, {selector: service.selector}],
    ['another port', {ports: [{name: 'tcp-comm', port: 1}]}, {ports: service.ports}],
    ['another target', {ports: [stored.ports?.[0], {...stored.ports?.[1], targetPort: 81}] as ServicePort[]}, {ports: service.ports}],
  ])('%s of the service', (_, spec, patch) => {
    expect(patchesOf({service: live(spec)})).toEqual([expect.objectContaining({spec: patch})])
  })
  it('labels of the service and of the scheduler, reserved ones and those of the part', () => {
    const labels = {...built.metadata.labels, 'dask.org/component': 'other', team: 'blue'}
    const mended = {labels: {'dask.org/component': 'scheduler', team: 'red'}}
    expect(patchesOf({service: live({}, {labels})})).toEqual([{metadata: expect.objectContaining(mended)}])
    const stray = {...scheduler, metadata: {...scheduler.metadata, labels}}
    expect(patchesOf({scheduler: stray})).toEqual([{metadata: mended}])
  })
})

describe('a changed worker part', () => {
  it('is handed down to the default group, all but its number', () => {
    const of = changed({}, {worker: {replicas: 3, spec: {containers: [{name: 'worker', image: 'new'}]}, metadata: {labels: {tier: 'a'}}}})
    const plan = planCluster(of, world(), NOW)
    expect(told(plan.stages)).toEqual([['patch daskworkergroups/demo-default']])
    expect(at<Patch>(plan.stages, 0, 0).patch).toMatchObject({
      spec: {worker: {spec: {containers: [{name: 'worker', image: 'new'}]}, metadata: {labels: {tier: 'a'}}}},
    })
    expect(at<Patch>(plan.stages, 0, 0).patch).not.toHaveProperty('spec.worker.replicas')
  })
})

it('a time of idleness below zero is told, and the rest of the spec is carried out', () => {
  const of = changed({}, {idleTimeout: -5})
  expect(claim(of, world(), 'Degraded')).toMatch(/^True InvalidSpec: spec.idleTimeout is -5, which counts as 0/)
  expect(claim(of, world(), 'Ready')).toMatch(/^True/)
  expect(claim(cluster, world(), 'Degraded')).toMatch(/^False/)
})

describe('a suspended cluster', () => {
  const of = changed({}, {suspend: true})
  it('keeps its scheduler while workers are leaving', () => {
    expect(planCluster(of, world(), NOW).stages).toEqual([])
    expect(claim(of, world(), 'Suspended')).toBe('False Suspending: 4 pods are still there')
    expect(claim(of, world(), 'Ready')).toMatch(/^False Suspended: .*kubectl dask cluster resume demo/)
  })
  it('lets it go when they have gone, and makes no other', () => {
    const empty = world({groups: [{group: makeGroup(), pods: []}]})
    expect(told(planCluster(of, empty, NOW).stages)).toEqual([['delete pods/demo-scheduler']])
    const gone = world({scheduler: undefined, groups: [{group: makeGroup(), pods: []}]})
    expect(planCluster(of, gone, NOW).stages).toEqual([])
    expect(claim(of, gone, 'Suspended')).toMatch(/^True Suspended/)
  })
  it('keeps it for the hooks of workers that are ending, and not for one that is overdue', () => {
    const ending = (deletionTimestamp: string) => makePod('a', makeGroup(), RUNNING, {deletionTimestamp})
    const plan = (deletionTimestamp: string) =>
      planCluster(of, world({groups: [{group: makeGroup(), pods: [ending(deletionTimestamp)]}]}), NOW)
    expect(plan(ago(-20))).toMatchObject({stages: [], wakeAfter: 20_000})
    expect(told(plan(ago(1)).stages)).toEqual([['delete pods/demo-scheduler']])
  })
  it('gets a scheduler again when it is resumed, and has lost none', () => {
    const conditions = planCluster(of, world({scheduler: undefined}), NOW).status?.conditions ?? []
    const resumed = {...cluster, status: {phase: 'Pending' as const, conditions}}
    const gone = world({scheduler: undefined, groups: [{group: makeGroup(), pods: []}]})
    expect(told(planCluster(resumed, gone, NOW).stages)).toEqual([['create pods/demo-scheduler']])
    expect(claim(resumed, gone, 'SchedulerReady')).toMatch(/^False Starting/)
  })
})

describe('a scheduler on a lost node', () => {
  const leaving = schedulerOf(cluster, {deletionTimestamp: ago(60)})
  it('is looked at again while nobody knows', () => {
    const plan = planCluster(cluster, world({scheduler: leaving}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBe(10_000)
  })
  it('is removed by force, and the cluster says so', () => {
    const given = world({scheduler: leaving, lostNode: 'node n1 is marked out of service'})
    expect(at<Delete>(planCluster(cluster, given, NOW).stages, 0, 0)).toMatchObject({
      do: 'delete',
      gracePeriodSeconds: 0,
      uid: 'uid-demo-scheduler',
    })
    expect(claim(cluster, given, 'SchedulerReady')).toMatch(/^False NodeLost: demo-scheduler: node n1 is marked out of service/)
  })
  it('is removed by force from a suspended cluster too, which would never be done otherwise', () => {
    const suspended = changed({}, {suspend: true})
    const given = world({scheduler: leaving, groups: [{group: makeGroup(), pods: []}]})
    expect(planCluster(suspended, given, NOW)).toMatchObject({stages: [], wakeAfter: 10_000})
    const plan = planCluster(suspended, {...given, lostNode: 'node n1 does not exist any more'}, NOW)
    expect(at<Delete>(plan.stages, 0, 0)).toMatchObject({do: 'delete', gracePeriodSeconds: 0, uid: 'uid-demo-scheduler'})
  })
  it('is left there, and the cluster served, where nodes may not be read', async () => {
    const refusing = (status: number) =>
      ({get: () => Promise.reject(new KubeError(status, 'Forbidden', 'nodes "n1" is forbidden'))}) as unknown as KubeClient
    const find = (status: number) => createFindLostNode(refusing(status))(leaving, NOW, new AbortController().signal)
    expect(await find(403)).toBeUndefined()
    await expect(find(500)).rejects.toThrow('forbidden')
  })
  const node = (status: 'True' | 'False' | 'Unknown', since: number, taints: readonly string[] = []): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {name: 'n1'},
    spec: {taints: taints.map((key) => ({key, effect: 'NoExecute'}))},
    status: {conditions: [{type: 'Ready', status, lastTransitionTime: ago(since)}]},
  })
  it.each<[string, Node | undefined, boolean]>([
    ['has gone', undefined, true],
    ['is ready', node('True', 1000), false],
    ['has not been ready for a minute', node('Unknown', 60), false],
    ['has not been ready for longer than the pod tolerates', node('Unknown', 301), true],
    ['is out of service', node('Unknown', 1, ['node.kubernetes.io/out-of-service']), true],
  ])('is one whose node %s: %#', (_, found, isLost) => {
    expect(lostBecause(found, leaving, NOW) !== undefined).toBe(isLost)
  })
  it('waits as long as the pod’s own tolerations say', () => {
    const tolerant = {...leaving, spec: {...leaving.spec, tolerations: [{key: 'node.kubernetes.io/unreachable', tolerationSeconds: 3600}]}}
    expect(lostBecause(node('Unknown', 301), tolerant, NOW)).toBeUndefined()
  })
})
