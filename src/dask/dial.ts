/** Ways to reach a scheduler or worker: straight, or through the API server. */
import {connect} from 'node:net'
import type {Duplex} from 'node:stream'
import type {KubeClient} from '../kube/client.ts'
import {openPortForward} from '../kube/port-forward.ts'
import {within} from './comm.ts'

/** Opens a connection to a port of one place. */
export type Dial = (port: number, signal?: AbortSignal) => Promise<Duplex>

const CONNECT_TIMEOUT_MS = 2_000

export const directDial =
  (host: string): Dial =>
  (port, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const socket = connect({host, port})
      // Not by connect's own option: its listener stays on the signal when the connection has ended, and the signal may last for months.
      const abort = (): void => void socket.destroy(signal?.reason)
      signal?.addEventListener('abort', abort, {once: true})
      socket.once('close', () => signal?.removeEventListener('abort', abort))
      const timer = setTimeout(() => socket.destroy(new Error(`${host}:${port} does not answer`)), CONNECT_TIMEOUT_MS)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.setNoDelay(true)
        resolve(socket)
      })
      socket.once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
    })

/** One forwarded connection to a pod of that name. */
export const forwardDial =
  (client: KubeClient, namespace: string, pod: string): Dial =>
  (port, signal) =>
    openPortForward(client, {namespace, pod, port, ...(signal && {signal})})

/** A connection that is there in time; one that comes later is ended. */
export async function dialWithin(timeoutMs: number, dial: Dial, port: number, signal?: AbortSignal): Promise<Duplex> {
  const opening = dial(port, signal)
  try {
    return await within(timeoutMs, opening, `no connection to port ${port}`)
  } catch (error) {
    opening.then(
      (stream) => stream.destroy(),
      () => undefined,
    )
    throw error
  }
}

/** Tries the ways in order and goes on with the one that worked, until it fails. */
export function firstDial(ways: readonly Dial[]): Dial {
  let known: Dial | undefined
  return async (port, signal) => {
    let failure: unknown
    for (const way of known ? [known, ...ways.filter((each) => each !== known)] : ways) {
      try {
        const stream = await way(port, signal)
        known = way
        return stream
      } catch (error) {
        signal?.throwIfAborted()
        failure ??= error
      }
    }
    throw failure
  }
}
