import {X509Certificate} from 'node:crypto'
import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, expect, it} from 'vitest'
import {makeCertificates} from '../../../src/sandbox/tls.ts'

let directory: string
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'tls-')), 'tls')
})
afterEach(() => rm(join(directory, '..'), {recursive: true}))

it('signs everything by its own CA, for the addresses of this machine', async () => {
  const {ca, server, kubelet, kubeletClient} = await makeCertificates(directory)
  const authority = new X509Certificate(ca)
  expect(authority.ca).toBe(true)
  for (const {cert} of [server, kubelet, kubeletClient]) expect(new X509Certificate(cert).verify(authority.publicKey)).toBe(true)
  const certificate = new X509Certificate(server.cert)
  expect([certificate.checkIP('127.0.0.1'), certificate.checkHost('localhost')]).toEqual(['127.0.0.1', 'localhost'])
})

it('keeps its files from everybody else', async () => {
  await makeCertificates(directory)
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  for (const file of await readdir(directory)) expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
})

it('uses the same certificates again, and makes new ones for a broken file', async () => {
  const first = await makeCertificates(directory)
  expect(await makeCertificates(directory)).toEqual(first)
  await writeFile(join(directory, 'certificates.json'), '{"ca": "half a cert')
  expect((await makeCertificates(directory)).ca).not.toBe(first.ca)
})
