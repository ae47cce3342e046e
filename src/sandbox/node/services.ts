/** Services on one machine: a listener on each cluster IP and port, and on each node port, that hands connections on, and the names that programs look up. */
import {renameSync, writeFileSync} from 'node:fs'
import {connect, createServer, type Server, type Socket} from 'node:net'
import {isDeepStrictEqual} from 'node:util'
import type {Pod, Service, ServicePort} from '../../api/core.ts'
import {backendsOf, targetOf} from '../backends.ts'
import {isDiskFull} from '../failure.ts'

export interface Services {
  /** Makes listeners and names what these services and their ready pods say; to be called when either has changed. */
  update(services: readonly Service[]): void
  stop(): void
}

interface Listener {
  readonly server: Server
  readonly service: Service
}

const RETRY_MS = 1_000

/** Where a port of a service is served. */
interface Way {
  readonly key: string
  readonly host: string
  readonly at: number
  readonly port: ServicePort
}

interface Ground {
  /** Where programs look names up. */
  readonly namesFile: string
  /** The node's own address, for node ports. */
  readonly address: string
  readonly podsOf: (namespace: string) => readonly Pod[]
  readonly log: (line: string) => void
}

export function startServices({namesFile, address, podsOf, log}: Ground): Services {
  const listeners = new Map<string, Listener>()
  const open = new Set<Socket>()
  let services: readonly Service[] = []
  let written = ''
  let retry: NodeJS.Timeout | undefined

  const backends = (service: Service, port: ServicePort): readonly Pod[] =>
    backendsOf(service, port, podsOf(service.metadata.namespace ?? 'default'))

  const serve = (local: Socket, key: string, port: ServicePort): void => {
    const service = services.find((each) => waysTo(each, address).some((way) => way.key === key))
    const ready = service ? backends(service, port) : []
    const pod = ready[Math.floor(Math.random() * ready.length)]
    const target = pod && targetOf(pod, port)
    // Its last endpoint has gone this moment.
    if (!pod?.status?.podIP || target === undefined) return void local.resetAndDestroy()
    const remote = connect({host: pod.status.podIP, port: target})
    for (const socket of [local, remote]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => open.delete(socket))
    }
    local.on('error', () => remote.destroy())
    remote.on('error', () => local.resetAndDestroy())
    local.pipe(remote).pipe(local)
  }

  const listen = ({key, host, at, port}: Way, service: Service): void => {
    const server = createServer((local) => serve(local, key, port))
    server.on('error', (error) =>
      log(`service ${service.metadata.namespace}/${service.metadata.name}: no listener on ${key}: ${error.message}`),
    )
    server.listen(at, host)
    listeners.set(key, {server, service})
  }

  /** Tried again until the disk has room. */
  const tellNames = (names: string): void => {
    clearTimeout(retry)
    if (names === written) return
    try {
      writeFileSync(`${namesFile}.new`, names)
      renameSync(`${namesFile}.new`, namesFile)
      written = names
    } catch (error) {
      if (!isDiskFull(error)) throw error
      log('the names of services cannot be told to pods: the disk is full')
      retry = setTimeout(() => tellNames(names), RETRY_MS)
    }
  }

  return {
    update: (now) => {
      services = now
      // Without an endpoint nobody listens, so that a program is refused and tries again, as kube-proxy has it.
      const wanted = new Map(
        now.flatMap((service) =>
          waysTo(service, address)
            .filter(({port}) => backends(service, port).length > 0)
            .map((way) => [way.key, {service, way}] as const),
        ),
      )
      for (const [key, {server, service}] of listeners) {
        const still = wanted.get(key)
        if (still && still.service.metadata.uid === service.metadata.uid && isDeepStrictEqual(still.service.spec, service.spec)) continue
        server.close()
        listeners.delete(key)
      }
      for (const [key, {service, way}] of wanted) if (!listeners.has(key)) listen(way, service)
      const names = now.flatMap(({metadata, spec}) => {
        const ip = spec.clusterIP && spec.clusterIP !== 'None' ? spec.clusterIP : undefined
        return ip ? [`${metadata.name}.${metadata.namespace} ${ip}\n`] : []
      })
      tellNames(names.join(''))
    },
    stop: () => {
      clearTimeout(retry)
      for (const {server} of listeners.values()) server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

const waysTo = ({spec: {clusterIP, ports = []}}: Service, node: string): readonly Way[] =>
  clusterIP && clusterIP !== 'None'
    ? ports
        .filter(({protocol = 'TCP'}) => protocol === 'TCP')
        .flatMap((port) => [way(clusterIP, port.port, port), ...(port.nodePort ? [way(node, port.nodePort, port)] : [])])
    : []

const way = (host: string, at: number, port: ServicePort): Way => ({key: `${host}:${at}`, host, at, port})
