import {describe, expect, it} from 'vitest'
import type {Secret} from '../../../../src/api/core.ts'
import type {DaskCluster, DaskClusterStatus} from '../../../../src/api/dask.ts'
import {schedulerTarget} from '../../../../src/api/revision.ts'
import {tlsSecretOf} from '../../../../src/api/tls.ts'
import {schedulerPod} from '../../../../src/operator/cluster/parts.ts'
import {planCluster} from '../../../../src/operator/cluster/plan.ts'
import type {ClusterWorld, TlsView} from '../../../../src/operator/cluster/world.ts'
import type {Patch} from '../../../../src/operator/engine/contract.ts'
import {
  ago,
  at,
  endedWith,
  makeCluster,
  makeGroup,
  makePod,
  makeService,
  NO_ACCESSORIES,
  NOW,
  ownedBy,
  RUNNING,
  runningSince,
  told,
} from '../objects.ts'

const safe = (tls: DaskCluster['spec']['tls'] = {auto: true}): DaskCluster => {
  const cluster = makeCluster(2)
  return {...cluster, spec: {...cluster.spec, ...(tls && {tls})}}
}
const secretOf = (annotations: Readonly<Record<string, string>> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {name: 'demo-tls', namespace: 'ns', uid: 'secret-1', resourceVersion: '9', annotations, ownerReferences: [ownedBy(safe())]},
})
const NOTHING: ClusterWorld = {scheduler: undefined, service: undefined, defaultGroup: undefined, groups: [], accessories: NO_ACCESSORIES}
const running = (cluster: DaskCluster, tls: TlsView, status = RUNNING): ClusterWorld => {
  const group = makeGroup(2, {}, cluster)
  const pods = ['a', 'b'].map((id) => makePod(`demo-default-worker-${id}`, group, status))
  const scheduler = {...makePod('demo-scheduler', cluster, status), spec: schedulerPod(cluster).spec}
  return {scheduler, service: makeService(cluster), defaultGroup: group, groups: [{group, pods}], tls, accessories: NO_ACCESSORIES}
}
const condition = (status: DaskClusterStatus | undefined, type: string) => status?.conditions?.find((each) => each.type === type)

describe('a cluster with tls.auto', () => {
  it('gets its Secret before its pods, and says how it is reached', () => {
    const plan = planCluster(safe(), {...NOTHING, tls: {is: 'missing', fresh: secretOf()}}, NOW)
    expect(told(plan.stages)).toEqual([
      ['create secrets/demo-tls'],
      ['create pods/demo-scheduler', 'create services/demo-scheduler', 'create daskworkergroups/demo-default'],
    ])
    expect(plan.status?.schedulerAddress).toBe('tls://demo-scheduler.ns.svc:8786')
  })

  it('makes nothing without the right to Secrets, says who gives it, and looks again', () => {
    const plan = planCluster(safe(), {...NOTHING, tls: {is: 'forbidden', message: 'secrets is forbidden'}}, NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBeGreaterThan(0)
    for (const [type, status] of [
      ['Ready', 'False'],
      ['Degraded', 'True'],
    ] as const)
      expect(condition(plan.status, type)).toMatchObject({
        ...{status, reason: 'SecretsForbidden', message: expect.stringMatching(/operator install --tls.*secrets is forbidden/)},
      })
  })

  it('goes on when the right is taken away while it runs, and says so', () => {
    const plan = planCluster(safe(), running(safe(), {is: 'forbidden', message: 'no'}), NOW)
    expect(plan.stages.flat().filter((action) => action.do === 'delete')).toEqual([])
    expect(condition(plan.status, 'Ready')).toMatchObject({status: 'True'})
    expect(condition(plan.status, 'Degraded')).toMatchObject({status: 'True', reason: 'SecretsForbidden'})
  })

  it('leaves a Secret of its name alone that is not its own', () => {
    const plan = planCluster(safe(), {...NOTHING, tls: {is: 'unfit', message: 'Secret "demo-tls" exists and belongs to nobody'}}, NOW)
    expect(plan.stages).toEqual([])
    expect(condition(plan.status, 'Ready')).toMatchObject({reason: 'CertificateUnfit'})
  })

  it('waits for the Secret of its predecessor to go, without alarm', () => {
    const plan = planCluster(safe(), {...NOTHING, tls: {is: 'leaving'}}, NOW)
    expect(plan.stages).toEqual([])
    expect(condition(plan.status, 'Degraded')).toMatchObject({status: 'False', reason: 'PredecessorLeaves'})
  })

  it('renews in place, and only what it has seen', () => {
    const renewal = {data: {'tls.crt': 'new'}}
    const plan = planCluster(safe(), running(safe(), {is: 'there', secret: secretOf(), renewal}), NOW)
    const [patch] = plan.stages.flat().filter((action): action is Patch => action.do === 'patch' && action.kind.plural === 'secrets')
    expect(patch).toMatchObject({uid: 'secret-1', resourceVersion: '9', patch: renewal})
  })
})

describe('after a renewal', () => {
  const renewed = (seconds: number): TlsView => ({
    is: 'there',
    secret: secretOf({'kubernetes.dask.org/renewed-at': ago(seconds), 'kubernetes.dask.org/former-runs-out-at': '2027-03-01T00:00:00Z'}),
  })
  const restarts = (world: ClusterWorld): readonly Patch['patch'][] =>
    planCluster(safe(), world, NOW)
      .stages.flat()
      .flatMap((action) => (action.do === 'patch' && JSON.stringify(action.patch).includes('restarted-at') ? [action.patch] : []))

  it('workers of before it are replaced, as by a restart of their group, once', () => {
    const world = running(safe(), renewed(30))
    expect(restarts(world)).toEqual([{metadata: {annotations: {'kubernetes.dask.org/restarted-at': ago(30)}}}])
    const told = world.groups.map(({group, pods}) => ({
      group: {
        ...group,
        metadata: {...group.metadata, annotations: {...group.metadata.annotations, 'kubernetes.dask.org/restarted-at': ago(30)}},
      },
      pods,
    }))
    expect(restarts({...world, groups: told})).toEqual([])
  })

  it('those that have begun since, and groups whose owner deletes by hand, are left alone', () => {
    expect(restarts(running(safe(), renewed(30), runningSince(20)))).toEqual([])
    const world = running(safe(), renewed(30))
    const byHand = world.groups.map(({group, pods}) => ({
      group: {...group, spec: {...group.spec, worker: {...group.spec.worker, updateStrategy: {type: 'OnDelete' as const}}}},
      pods,
    }))
    expect(restarts({...world, groups: byHand})).toEqual([])
  })

  it('the scheduler stays, and until when it can is told', () => {
    const plan = planCluster(safe(), running(safe(), renewed(30)), NOW)
    expect(plan.stages.flat().filter((action) => action.do === 'delete')).toEqual([])
    expect(condition(plan.status, 'Progressing')).toMatchObject({
      reason: 'CertificateRunsOut',
      message: expect.stringMatching(/good until 2027-03-01T00:00:00Z.*cluster restart demo/),
    })
    const later = planCluster(safe(), running(safe(), renewed(30), runningSince(20)), NOW)
    expect(condition(later.status, 'Progressing')).toMatchObject({reason: 'Settled'})
  })
})

describe('a cluster with tls.secretName', () => {
  it('waits for a Secret that is not there, and makes none', () => {
    const plan = planCluster(safe({secretName: 'given'}), {...NOTHING, tls: {is: 'missing'}}, NOW)
    expect(plan.stages).toEqual([])
    expect(condition(plan.status, 'Ready')).toMatchObject({reason: 'CertificateMissing', message: expect.stringContaining('"given"')})
  })

  it('mounts that Secret', () => {
    const plan = planCluster(safe({secretName: 'given'}), {...NOTHING, tls: {is: 'there', secret: secretOf()}}, NOW)
    expect(JSON.stringify(at(plan.stages, 0, 0))).toContain('"secretName":"given"')
  })
})

describe('without the certificate that its spec asks for', () => {
  const MISSING: TlsView = {is: 'missing'}
  const given = safe({secretName: 'typo'})
  const recreate: DaskCluster = {...given, spec: {...given.spec, scheduler: {...given.spec.scheduler, updateStrategy: {type: 'Recreate'}}}}
  const restarted: DaskCluster = {
    ...given,
    metadata: {...given.metadata, annotations: {'kubernetes.dask.org/restarted-at': ago(1)}},
  }
  const labelled: DaskCluster = {
    ...given,
    spec: {...given.spec, scheduler: {...given.spec.scheduler, metadata: {labels: {team: 'a'}}}},
  }
  /** A cluster of before TLS was asked for. */
  const earlier = (status = RUNNING, metadata: object = {}): ClusterWorld => {
    const plain = makeCluster(2)
    const annotations = {'kubernetes.dask.org/revision': schedulerTarget(plain).revision}
    return {...running(plain, MISSING), scheduler: makePod('demo-scheduler', plain, status, {annotations, ...metadata})}
  }
  const ofScheduler = (cluster: DaskCluster, world: ClusterWorld): readonly string[] =>
    told(planCluster(cluster, world, NOW).stages)
      .flat()
      .filter((line) => line.endsWith(' pods/demo-scheduler'))

  it.each([
    ['whose spec has changed', recreate],
    ['for which a restart was asked', restarted],
  ])('a scheduler %s runs on, and it is looked again', (_, cluster) => {
    expect(ofScheduler(cluster, earlier())).toEqual([])
    const plan = planCluster(cluster, earlier(), NOW)
    expect(plan.wakeAfter).toBe(10_000)
    expect(condition(plan.status, 'Degraded')).toMatchObject({status: 'True', reason: 'CertificateMissing'})
    const there: TlsView = {is: 'there', secret: secretOf()}
    expect(ofScheduler(cluster, {...earlier(), tls: there})).toEqual(['delete pods/demo-scheduler'])
  })
  it('a scheduler still gets its labels', () => {
    expect(ofScheduler(labelled, earlier())).toEqual(['patch pods/demo-scheduler'])
  })
  it('one that has ended, or whose node is lost, goes, and no other is made', () => {
    expect(ofScheduler(given, earlier(endedWith(1, 3600)))).toEqual(['delete pods/demo-scheduler'])
    const lost = {...earlier(RUNNING, {deletionTimestamp: ago(600)}), lostNode: 'node "a" is gone'}
    expect(ofScheduler(given, lost)).toEqual(['delete pods/demo-scheduler'])
  })
})

it('a scheduler that brings its certificate in a volume of its own speaks TLS like any other', () => {
  const cluster = safe()
  const volumes = [{name: 'dask-tls', csi: {driver: 'csi.cert-manager.io'}}]
  const own: DaskCluster = {
    ...cluster,
    spec: {...cluster.spec, scheduler: {...cluster.spec.scheduler, spec: {...cluster.spec.scheduler.spec, volumes}}},
  }
  const {metadata, ...made} = schedulerPod(own)
  const scheduler = {...made, metadata: {...metadata, ownerReferences: [ownedBy(own)]}, status: RUNNING}
  expect(tlsSecretOf(scheduler)).toBe('demo-tls')
  const world = running(own, {is: 'there', secret: secretOf()})
  expect(planCluster(own, {...world, scheduler}, NOW).status?.schedulerAddress).toMatch(/^tls:/)
})

it('TLS that is switched on is a change like any other: the scheduler of before speaks on as it did', () => {
  const before = makeCluster(2)
  const world = running(before, {is: 'there', secret: secretOf()})
  const annotations = {'kubernetes.dask.org/revision': schedulerTarget(before).revision}
  const scheduler = makePod('demo-scheduler', before, RUNNING, {annotations})
  const plan = planCluster(safe(), {...world, scheduler}, NOW)
  expect(condition(plan.status, 'Progressing')).toMatchObject({reason: 'SchedulerUpdateWaits'})
  expect(plan.status?.schedulerAddress).toMatch(/^tcp:/)
})
