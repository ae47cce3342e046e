import {X509Certificate} from 'node:crypto'
import {timestamp} from '../../api/conditions.ts'
import {type Pod, SECRETS, type Secret} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {ANNOTATION_RENEWED_AT, ANNOTATION_RUNS_OUT_AT, LABEL_CLUSTER, LABEL_COMPONENT} from '../../api/names.ts'
import {controllerOf, isControlledBy, isOfPredecessor} from '../../api/ownership.ts'
import {isPodReady} from '../../api/pod-state.ts'
import {AUTHORITY_KEY, tlsSecretName} from '../../api/tls.ts'
import {identityOf} from '../../dask/tls-identity.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound, KubeError} from '../../kube/errors.ts'
import {rememberYoungest} from '../engine/youngest.ts'
import {CERTIFICATE_MS, issueAuthority, issueCertificate, type KeyPair} from './certificates.ts'
import {whyReplaced} from './scheduler.ts'
import type {TlsView} from './world.ts'

/** Looks at the Secret of a cluster with `spec.tls`; `undefined` for others. */
export type LookAtTls = (cluster: DaskCluster, pods: readonly Pod[], now: number, signal: AbortSignal) => Promise<TlsView | undefined>

/** With so much of its life left a certificate is renewed: for so long every process may go on with what it has read. */
const RENEW_MS = CERTIFICATE_MS / 3
/** No certificate outlives its authority: near that one's end another would gain nothing, and all workers begin anew for it. */
const LEAST_GAIN_MS = 86_400_000

/**
 * Nobody watches Secrets, so that none but those of clusters with `spec.tls` is ever read, and at rest nothing is asked: one that was found good is
 * read again only while some pod of its cluster is not ready, before its scheduler is replaced, or when it is time to renew it.
 */
export function createLookAtTls(client: KubeClient): LookAtTls {
  const known = new Map<string, Secret>()
  return async (cluster, pods, now, signal) => {
    const {uid = '', namespace} = cluster.metadata
    const name = tlsSecretName(cluster)
    if (name === undefined || cluster.spec.suspend === true) return undefined
    const before = known.get(uid)
    const isAtRest = before?.metadata.name === name && pods.length > 0 && pods.every(isPodReady) && !pods.some(isSchedulerOfBefore(cluster))
    const view = isAtRest ? viewOf(cluster, before, now) : undefined
    if (view?.is === 'there' && !view.renewal) return view
    try {
      const secret = await client.get(SECRETS, {name, ...(namespace !== undefined && {namespace})}, {signal})
      rememberYoungest(known, uid, secret)
      return viewOf(cluster, secret, now)
    } catch (error) {
      known.delete(uid)
      if (isNotFound(error))
        return cluster.spec.tls?.secretName === undefined ? {is: 'missing', fresh: freshSecret(cluster, now)} : {is: 'missing'}
      if (error instanceof KubeError && error.status === 403) return {is: 'forbidden', message: error.message}
      throw error
    }
  }
}

/** One that is to give its place to another, which would not start without the certificate. */
const isSchedulerOfBefore =
  (cluster: DaskCluster) =>
  (pod: Pod): boolean =>
    pod.metadata.labels?.[LABEL_COMPONENT] === 'scheduler' && whyReplaced(cluster, pod) !== undefined

const viewOf = (cluster: DaskCluster, secret: Secret, now: number): TlsView => {
  const {name} = secret.metadata
  const isOurs = cluster.spec.tls?.secretName === undefined
  if (isOurs && !isControlledBy(secret, cluster)) {
    if (isOfPredecessor(secret, cluster)) return {is: 'leaving'}
    const holder = controllerOf(secret)
    return {
      is: 'unfit',
      message:
        `Secret "${name}" exists and belongs to ${holder ? `${holder.kind} "${holder.name}"` : 'nobody'}; ` +
        'delete it, or name it in spec.tls.secretName if it is meant for this cluster',
    }
  }
  try {
    const {ca, cert} = identityOf(secret)
    const [authority, certificate] = [new X509Certificate(ca), new X509Certificate(cert)]
    const endsAt = certificate.validToDate.getTime()
    // Somebody else's may have authorities in between, which are for TLS itself to judge.
    if (isOurs && !certificate.verify(authority.publicKey))
      return {is: 'unfit', message: `tls.crt of Secret "${name}" is not of its ca.crt`}
    const caKey = secret.data?.[AUTHORITY_KEY]
    const isWorthIt = authority.validToDate.getTime() - endsAt > LEAST_GAIN_MS
    if (isOurs && caKey && isWorthIt && endsAt - now < RENEW_MS) {
      const issuer = {cert: ca, key: Buffer.from(caKey, 'base64').toString()}
      return {is: 'there', secret, renewal: renewalOf(cluster, issuer, endsAt, now)}
    }
    return endsAt > now ? {is: 'there', secret} : {is: 'unfit', message: `tls.crt of Secret "${name}" was good until ${timestamp(endsAt)}`}
  } catch (error) {
    return {is: 'unfit', message: `Secret "${name}" cannot be used: ${error instanceof Error ? error.message : String(error)}`}
  }
}

const subjectOf = ({metadata: {namespace = '', name}}: DaskCluster): string => `${name}.${namespace}`.slice(0, 60)

const encoded = (data: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))

/** In the shape that cert-manager gives it, with the key by which it is renewed. */
const freshSecret = (cluster: DaskCluster, now: number): Secret => {
  const authority = issueAuthority(`${subjectOf(cluster)} CA`, now)
  const {cert, key} = issueCertificate(subjectOf(cluster), authority, now)
  const {name, namespace} = cluster.metadata
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: tlsSecretName(cluster) ?? name,
      ...(namespace !== undefined && {namespace}),
      labels: {[LABEL_CLUSTER]: name},
    },
    data: encoded({'ca.crt': authority.cert, [AUTHORITY_KEY]: authority.key, 'tls.crt': cert, 'tls.key': key}),
  }
}

/** By the same authority, which all who run trust: old and new certificates get on with each other. */
const renewalOf = (cluster: DaskCluster, authority: KeyPair, endsAt: number, now: number): Readonly<Record<string, unknown>> => {
  const {cert, key} = issueCertificate(subjectOf(cluster), authority, now)
  return {
    metadata: {annotations: {[ANNOTATION_RENEWED_AT]: timestamp(now), [ANNOTATION_RUNS_OUT_AT]: timestamp(endsAt)}},
    data: encoded({'tls.crt': cert, 'tls.key': key}),
  }
}
