/** One pod on this node: its volumes, its containers in order, and its status as the API server should see it. */
import {mkdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {PODS, type Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing, isNotFound} from '../../kube/errors.ts'
import {type ContainerRunner, createContainer, graceOf, type PodGround} from './container.ts'
import {isMendable} from './environment.ts'
import {isSidecar} from './sidecar.ts'
import {freshRecord, podStatus} from './status.ts'
import {makeVolumes} from './volumes.ts'

export interface PodRunner {
  readonly uid: string
  readonly pod: Pod
  readonly ip: string
  containers(): readonly ContainerRunner[]
  container(name: string): ContainerRunner | undefined
  /** So many seconds from its start on it may run: then it is ended as by a deletion, and stays with its logs. May be called anew. */
  limit(seconds: number | undefined): void
  /** Ends the pod within its grace period, then lets the API server forget it. Further calls wait for the first. */
  terminate(graceMs: number): Promise<void>
  /** Ends its processes at once; the API server is not told. */
  kill(): Promise<void>
}

export interface PodOptions {
  readonly pod: Pod
  readonly client: KubeClient
  readonly ip: string
  readonly directory: string
  /** Where what persistent volume claims hold lies. */
  readonly claims: string
  readonly python: string
  readonly environment: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

export function startPod(options: PodOptions): PodRunner {
  const {pod, client, ip, directory, claims, python, environment, log} = options
  const uid = pod.metadata.uid ?? ''
  const life = new AbortController()
  const startTime = pod.status?.startTime ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  let init: readonly ContainerRunner[] = []
  let main: readonly ContainerRunner[] = []
  let trouble: string | undefined
  let isOverdue = false
  let isTerminated = false

  const status = () => {
    const broken = (name: string, image = '') => ({
      ...freshRecord(name, image),
      ...(trouble !== undefined && {state: {waiting: {reason: 'CreateContainerConfigError', message: trouble}}}),
    })
    const containers = main.length > 0 ? main.map((each) => each.record()) : pod.spec.containers.map(({name, image}) => broken(name, image))
    return podStatus(pod, {init: init.map((each) => each.record()), containers, podIP: ip, startTime, isOverdue, isTerminated}, startTime)
  }
  const publisher = createPublisher(client, pod, status, log, life.signal)

  const prepare = async (): Promise<PodGround | undefined> => {
    for (;;) {
      try {
        await mkdir(join(directory, 'tmp'), {recursive: true})
        const volumes = await makeVolumes({client, pod, podIP: ip, directory: join(directory, 'volumes'), claims})
        trouble = undefined
        return {pod, client, ip, directory, python, environment, volumes, signal: life.signal}
      } catch (error) {
        if (life.signal.aborted) return undefined
        if (!isMendable(error)) throw error
        trouble = error.message
        publisher.changed()
        await pause(2_000, undefined, {signal: life.signal}).catch(() => {})
        if (life.signal.aborted) return undefined
      }
    }
  }

  const run = async (): Promise<void> => {
    publisher.changed()
    const ground = await prepare()
    if (!ground) return
    const onChange = publisher.changed
    init = (pod.spec.initContainers ?? []).map((spec) =>
      createContainer(ground, spec, {role: isSidecar(spec) ? 'sidecar' : 'init', onChange}),
    )
    main = pod.spec.containers.map((spec) => createContainer(ground, spec, {role: 'main', onChange}))
    const sidecars: Promise<unknown>[] = []
    if (await initialise(sidecars)) await Promise.all(main.map((container) => container.run()))
    // By their grace period, whatever ended the others: a job is done when its own containers are.
    if (!life.signal.aborted) await stopSidecars(graceOf(pod))
    await Promise.all(sidecars)
  }

  /** One after another; a sidecar runs on, its promise among `sidecars`. `false`: one has failed for good, or the pod was ended. */
  const initialise = async (sidecars: Promise<unknown>[]): Promise<boolean> => {
    for (const container of init) {
      if (isSidecar(container.spec)) {
        const running = container.run()
        sidecars.push(running)
        await Promise.race([container.started, running])
        if (life.signal.aborted) return false
      } else {
        const ended = await container.run()
        if (ended?.exitCode !== 0) return false
      }
    }
    return true
  }

  /** The last one first, each when the one after it has ended. */
  const stopSidecars = async (graceMs: number): Promise<void> => {
    const deadline = performance.now() + graceMs
    for (const container of init.toReversed())
      if (isSidecar(container.spec)) await container.stop(Math.max(0, deadline - performance.now()))
  }

  let failure: unknown
  const running = run()
    .catch((error: unknown) => {
      failure = error
      if (!life.signal.aborted)
        log(`pod ${pod.metadata.namespace}/${pod.metadata.name}: ${error instanceof Error ? error.message : String(error)}`)
    })
    .finally(() => publisher.changed())

  const all = (): readonly ContainerRunner[] => [...init, ...main]
  const end = async (graceMs: number): Promise<void> => {
    life.abort()
    const deadline = performance.now() + graceMs
    const others = [...init.filter(({spec}) => !isSidecar(spec)), ...main]
    await Promise.all(others.map((container) => container.stop(graceMs)))
    await stopSidecars(Math.max(0, deadline - performance.now()))
    await running
    void failure
  }
  const deadline = createDeadline(startTime, async () => {
    const {phase} = status()
    if (phase === 'Succeeded' || phase === 'Failed') return
    await end(graceOf(pod)).catch((error: unknown) => log(`pod ${pod.metadata.namespace}/${pod.metadata.name} at its deadline: ${error}`))
    isOverdue = true
    publisher.changed()
  })
  deadline.set(pod.spec.activeDeadlineSeconds)
  let ending: Promise<void> | undefined
  return {
    uid,
    pod,
    ip,
    containers: all,
    container: (name) => all().find(({spec}) => spec.name === name),
    limit: deadline.set,
    terminate: (graceMs) => {
      deadline.set(undefined)
      ending ??= (async () => {
        await end(graceMs)
        isTerminated = true
        publisher.changed()
        await publisher.flush()
        await client.delete(PODS, pod.metadata, {uid, gracePeriodSeconds: 0}).catch(ifMissing(undefined))
        await rm(directory, {recursive: true, force: true})
      })()
      return ending
    },
    kill: async () => {
      deadline.set(undefined)
      await end(0)
      publisher.stop()
      await rm(directory, {recursive: true, force: true})
    },
  }
}

/** What a timer can be told at most. */
const LONGEST_MS = 2 ** 31 - 1

/** Calls once so many seconds have passed since a time, which may be set anew until then. Source: PodSpec.activeDeadlineSeconds. */
const createDeadline = (since: string, onPassed: () => Promise<void>) => {
  let timer: NodeJS.Timeout | undefined
  const set = (seconds: number | undefined): void => {
    clearTimeout(timer)
    if (seconds === undefined) return
    const leftMs = Date.parse(since) + seconds * 1000 - Date.now()
    timer = setTimeout(() => (leftMs > LONGEST_MS ? set(seconds) : void onPassed()), Math.min(Math.max(0, leftMs), LONGEST_MS))
  }
  return {set}
}

interface Publisher {
  readonly changed: () => void
  /** Resolves when the newest status is written. */
  flush(): Promise<void>
  stop(): void
}

/** Writes the status when it has changed, one write at a time; what changes meanwhile goes with the next one. */
const createPublisher = (
  client: KubeClient,
  pod: Pod,
  status: () => object,
  log: (line: string) => void,
  signal: AbortSignal,
): Publisher => {
  let written = ''
  let stopped = false
  let isDue = false
  let writing: Promise<void> | undefined
  /** Transition times stay what they were while a condition keeps its status. */
  let last: object = pod
  const write = async (): Promise<void> => {
    while (isDue && !stopped) {
      isDue = false
      const next = keepTimes(last, status())
      const text = JSON.stringify(next)
      if (text === written) continue
      try {
        await client.patch(PODS, pod.metadata, {metadata: {uid: pod.metadata.uid}, status: next}, {type: 'merge', subresource: 'status'})
        written = text
        last = {status: next}
      } catch (error) {
        if (isNotFound(error) || stopped) return
        log(`status of pod ${pod.metadata.namespace}/${pod.metadata.name}: ${error instanceof Error ? error.message : String(error)}`)
        isDue = true
        await pause(500, undefined, {signal}).catch(() => {})
        if (signal.aborted) return
      }
    }
  }
  const changed = (): void => {
    isDue = true
    writing ??= write().finally(() => {
      writing = undefined
      if (isDue && !stopped && !signal.aborted) changed()
    })
  }
  return {
    changed,
    flush: async () => {
      changed()
      await writing
    },
    stop: () => {
      stopped = true
    },
  }
}

interface WithConditions {
  readonly conditions?: readonly {readonly type: string; readonly status: string; readonly lastTransitionTime?: string}[]
}

const keepTimes = (before: object, next: object): object => {
  const old = (before as {readonly status?: WithConditions}).status?.conditions ?? []
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    ...next,
    conditions: ((next as WithConditions).conditions ?? []).map((condition) => ({
      ...condition,
      lastTransitionTime: old.find(({type, status}) => type === condition.type && status === condition.status)?.lastTransitionTime ?? now,
    })),
  }
}
