/** The files of a cluster's certificate, as a pod finds them, and Dask's variables that lead to them. */
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileVariables} from '../../src/api/tls.ts'
import {issueAuthority, issueCertificate} from '../../src/operator/cluster/certificates.ts'
import type {TlsGround} from './real-dask.ts'

export interface TlsFiles extends TlsGround {
  remove(): Promise<void>
}

export async function makeTls(): Promise<TlsFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'dask-tls-'))
  const authority = issueAuthority('demo-ca', Date.now())
  const {cert, key} = issueCertificate('demo', authority, Date.now())
  const files = {'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key}
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, {mode: 0o600})
  return {
    identity: {ca: authority.cert, cert, key},
    env: {
      DASK_DISTRIBUTED__COMM__DEFAULT_SCHEME: 'tls',
      DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'True',
      ...fileVariables(directory, ['SCHEDULER', 'WORKER', 'CLIENT']),
    },
    remove: () => rm(directory, {recursive: true, force: true}),
  }
}
