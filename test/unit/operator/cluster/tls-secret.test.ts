import {X509Certificate} from 'node:crypto'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {SECRETS, type Secret} from '../../../../src/api/core.ts'
import type {DaskCluster} from '../../../../src/api/dask.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../../src/kube/config.ts'
import {connect} from '../../../../src/kube/connect.ts'
import {AUTHORITY_MS, CERTIFICATE_MS, issueAuthority, issueCertificate} from '../../../../src/operator/cluster/certificates.ts'
import {createLookAtTls, type LookAtTls} from '../../../../src/operator/cluster/tls-secret.ts'
import type {TlsView} from '../../../../src/operator/cluster/world.ts'
import {type Ground, startGround} from '../../sandbox/apiserver/ground.ts'
import {makeCluster, makePod, ownedBy, PENDING, RUNNING} from '../objects.ts'

const NS = {namespace: 'default'}
const NOW = Date.now()
const signal = new AbortController().signal

let ground: Ground
let client: KubeClient
beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
})
afterAll(async () => {
  await client.close()
  await ground.stop()
})

/** A cluster of this name, and one who looks at its Secret and counts how often it asked. */
const lookAt = (name: string, tls: DaskCluster['spec']['tls'] = {auto: true}) => {
  const made = makeCluster(1, {name, uid: `uid-${name}`, ...NS})
  const cluster: DaskCluster = {...made, spec: {...made.spec, ...(tls && {tls})}}
  let reads = 0
  const get: KubeClient['get'] = (...args) => {
    reads += 1
    return client.get(...args)
  }
  const look: LookAtTls = createLookAtTls({...client, get})
  const ready = [makePod(`${name}-scheduler`, cluster, RUNNING)]
  const create = async (view: TlsView | undefined): Promise<Secret> => {
    if (view?.is !== 'missing' || !view.fresh) throw new Error(`there is nothing to make: ${JSON.stringify(view)}`)
    const {metadata} = view.fresh
    return await client.create(SECRETS, {...view.fresh, metadata: {...metadata, ownerReferences: [ownedBy(cluster)]}})
  }
  return {cluster, ready, create, reads: () => reads, look: (pods = ready, now = NOW, of = cluster) => look(of, pods, now, signal)}
}

describe('the Secret of a cluster with tls.auto', () => {
  it('is made with a certificate, and read no more while all is well', async () => {
    const {create, look, reads, ready, cluster} = lookAt('rests')
    await create(await look([]))
    expect((await look())?.is).toBe('there')
    const before = reads()
    expect((await look())?.is).toBe('there')
    expect(reads()).toBe(before)
    await look([...ready, makePod('new', cluster, PENDING)])
    expect(reads()).toBe(before + 1)
  })

  it('is read again before its scheduler gives its place to another', async () => {
    const {create, look, reads, ready, cluster} = lookAt('replaced')
    await create(await look([]))
    const labelled = ready.map((pod) => ({...pod, metadata: {...pod.metadata, labels: {'dask.org/component': 'scheduler'}}}))
    await look(labelled)
    const before = reads()
    await look(labelled)
    expect(reads()).toBe(before)
    const annotations = {'kubernetes.dask.org/restarted-at': '2026-11-23T12:00:00Z'}
    await look(labelled, NOW, {...cluster, metadata: {...cluster.metadata, annotations}})
    expect(reads()).toBe(before + 1)
  })

  it('has its certificate renewed in time, by the same authority', async () => {
    const {create, look} = lookAt('renewed')
    const made = await create(await look([]))
    expect(await look(undefined, NOW + CERTIFICATE_MS / 2)).not.toHaveProperty('renewal')
    const later = NOW + 0.7 * CERTIFICATE_MS
    const view = await look(undefined, later)
    if (view?.is !== 'there' || !view.renewal) throw new Error(`no renewal: ${JSON.stringify(view)}`)
    const renewed = await client.patch(SECRETS, made.metadata, view.renewal, {type: 'merge'})
    const of = (secret: Secret, key: string): X509Certificate => new X509Certificate(Buffer.from(secret.data?.[key] ?? '', 'base64'))
    expect(of(renewed, 'ca.crt').fingerprint256).toBe(of(made, 'ca.crt').fingerprint256)
    expect(of(renewed, 'tls.crt').verify(of(made, 'ca.crt').publicKey)).toBe(true)
    expect(of(renewed, 'tls.crt').validToDate.getTime()).toBeGreaterThan(later + 0.9 * CERTIFICATE_MS)
    expect(await look(undefined, later)).not.toHaveProperty('renewal')
  })

  it('without the key of its authority is good for as long as its certificate is', async () => {
    const {create, look} = lookAt('keyless')
    const made = await create(await look([]))
    await client.patch(SECRETS, made.metadata, {data: {'ca.key': null}}, {type: 'merge'})
    const view = await look([], NOW + 0.7 * CERTIFICATE_MS)
    expect(view?.is).toBe('there')
    expect(view).not.toHaveProperty('renewal')
    expect(await look([], NOW + 1.1 * CERTIFICATE_MS)).toMatchObject({is: 'unfit', message: expect.stringContaining('was good until')})
  })

  it('is renewed no more once its certificate is good for as long as its authority', async () => {
    const {create, look} = lookAt('ending')
    const made = await create(await look([]))
    const authority = issueAuthority('ending', NOW + CERTIFICATE_MS / 4 - AUTHORITY_MS)
    const {cert, key} = issueCertificate('ending', authority, NOW, CERTIFICATE_MS / 8)
    const files = {'ca.crt': authority.cert, 'ca.key': authority.key, 'tls.crt': cert, 'tls.key': key}
    const data = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
    await client.patch(SECRETS, made.metadata, {data}, {type: 'merge'})
    const view = await look([])
    if (view?.is !== 'there' || !view.renewal) throw new Error(`no renewal: ${JSON.stringify(view)}`)
    await client.patch(SECRETS, made.metadata, view.renewal, {type: 'merge'})
    const renewed = await look([])
    expect(renewed?.is).toBe('there')
    expect(renewed).not.toHaveProperty('renewal')
  })

  it('of another cluster, or of nobody, is not taken', async () => {
    const {look} = lookAt('taken')
    await client.create(SECRETS, {apiVersion: 'v1', kind: 'Secret', metadata: {name: 'taken-tls', ...NS}} as Secret)
    expect(await look([])).toMatchObject({is: 'unfit', message: expect.stringContaining('belongs to nobody')})
    const {create, look: lookAgain, cluster} = lookAt('again')
    const {metadata} = await create(await lookAgain([]))
    const ownerReferences = [{...ownedBy(cluster), uid: 'an-earlier-one'}]
    await client.patch(SECRETS, metadata, {metadata: {ownerReferences}}, {type: 'merge'})
    expect(await lookAgain([])).toEqual({is: 'leaving'})
  })
})

describe('a Secret of somebody else', () => {
  it.each([
    ['without a certificate', {}, /has no ca\.crt/],
    ['with what is none', {'ca.crt': 'bm8=', 'tls.crt': 'bm8=', 'tls.key': 'bm8='}, /cannot be used/],
  ])('%s is not fit, and says why', async (about, data, message) => {
    const name = about.replaceAll(' ', '-')
    const {look} = lookAt(name, {secretName: name})
    expect(await look([])).toEqual({is: 'missing'})
    await client.create(SECRETS, {apiVersion: 'v1', kind: 'Secret', metadata: {name, ...NS}, data} as Secret)
    expect(await look([])).toMatchObject({is: 'unfit', message: expect.stringMatching(message)})
  })
})

it('a cluster without TLS, or one that is suspended, has no Secret read', async () => {
  const plain = lookAt('plain', {})
  expect(await plain.look([])).toBeUndefined()
  const {cluster} = lookAt('asleep')
  const never: KubeClient['get'] = () => Promise.reject(new Error('it was read'))
  const asleep = {...cluster, spec: {...cluster.spec, suspend: true}}
  expect(await createLookAtTls({...client, get: never})(asleep, [], NOW, signal)).toBeUndefined()
})
