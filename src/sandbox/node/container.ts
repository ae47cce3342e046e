/** One container of a pod: started, probed, restarted with backoff, ended in order. */
import {mkdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import type {Container, LifecycleHandler, Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {environmentOf, isMendable} from './environment.ts'
import {expand} from './expand.ts'
import {cannotBePulled, failToPull} from './image-pull.ts'
import {lastWordsOf} from './last-words.ts'
import {type LogFile, openLogFile} from './log-file.ts'
import {get, startProbe} from './probe.ts'
import {type ContainerProcess, type Ended, type Launch, startProcess} from './process.ts'
import {parseQuantity} from './quantity.ts'
import {earlierRun, isToRestart, isToRunAnew, type Role} from './restarts.ts'
import {type ContainerRecord, freshRecord} from './status.ts'
import {type MadeVolume, mountsOf} from './volumes.ts'

/** As the kubelet: at once, then 10 s, 20 s … 5 min; a run of ten minutes starts the count anew. */
const BACKOFF = {firstMs: 10_000, mostMs: 300_000, goodRunMs: 600_000} as const
const CONFIG_RETRY_MS = 2_000
/** A hook after the start has no bound of its own in Kubernetes. */
const HOOK_MS = 3_600_000

/** What all containers of a pod share. */
export interface PodGround {
  readonly pod: Pod
  readonly client: KubeClient
  readonly ip: string
  /** The pod's folder. */
  readonly directory: string
  readonly python: string
  /** Variables of the sandbox itself; a container's own come after them. */
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: ReadonlyMap<string, MadeVolume>
  readonly signal: AbortSignal
}

export interface ContainerRunner {
  readonly spec: Container
  record(): ContainerRecord
  log(previous: boolean): LogFile | undefined
  /** The session of the running program, for the memory watch. */
  pid(): number | undefined
  /** Runs until the container has ended for good: by its restart policy, or because it was told to. */
  run(): Promise<Ended | undefined>
  /** Resolves when its program has started for the first time, and its startup probe is content. */
  readonly started: Promise<void>
  /** `preStop`, SIGTERM, and SIGKILL when the grace period is over. */
  stop(graceMs: number): Promise<void>
  /** Killed for what it has used: told as OOMKilled. */
  killForMemory(): Promise<void>
  launch(argv: readonly string[]): Promise<Launch>
}

export function createContainer(
  ground: PodGround,
  spec: Container,
  options: {readonly role: Role; readonly onChange: () => void},
): ContainerRunner {
  const {pod, ip, directory, signal} = ground
  const {role, onChange} = options
  const folder = join(directory, 'containers', spec.name)
  const restarts = {role, policy: role === 'sidecar' ? 'Always' : (pod.spec.restartPolicy ?? 'Always')} as const
  const lastWords = lastWordsOf(spec, folder)
  const hasStarted = Promise.withResolvers<void>()
  const earlier = earlierRun(pod, spec.name)
  let record: ContainerRecord = {
    ...freshRecord(spec.name, spec.image ?? '', role === 'main' ? undefined : 'PodInitializing'),
    ...(role === 'sidecar' && {isSidecar: true}),
    ...(earlier && {restartCount: earlier.restartCount, state: {terminated: earlier.terminated}}),
  }
  let current: ContainerProcess | undefined
  const logs: LogFile[] = []
  const stopping = new AbortController()
  let outOfMemory = false

  const update = (changes: Partial<ContainerRecord>): void => {
    record = {...record, ...changes, ...(changes.started && {hasStarted: true})}
    if (changes.started) hasStarted.resolve()
    onChange()
  }

  /** What the container was started with: all that runs in it later sees the same, whatever has become of the ConfigMaps since. */
  let started: {readonly variables: ReadonlyMap<string, string>; readonly mounts: Launch['mounts']} | undefined
  const start = async (): Promise<NonNullable<typeof started>> => ({
    variables: await environmentOf(ground.client, pod, spec, ip),
    mounts: [...(await mountsOf(spec, ground.volumes)), ...(await lastWords.place())],
  })

  const launch = async (argv: readonly string[]): Promise<Launch> => {
    const {variables, mounts} = (current && started) ?? (await start())
    if (!current) started = {variables, mounts}
    const limits = spec.resources?.limits
    const cpu = parseQuantity(limits?.['cpu'])
    const memory = parseQuantity(limits?.['memory'])
    const root = join(folder, 'root')
    await mkdir(root, {recursive: true})
    return {
      python: ground.python,
      argv: argv.map((word) => expand(word, variables)),
      cwd: spec.workingDir ?? directory,
      env: {...ground.environment, ...Object.fromEntries(variables)},
      mounts,
      root,
      ...(cpu !== undefined && {cpus: Math.max(1, Math.ceil(cpu))}),
      ...(memory !== undefined && {memory: Math.floor(memory)}),
    }
  }

  const exec = async (command: readonly string[], timeoutMs: number): Promise<number> => {
    const running = startProcess(await launch(command))
    running.stdout.resume()
    running.stderr.resume()
    const timer = setTimeout(() => void running.kill(), timeoutMs)
    const {exitCode} = await running.ended
    clearTimeout(timer)
    return exitCode
  }

  /** One run of the program, from its start to its end; `undefined` where the container was stopped before it began. */
  const runOnce = async (): Promise<Ended | undefined> => {
    const argv = [...(spec.command ?? []), ...(spec.args ?? [])]
    if (argv.length === 0)
      return failed('StartError', 'no command specified: the sandbox has no images, so command or args must say what runs')
    const start = await launch(argv)
    // Whoever stopped it meanwhile found no process to end: none may begin any more.
    if (stopping.signal.aborted || signal.aborted) return undefined
    const running = startProcess(start)
    const log = openLogFile(join(folder, `${record.restartCount}.log`))
    logs.push(log)
    log.attach(running.stdout)
    log.attach(running.stderr)
    current = running
    const startedAt = seconds()
    if (!(await greet(running))) await end(running, graceOf(pod))
    update({
      state: {running: {startedAt}},
      containerID: `process://${running.pid}`,
      started: !spec.startupProbe,
      ready: !spec.readinessProbe && !spec.startupProbe,
    })
    const probes = watchProbes(running)
    const ended = await running.ended
    for (const stop of probes) stop()
    current = undefined
    log.end()
    const message = ended.failure?.message ?? (await lastWords.read(ended.exitCode, log))
    const reason = ended.failure?.reason ?? (outOfMemory ? 'OOMKilled' : ended.exitCode === 0 ? 'Completed' : 'Error')
    outOfMemory = false
    const {exitCode, signal: number} = ended
    update({
      ready: false,
      started: false,
      state: {
        terminated: {
          exitCode,
          reason,
          startedAt,
          finishedAt: seconds(),
          ...(number !== undefined && {signal: number}),
          ...(message !== undefined && {message}),
          ...(record.containerID !== undefined && {containerID: record.containerID}),
        },
      },
    })
    return ended
  }

  /** The `postStart` hook, before which the container does not count as running. `false`: it has failed, which ends the container. */
  const greet = async (running: ContainerProcess): Promise<boolean> => {
    const {postStart} = spec.lifecycle ?? {}
    if (!postStart) return true
    const greeted = hook(postStart, HOOK_MS).then(
      () => true,
      () => false,
    )
    return Promise.race([greeted, running.ended.then(() => true)])
  }

  const watchProbes = (running: ContainerProcess): (() => void)[] => {
    const stops: (() => void)[] = []
    const target = {ip, container: spec, exec}
    const others = (): void => {
      if (spec.readinessProbe) stops.push(startProbe(spec.readinessProbe, target, (ready) => update({ready})))
      else update({ready: true})
      if (spec.livenessProbe) stops.push(startProbe(spec.livenessProbe, target, (isAlive) => isAlive || void end(running, graceOf(pod))))
    }
    if (!spec.startupProbe) others()
    else
      stops.push(
        startProbe(spec.startupProbe, target, (hasStarted) => {
          if (!hasStarted) return void end(running, graceOf(pod))
          update({started: true})
          others()
        }),
      )
    return stops
  }

  const end = async (running: ContainerProcess, graceMs: number): Promise<void> => {
    const deadline = performance.now() + graceMs
    const {preStop} = spec.lifecycle ?? {}
    // A hook that cannot be run is no reason to go on running: the kubelet ends the container all the same.
    if (preStop && graceMs > 0) await Promise.race([hook(preStop, graceMs).catch(() => undefined), running.ended])
    running.signal('SIGTERM')
    const left = Math.max(0, deadline - performance.now())
    const timer = new AbortController()
    await Promise.race([running.ended, pause(left, undefined, {signal: timer.signal}).catch(() => {})])
    timer.abort()
    await running.kill()
    await running.ended
  }

  const hook = async ({exec: command, sleep, httpGet}: LifecycleHandler, graceMs: number): Promise<void> => {
    if (command) {
      const exitCode = await exec(command.command, graceMs)
      if (exitCode !== 0) throw new Error(`the hook ended with exit code ${exitCode}`)
    }
    if (sleep) await pause(Math.min(sleep.seconds * 1000, graceMs))
    if (httpGet) await get(httpGet, ip, spec, graceMs)
  }

  return {
    spec,
    record: () => record,
    log: (previous) => logs.at(previous ? -2 : -1),
    pid: () => current?.pid,
    launch,
    started: hasStarted.promise,
    run: async () => {
      if (earlier) {
        const {terminated, restartCount} = earlier
        if (!isToRunAnew(restarts, earlier)) return {exitCode: terminated.exitCode}
        update({state: {waiting: {reason: 'ContainerCreating'}}, lastState: {terminated}, restartCount: restartCount + 1})
      }
      let backoffMs = 0
      for (;;) {
        if (stopping.signal.aborted || signal.aborted) return undefined
        if (cannotBePulled(spec.image)) {
          await failToPull(spec.image, (waiting) => update({state: {waiting}}), stopping.signal)
          return undefined
        }
        const began = performance.now()
        let ended: Ended | undefined
        try {
          await mkdir(folder, {recursive: true})
          ended = await runOnce()
        } catch (error) {
          if (!isMendable(error)) throw error
          // Mended by whoever makes the missing object: tried again without an end, as the kubelet does.
          update({state: {waiting: {reason: 'CreateContainerConfigError', message: error.message}}})
          // Ends with the container too: the loop asks why.
          await pause(CONFIG_RETRY_MS, undefined, {signal: stopping.signal}).catch(() => {})
          continue
        }
        if (!ended) return undefined
        if (ended.failure?.reason === 'StartError' && record.state.terminated === undefined)
          update({
            state: {
              terminated: {
                exitCode: 128,
                reason: 'StartError',
                message: ended.failure.message,
                startedAt: seconds(),
                finishedAt: seconds(),
              },
            },
          })
        if (!isToRestart(restarts, ended.exitCode) || stopping.signal.aborted || signal.aborted) return ended
        if (performance.now() - began > BACKOFF.goodRunMs) backoffMs = 0
        const lastState = record.state
        if (backoffMs > 0)
          update({
            lastState,
            state: {
              waiting: {
                reason: 'CrashLoopBackOff',
                message: `back-off ${backoffMs / 1000}s restarting failed container=${spec.name} pod=${pod.metadata.name}_${pod.metadata.namespace}`,
              },
            },
          })
        await pause(backoffMs, undefined, {signal: stopping.signal}).catch(() => {})
        if (stopping.signal.aborted) {
          update({state: lastState})
          return ended
        }
        backoffMs = Math.min(BACKOFF.mostMs, Math.max(BACKOFF.firstMs, backoffMs * 2))
        record = {...record, lastState, restartCount: record.restartCount + 1}
      }
    },
    stop: async (graceMs) => {
      stopping.abort()
      if (current) await end(current, graceMs)
      await rm(join(folder, 'root'), {recursive: true, force: true})
    },
    killForMemory: async () => {
      outOfMemory = true
      await current?.kill()
    },
  }
}

const failed = (reason: string, message: string): Ended => ({exitCode: 128, failure: {reason, message}})

export const graceOf = (pod: Pod): number => (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000

const seconds = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
