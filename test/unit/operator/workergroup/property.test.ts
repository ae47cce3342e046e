import fc from 'fast-check'
import {expect, it} from 'vitest'
import type {Pod} from '../../../../src/api/core.ts'
import type {DaskWorkerGroup} from '../../../../src/api/dask.ts'
import {workerTarget} from '../../../../src/api/revision.ts'
import type {Create, Delete, Patch} from '../../../../src/operator/engine/contract.ts'
import {planGroup} from '../../../../src/operator/workergroup/plan.ts'
import type {GroupWorld, Retire, Retirement, SchedulerView} from '../../../../src/operator/workergroup/world.ts'
import {endedWith, makeCluster, makeGroup, makePod, NOW, PENDING, RUNNING, runningSince} from '../objects.ts'

const cluster = makeCluster()
const scheduler = makePod('demo-scheduler', cluster, runningSince(100))
const REVISION = 'kubernetes.dask.org/revision'
const RETIRING = 'kubernetes.dask.org/retiring'
const isMarked = (pod: Pod): boolean => pod.metadata.annotations?.[RETIRING] !== undefined
const isEnded = (pod: Pod): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'

interface Sim {
  readonly pods: Map<string, Pod>
  readonly connected: Set<string>
  readonly retirements: Map<string, Retirement>
  now: number
  made: number
}

const podArbitrary = fc.record({
  state: fc.constantFrom('pending', 'connected', 'unconnected', 'failed', 'succeeded'),
  isMarked: fc.boolean(),
  image: fc.constantFrom('old', 'new', undefined),
})

const STATUS = {pending: PENDING, connected: RUNNING, unconnected: RUNNING, failed: endedWith(1), succeeded: endedWith(0)} as const

/** The group after an edit of its image. */
const groupOf = (replicas: number, image: string): DaskWorkerGroup => {
  const made = makeGroup(replicas)
  return {...made, spec: {...made.spec, worker: {...made.spec.worker, spec: {containers: [{name: 'worker', image}]}}}}
}
const revisionFor = (image: string): string => workerTarget(groupOf(1, image), cluster).revision

const start = (made: readonly {readonly state: string; readonly isMarked: boolean; readonly image: string | undefined}[]): Sim => {
  const names = made.map((_, index) => `w${index}`)
  return {
    pods: new Map(
      made.map(({state, isMarked: mark, image}, index) => {
        const annotations = {
          ...(mark && {[RETIRING]: '2026-11-23T11:00:00Z'}),
          ...(image !== undefined && {[REVISION]: revisionFor(image)}),
        }
        return [`w${index}`, makePod(`w${index}`, makeGroup(), STATUS[state as keyof typeof STATUS], {annotations})]
      }),
    ),
    connected: new Set(names.filter((_, index) => made[index]?.state === 'connected')),
    retirements: new Map(),
    now: NOW,
    made: 0,
  }
}

const viewOf = (sim: Sim, mood: 'answers' | 'silent'): SchedulerView => {
  if (mood === 'silent') return {is: 'unreachable', message: 'timed out'}
  const names = [...sim.pods.keys()]
  return {
    is: 'answered',
    connected: new Map([...sim.connected].filter((name) => sim.pods.has(name)).map((name) => [name, [{address: name, status: 'running'}]])),
    order: names
      .toSorted((one, other) => Number(sim.connected.has(one)) - Number(sim.connected.has(other)))
      .map((name) => ({name, reason: 'idle'})),
  }
}

/** Carries one plan out, as far as a crash lets it; what the kubelet and the scheduler do comes between. */
const step = (
  sim: Sim,
  {
    replicas,
    image,
    mood,
    actions,
  }: {readonly replicas: number; readonly image: string; readonly mood: 'answers' | 'silent'; readonly actions: number},
): number => {
  const world: GroupWorld = {
    cluster,
    scheduler,
    pods: [...sim.pods.values()],
    ids: Array.from({length: 2 * replicas + 1}, (_, index) => `id${sim.made + index}`),
    view: viewOf(sim, mood),
    retirements: new Map(sim.retirements),
    isGoingToZero: replicas === 0,
    former: [],
  }
  const plan = planGroup(groupOf(replicas, image), world, sim.now)
  const all = plan.stages.flat().slice(0, actions)
  for (const action of all) {
    if (action.do === 'create') {
      const {object} = action as Create
      sim.made += 1
      sim.pods.set(
        object.metadata.name,
        makePod(object.metadata.name, makeGroup(), PENDING, {annotations: object.metadata.annotations ?? {}}),
      )
    } else if (action.do === 'delete') {
      const name = (action as Delete).ref.name
      const pod = sim.pods.get(name)
      const hasWork = pod && !isEnded(pod) && sim.connected.has(name)
      expect(hasWork, `${name} is deleted with a connected worker: ${JSON.stringify(action)}`).not.toBe(true)
      sim.pods.delete(name)
    } else if (action.do === 'patch') {
      const {ref, patch} = action as Patch
      const pod = sim.pods.get(ref.name)
      const value = (patch as {metadata: {annotations: Record<string, string | null>}}).metadata.annotations[RETIRING]
      if (pod) {
        const {[RETIRING]: _, ...others} = pod.metadata.annotations ?? {}
        sim.pods.set(ref.name, {...pod, metadata: {...pod.metadata, annotations: {...others, ...(value != null && {[RETIRING]: value})}}})
      }
    } else
      for (const {name, uid} of (action as Retire).pods) {
        const pod = sim.pods.get(name)
        expect(pod && isMarked(pod), `${name} retires without a mark`).toBe(true)
        sim.connected.delete(name)
        sim.retirements.set(uid, {is: 'retired'})
      }
  }
  const unmarked = [...sim.pods.values()].filter((pod) => !isMarked(pod) && !isEnded(pod)).length
  if (all.some((action) => action.do === 'create'))
    expect(unmarked, 'more pods than replicas and surge').toBeLessThanOrEqual(replicas + Math.ceil(replicas / 4))
  return plan.stages.flat().length
}

it('G3: never creates too many, never deletes a connected worker, and comes to rest with exactly the replicas, all of the last spec', () => {
  fc.assert(
    fc.property(
      fc.array(podArbitrary, {maxLength: 12}),
      fc.array(
        fc.record({
          replicas: fc.integer({min: 0, max: 8}),
          image: fc.constantFrom('old', 'new'),
          mood: fc.constantFrom('answers' as const, 'silent' as const),
          actions: fc.integer({min: 0, max: 20}),
          connects: fc.boolean(),
        }),
        {minLength: 1, maxLength: 8},
      ),
      (pods, turns) => {
        const sim = start(pods)
        for (const {connects, ...turn} of turns) {
          step(sim, turn)
          sim.now += 3000
          if (connects) runKubelet(sim)
        }
        const {replicas = 0, image = 'old'} = turns.at(-1) ?? {}
        runKubelet(sim)
        let left = 1
        for (let turn = 0; turn < 60 && left > 0; turn += 1) {
          left = step(sim, {replicas, image, mood: 'answers', actions: 1000})
          runKubelet(sim)
          sim.now += 600_000
        }
        expect(left).toBe(0)
        expect([...sim.pods.values()].filter((pod) => !isMarked(pod) && !isEnded(pod))).toHaveLength(replicas)
        expect([...sim.pods.values()].filter(isMarked)).toEqual([])
        const revisions = [...sim.pods.values()].map((pod) => pod.metadata.annotations?.[REVISION])
        expect(revisions.filter((revision) => revision !== undefined && revision !== revisionFor(image))).toEqual([])
      },
    ),
    {numRuns: 300},
  )
})

/** Pods that wait begin to run, and their workers connect. */
const runKubelet = (sim: Sim): void => {
  for (const [name, pod] of sim.pods) {
    if (pod.status?.phase !== 'Pending') continue
    sim.pods.set(name, {...pod, status: RUNNING})
    sim.connected.add(name)
  }
}
