import {request as httpRequest} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {connect} from 'node:net'
import type {Container, HttpGet, Probe} from '../../api/core.ts'

export interface ProbeTarget {
  readonly ip: string
  readonly container: Container
  /** Runs a command in the container; resolves with its exit code. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<number>
}

/**
 * Checks again and again, by the probe's times, and tells when the answer has changed by its thresholds.
 * Ends when the returned function is called. Source: Kubernetes, "Configure Probes".
 */
export function startProbe(probe: Probe, target: ProbeTarget, onChange: (ok: boolean) => void): () => void {
  const periodMs = (probe.periodSeconds ?? 10) * 1000
  let ended = false
  let last: boolean | undefined
  let row = 0
  let told: boolean | undefined
  let timer: NodeJS.Timeout
  const check = async (): Promise<void> => {
    const ok = await checkOnce(probe, target)
    if (ended) return
    row = ok === last ? row + 1 : 1
    last = ok
    const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (row >= threshold && told !== ok) {
      told = ok
      onChange(ok)
    }
    if (!ended) timer = setTimeout(run, periodMs)
  }
  const run = (): void => void check()
  timer = setTimeout(run, (probe.initialDelaySeconds ?? 0) * 1000)
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

export const checkOnce = async (probe: Probe, {ip, container, exec}: ProbeTarget): Promise<boolean> => {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  if (probe.exec) return (await exec(probe.exec.command, timeoutMs)) === 0
  if (probe.httpGet) return get(probe.httpGet, ip, container, timeoutMs)
  if (probe.tcpSocket) return opens(probe.tcpSocket.host ?? ip, portNumber(container, probe.tcpSocket.port), timeoutMs)
  return true
}

/** A named port is one of the container's own; `undefined`: it has none of that name, and whoever asks there gets no answer. */
const portNumber = (container: Container, port: number | string): number | undefined => {
  if (typeof port === 'number') return port
  return container.ports?.find(({name}) => name === port)?.containerPort ?? (/^\d+$/.test(port) ? Number(port) : undefined)
}

export const get = async (
  {path = '/', port: named, host, scheme = 'HTTP'}: HttpGet,
  ip: string,
  container: Container,
  timeoutMs: number,
): Promise<boolean> => {
  const port = portNumber(container, named)
  if (port === undefined) return false
  return new Promise((resolve) => {
    const options = {host: host ?? ip, port, path, signal: AbortSignal.timeout(timeoutMs), agent: false}
    const call = scheme === 'HTTPS' ? httpsRequest({...options, rejectUnauthorized: false}) : httpRequest(options)
    call.once('response', (response) => {
      response.resume()
      resolve((response.statusCode ?? 500) >= 200 && (response.statusCode ?? 500) < 400)
    })
    call.once('error', () => resolve(false))
    call.end()
  })
}

const opens = async (host: string, port: number | undefined, timeoutMs: number): Promise<boolean> => {
  if (port === undefined) return false
  return new Promise((resolve) => {
    const socket = connect({host, port})
    const end = (ok: boolean): void => {
      socket.destroy()
      resolve(ok)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
