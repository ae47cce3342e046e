import {duplexPair} from 'node:stream'
import {expect, it} from 'vitest'
import type {Pod} from '../../../src/api/core.ts'
import {withTls} from '../../../src/api/tls.ts'
import type {Dial} from '../../../src/dask/dial.ts'
import {tlsDial} from '../../../src/dask/tls.ts'
import {daskDial} from '../../../src/dask/tls-identity.ts'
import {issueAuthority, issueCertificate} from '../../../src/operator/cluster/certificates.ts'
import {json, play, statusBody} from '../kube/scripted-server.ts'

it('a certificate that is none is told of before anything is dialled, which nobody would close', async () => {
  const dialled: number[] = []
  const dial = async (port: number): Promise<never> => {
    dialled.push(port)
    throw new Error('it was dialled')
  }
  const secured = tlsDial(dial, async () => ({ca: 'no', cert: 'no', key: 'no'}))
  await expect(secured(8786)).rejects.toThrow(/^the certificate cannot be used: /)
  expect(dialled).toEqual([])
})

it('a certificate is read once for all ways to a cluster, and again when the other side did not get on with it', async () => {
  const authority = issueAuthority('demo-ca', Date.now())
  const {cert, key} = issueCertificate('demo', authority, Date.now())
  const files = {'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key}
  const data = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
  const answer = json(200, {apiVersion: 'v1', kind: 'Secret', metadata: {name: 'demo-tls', namespace: 'ns'}, data})
  const read = {asked: 'GET /api/v1/namespaces/ns/secrets/demo-tls', answer}
  await using server = await play(read, read)
  const scheduler: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {name: 'demo-scheduler', namespace: 'ns'},
    spec: withTls({containers: [{name: 'scheduler'}]}, 'demo-tls'),
  }
  const secured = daskDial(server.client, scheduler)
  const nowhere: Dial = async () => {
    throw new Error('nobody is there')
  }
  const hangingUp: Dial = async () => {
    const [near, far] = duplexPair()
    far.destroy()
    return near
  }
  for (const dial of [nowhere, nowhere]) await expect(secured(dial)(8786)).rejects.toThrow('nobody is there')
  await expect(secured(hangingUp)(8786)).rejects.toThrow('no TLS connection')
  expect(server.asked).toHaveLength(1)
  await expect(secured(nowhere)(8786)).rejects.toThrow('nobody is there')
  expect(server.asked).toHaveLength(2)
})

it('a certificate that could not be read is asked for again', async () => {
  const missing = {asked: 'GET /api/v1/namespaces/ns/secrets/demo-tls', answer: json(404, statusBody(404, 'NotFound', 'it is not there'))}
  await using server = await play(missing, missing)
  const spec = withTls({containers: [{name: 'scheduler'}]}, 'demo-tls')
  const secured = daskDial(server.client, {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'demo-scheduler', namespace: 'ns'}, spec})
  for (const port of [8786, 8786])
    await expect(secured(() => Promise.reject(new Error('it was dialled')))(port)).rejects.toThrow('it is not there')
  expect(server.asked).toHaveLength(2)
})
