import {type Pod, SECRETS, type Secret} from '../api/core.ts'
import type {Ref} from '../api/object.ts'
import {TLS_KEYS, tlsSecretOf} from '../api/tls.ts'
import type {KubeClient} from '../kube/client.ts'
import type {Dial} from './dial.ts'
import {type TlsIdentity, tlsDial} from './tls.ts'

/** What of a cluster's Secret lets one in; rejects with the key that it does not have. */
export const identityOf = (secret: Secret): TlsIdentity => {
  const [ca = '', cert = '', key = ''] = TLS_KEYS.map((name) => {
    const value = secret.data?.[name]
    if (!value) throw new Error(`Secret "${secret.metadata.name}" has no ${name}`)
    return Buffer.from(value, 'base64').toString()
  })
  return {ca, cert, key}
}

/** Rejects in the API server's words where the Secret is not there, or may not be read. */
export const readIdentity = async (client: KubeClient, ref: Ref, signal: AbortSignal): Promise<TlsIdentity> =>
  identityOf(await client.get(SECRETS, ref, {signal}))

const READ_MS = 5_000
/** It may be renewed, or another authority put in its place. */
const KEPT_MS = 10 * 60_000

/**
 * Makes ways to a cluster's pods ways for Dask's own protocol: inside TLS where its scheduler was given a certificate, which is read once for all of
 * them, and again after it did not let one in.
 */
export function daskDial(client: KubeClient, scheduler: Pod): (dial: Dial) => Dial {
  const name = tlsSecretOf(scheduler)
  if (name === undefined) return (dial) => dial
  const {namespace} = scheduler.metadata
  const ref = {name, ...(namespace !== undefined && {namespace})}
  let known: {readonly identity: Promise<TlsIdentity>; readonly at: number} | undefined
  const identity = (): Promise<TlsIdentity> => {
    const now = performance.now()
    if (!known || now - known.at > KEPT_MS) known = {identity: readIdentity(client, ref, AbortSignal.timeout(READ_MS)), at: now}
    return known.identity
  }
  return (dial) => async (port, signal) => {
    let unreached: unknown
    const way: Dial = (...to) =>
      dial(...to).catch((error: unknown) => {
        unreached = error
        throw error
      })
    try {
      return await tlsDial(way, identity)(port, signal)
    } catch (error) {
      // Where nobody was reached, the certificate is as good as before.
      if (error !== unreached) known = undefined
      throw error
    }
  }
}
