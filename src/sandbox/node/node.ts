/** The process node: a kubelet, a scheduler and a service proxy for one machine, over any API server. */
import {randomInt} from 'node:crypto'
import {mkdir, rm, writeFile} from 'node:fs/promises'
import {availableParallelism, totalmem} from 'node:os'
import {dirname, join} from 'node:path'
import {isSea} from 'node:sea'
import {NODES, type Node, PODS, type Pod, SERVICES, type Service} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict, isNotFound} from '../../kube/errors.ts'
import type {Informer, StartInformer} from '../../kube/informer.ts'
import {withoutManagedFields} from '../../kube/store.ts'
import {SITECUSTOMIZE} from '../python/sitecustomize.ts'
import {startKubelet} from './kubelet.ts'
import {watchMemory} from './memory.ts'
import {OWN_ADDRESS} from './own-address.ts'
import {type PodRunner, startPod} from './pod.ts'
import {createScheduler} from './scheduler.ts'
import {type Capacity, isOver, outlineOf} from './scheduling.ts'
import {startServices} from './services.ts'
import {killLeftOvers, markOf} from './session.ts'

export interface NodeOptions {
  readonly client: KubeClient
  readonly startInformer: StartInformer
  readonly name: string
  /** For pods' files; made anew at each start. */
  readonly directory: string
  /** For what persistent volume claims hold, which stays when the node ends; absent: below `directory`, and goes with it. */
  readonly claims?: string
  /** The interpreter that pods get as `python`, with Dask beside it. */
  readonly python: string
  /** Loopback addresses anywhere, or a range that is local to this network namespace. */
  readonly podAddresses: {readonly kind: 'loopback'} | {readonly kind: 'cidr'; readonly prefix: string}
  readonly capacity?: Partial<Capacity>
  readonly kubelet: {
    readonly address: string
    readonly port?: number
    readonly tls: {readonly cert: string; readonly key: string; readonly clientCa: string}
  }
  readonly log: (line: string) => void
}

export interface ProcessNode {
  readonly name: string
  readonly kubeletPort: number
  /** Ends every pod of this node; nothing of them is left. */
  stop(): Promise<void>
}

/** Processes share the machine's processors, so more pods fit than on a machine of containers; memory is what there is. */
const CPUS_TOLD = 64
/** As a kubelet has it by default, and fewer on a small machine: most pods ask for nothing, and a Dask worker takes 80 MB and a fiftieth of a core at rest. */
const MOST_PODS = 110
const PODS_A_CORE = 32
const POD_BYTES = 128 * 2 ** 20

export const mostPods = (cores: number, memory: number): number => Math.min(MOST_PODS, PODS_A_CORE * cores, Math.floor(memory / POD_BYTES))

export async function startNode(options: NodeOptions): Promise<ProcessNode> {
  const {client, startInformer, name, directory, log, claims = join(directory, 'claims')} = options
  const mark = markOf(directory)
  const killed = await killLeftOvers(mark)
  if (killed > 0) log(`ended ${killed} processes that an earlier node had left behind`)
  await rm(directory, {recursive: true, force: true})
  await mkdir(directory, {recursive: true, mode: 0o700})
  await mkdir(claims, {recursive: true, mode: 0o700})
  const {environment, names} = await makeGround(directory, {python: options.python, mark, server: client.server})
  const capacity: Capacity = {
    cpu: Math.max(CPUS_TOLD, availableParallelism()),
    memory: totalmem(),
    pods: mostPods(availableParallelism(), totalmem()),
    ...options.capacity,
  }

  const life = new AbortController()
  const runners = new Map<string, PodRunner>()
  const addresses = createAddresses(options.podAddresses)
  const kubelet = await startKubelet({
    address: options.kubelet.address,
    tls: options.kubelet.tls,
    ...(options.kubelet.port !== undefined && {port: options.kubelet.port}),
    podOf: (namespace, pod) => [...runners.values()].find(({pod: {metadata}}) => metadata.name === pod && metadata.namespace === namespace),
    log,
  })
  await register(client, name, capacity, options.kubelet.address, kubelet.port)

  const complain = (what: string) => (error: unknown) => {
    if (!life.signal.aborted) log(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }

  const onPod = (before: Pod | undefined, pod: Pod | undefined): void => {
    scheduler.see(before, pod)
    if (pod?.spec.nodeName === name) keep(pod)
  }
  const keep = (pod: Pod): void => {
    const uid = pod.metadata.uid ?? ''
    const runner = runners.get(uid)
    if (pod.metadata.deletionTimestamp !== undefined) {
      const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000
      const ending = runner
        ? runner.terminate(graceMs)
        : client.delete(PODS, pod.metadata, {uid, gracePeriodSeconds: 0}).catch((error: unknown) => {
            if (!isNotFound(error) && !isConflict(error)) throw error
          })
      ending.catch(complain(`pod ${pod.metadata.namespace}/${pod.metadata.name} does not end`))
      return
    }
    runner?.limit(pod.spec.activeDeadlineSeconds)
    if (runner || isOver(pod)) return
    const ip = addresses.take()
    runners.set(
      uid,
      startPod({
        pod,
        client,
        ip,
        directory: join(directory, 'pods', uid),
        claims,
        python: options.python,
        environment: {
          ...environment,
          HOME: join(directory, 'pods', uid),
          TMPDIR: join(directory, 'pods', uid, 'tmp'),
          HOSTNAME: pod.metadata.name,
          SANDBOX_POD_IP: ip,
          SANDBOX_POD_NAMES: names,
          SANDBOX_POD_NAMESPACE: pod.metadata.namespace ?? 'default',
        },
        log,
      }),
    )
  }
  const onGone = (before: Pod | undefined, after: Pod | undefined): void => {
    onPod(before, after)
    if (isEndpoint(before) !== isEndpoint(after)) setImmediate(() => life.signal.aborted || proxy.update(services.list()))
    if (after || !before) return
    const uid = before.metadata.uid ?? ''
    const runner = runners.get(uid)
    runners.delete(uid)
    // Deleted without a grace period: the processes must not outlive the object.
    runner?.kill().then(() => addresses.give(runner.ip), complain(`pod ${before.metadata.name} does not end`))
  }

  const pods: Informer<Pod> = startInformer({
    client,
    kind: PODS,
    signal: life.signal,
    keep: (pod) => (pod.spec.nodeName === name ? withoutManagedFields(pod) : outlineOf(pod)),
    onChange: onGone,
    onError: complain('watching pods'),
  })
  const nodes: Informer<Node> = startInformer({
    client,
    kind: NODES,
    signal: life.signal,
    fieldSelector: `metadata.name=${name}`,
    onChange: () => scheduler.request(),
    onError: complain('watching nodes'),
  })
  const scheduler = createScheduler({
    ...{client, name, capacity, signal: life.signal},
    observe: async () => {
      await Promise.all([pods.synced, nodes.synced])
      return {node: nodes.get({name}), pods: pods.list()}
    },
    onError: complain('binding pods'),
  })

  const proxy = startServices({namesFile: names, address: options.kubelet.address, podsOf: (namespace) => pods.list(namespace), log})
  const services: Informer<Service> = startInformer({
    client,
    kind: SERVICES,
    signal: life.signal,
    onChange: () => proxy.update(services.list()),
    onError: complain('watching services'),
  })
  const endMemoryWatch = watchMemory(() => [...runners.values()].flatMap((runner) => runner.containers()))
  await Promise.all([pods.synced, services.synced, nodes.synced])
  proxy.update(services.list())

  return {
    name,
    kubeletPort: kubelet.port,
    stop: async () => {
      life.abort()
      endMemoryWatch()
      await Promise.all([...runners.values()].map((runner) => runner.kill()))
      proxy.stop()
      await kubelet.stop()
      await killLeftOvers(mark)
      await rm(directory, {recursive: true, force: true, maxRetries: 5})
    },
  }
}

const isEndpoint = (pod: Pod | undefined): boolean =>
  pod?.metadata.deletionTimestamp === undefined &&
  (pod?.status?.conditions?.some(({type, status}) => type === 'Ready' && status === 'True') ?? false)

/** What all pods share: their Python's programs first on the path, the names of services, and nothing of the user's own environment. */
const makeGround = async (
  directory: string,
  {python, mark, server}: {readonly python: string; readonly mark: string; readonly server: string},
) => {
  const bin = join(directory, 'bin')
  const site = join(directory, 'site')
  const names = join(directory, 'names')
  await mkdir(bin, {recursive: true})
  await mkdir(site, {recursive: true})
  await writeFile(join(site, 'sitecustomize.py'), SITECUSTOMIZE)
  await writeFile(names, '')
  for (const program of ['python', 'python3']) {
    // A link would make the interpreter forget its virtual environment.
    await writeFile(join(bin, program), `#!/bin/sh\nexec "${python}" "$@"\n`, {mode: 0o755})
  }
  await writeFile(join(bin, 'dask'), `#!/bin/sh\nexec "${python}" -m dask "$@"\n`, {mode: 0o755})
  // Newer Dask has dropped these two; manifests that still say them run (contract 4.7).
  for (const program of ['scheduler', 'worker'])
    await writeFile(join(bin, `dask-${program}`), `#!/bin/sh\nexec "${python}" -m dask ${program} "$@"\n`, {mode: 0o755})
  // Images of Node.js: the program that runs us is theirs, unless it is this very program and no Node.js.
  if (!isSea()) {
    const ownAddress = join(site, 'own-address.cjs')
    await writeFile(ownAddress, OWN_ADDRESS)
    await writeFile(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" --require "${ownAddress}" "$@"\n`, {mode: 0o755})
  }
  const {hostname, port, protocol} = new URL(server)
  const [name = '', value = ''] = mark.split('=')
  return {
    names,
    environment: {
      [name]: value,
      PATH: [bin, dirname(python), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      PYTHONPATH: site,
      PYTHONUNBUFFERED: '1',
      // Where a program in a pod looks for the API, by the addresses that its own certificate names.
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port || (protocol === 'https:' ? '443' : '80'),
      LANG: process.env['LANG'] ?? 'C.UTF-8',
      ...(process.env['TZ'] && {TZ: process.env['TZ']}),
    },
  }
}

const register = async (client: KubeClient, name: string, capacity: Capacity, address: string, port: number): Promise<void> => {
  const amounts = {cpu: String(capacity.cpu), memory: `${Math.floor(capacity.memory / 1024)}Ki`, pods: String(capacity.pods)}
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {name, labels: {'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux'}},
  }
  try {
    await client.create(NODES, node)
  } catch (error) {
    if (!isConflict(error)) throw error
  }
  const status = {
    capacity: amounts,
    allocatable: amounts,
    addresses: [
      {type: 'InternalIP', address},
      {type: 'Hostname', address: name},
    ],
    daemonEndpoints: {kubeletEndpoint: {Port: port}},
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'KubeletReady',
        message: 'the process node takes pods',
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      },
    ],
    nodeInfo: {
      kubeletVersion: 'v1.37.2',
      operatingSystem: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      osImage: 'process node',
      containerRuntimeVersion: 'process://1',
      kernelVersion: '',
      machineID: '',
      systemUUID: '',
      bootID: '',
      kubeProxyVersion: '',
    },
  }
  await client.patch(NODES, {name}, {status}, {type: 'merge', subresource: 'status'})
  // A real control plane taints what has not reported yet.
  await client.patch(NODES, {name}, {spec: {taints: null}}, {type: 'merge'})
}

interface Addresses {
  take(): string
  give(ip: string): void
}

/** Free addresses, from a random place on: two sandboxes of one machine share the loopback range. */
const createAddresses = (range: NodeOptions['podAddresses']): Addresses => {
  const used = new Set<string>()
  const size = range.kind === 'loopback' ? 2 ** 20 : 2 ** 16
  let next = range.kind === 'loopback' ? randomInt(size) : 2
  const format = (index: number): string =>
    range.kind === 'loopback'
      ? `127.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
      : `${range.prefix}.${(index >> 8) & 255}.${index & 255}`
  return {
    take: () => {
      for (;;) {
        next = (next + 1) % size
        const ip = format(next)
        if ((next & 255) === 0 || (next & 255) === 255 || used.has(ip)) continue
        used.add(ip)
        return ip
      }
    },
    give: (ip) => void used.delete(ip),
  }
}
