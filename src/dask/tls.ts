/** Dask's protocol inside TLS: the same frames, and each side shows a certificate of the cluster's authority. */
import type {Duplex} from 'node:stream'
import {connect, createSecureContext, type SecureContext} from 'node:tls'
import type {Dial} from './dial.ts'

/** What a client of a cluster holds; PEM. */
export interface TlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const HANDSHAKE_MS = 2_000

/**
 * Connections on which both sides have shown that they belong to the cluster. `identity` is asked for each of them. Names are not checked, as Dask
 * itself does not: its processes know each other by addresses of pods, which no certificate can name.
 * A scheduler that does not trust us may say so only when the connection is first read.
 */
export const tlsDial =
  (dial: Dial, identity: () => Promise<TlsIdentity>): Dial =>
  async (port, signal) => {
    const secureContext = contextOf(await identity())
    return await handshake(await dial(port, signal), secureContext)
  }

/** Before anything is dialled, which would be left open where the certificate is none. */
const contextOf = ({ca, cert, key}: TlsIdentity): SecureContext => {
  try {
    return createSecureContext({ca, cert, key})
  } catch (error) {
    throw new Error(`the certificate cannot be used: ${error instanceof Error ? error.message : String(error)}`, {cause: error})
  }
}

const handshake = (socket: Duplex, secureContext: SecureContext): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const stream = connect({socket, secureContext, checkServerIdentity: () => undefined})
    const timer = setTimeout(() => stream.destroy(new Error('it does not answer in TLS')), HANDSHAKE_MS)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(new Error(`no TLS connection: ${error.message}`, {cause: error}))
    }
    // It stays: until somebody listens, a connection that breaks is nobody's error.
    stream.on('error', fail)
    stream.once('close', () => fail(new Error('the other side has closed the connection')))
    stream.once('secureConnect', () => {
      clearTimeout(timer)
      resolve(stream)
    })
  })
