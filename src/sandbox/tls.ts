/** The sandbox's certificates: a CA of its own and what it signs. Nothing of them is trusted anywhere else. */
import {X509Certificate} from 'node:crypto'
import {mkdir, readFile, rename, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

export interface KeyPair {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** PEM; what clients trust. */
  readonly ca: string
  /** Of the API server: 127.0.0.1, ::1, localhost. */
  readonly server: KeyPair
  /** Of the node's own endpoints. */
  readonly kubelet: KeyPair
  /** With it the API server shows itself to the node. */
  readonly kubeletClient: KeyPair
}

const FILE = 'certificates.json'
const LIFE_DAYS = 365
/** Certificates that end sooner than this are made anew. */
const LEAST_LIFE_DAYS = 30
const DAY_MS = 24 * 60 * 60_000

/** Those of the directory where they are still good for a month, else new ones. Files are for the owner alone. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const kept = await readKept(join(directory, FILE))
  if (kept) return kept
  const made = await generateAll()
  await mkdir(directory, {recursive: true, mode: 0o700})
  const file = join(directory, FILE)
  await writeFile(`${file}.new`, JSON.stringify(made), {mode: 0o600})
  await rename(`${file}.new`, file)
  return made
}

const readKept = async (file: string): Promise<Certificates | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const kept = JSON.parse(text) as Certificates
    const certificates = [kept.ca, kept.server.cert, kept.kubelet.cert, kept.kubeletClient.cert]
    const isGood = certificates.every((pem) => Date.parse(new X509Certificate(pem).validTo) - Date.now() > LEAST_LIFE_DAYS * DAY_MS)
    return isGood ? kept : undefined
  } catch {
    // A file that was cut off in writing is replaced.
    return undefined
  }
}

const generateAll = async (): Promise<Certificates> => {
  const {generate} = await import('./self-signed.ts')
  const common = {
    keyType: 'ec' as const,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + LIFE_DAYS * DAY_MS),
  }
  const subject = (name: string) => [{name: 'commonName', value: name}]
  const ca = await generate(subject('dask-sandbox-ca'), {
    ...common,
    extensions: [
      {name: 'basicConstraints', cA: true, critical: true},
      {name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true},
    ],
  })
  const signer = {key: ca.private, cert: ca.cert}
  const signed = async (name: string, usage: {readonly serverAuth?: boolean; readonly clientAuth?: boolean}): Promise<KeyPair> => {
    const {cert, private: key} = await generate(subject(name), {
      ...common,
      ca: signer,
      extensions: [
        {name: 'basicConstraints', cA: false},
        {name: 'keyUsage', digitalSignature: true},
        {name: 'extKeyUsage', ...usage},
        ...(usage.serverAuth ? [{name: 'subjectAltName' as const, altNames: ALT_NAMES}] : []),
      ],
    })
    return {cert, key}
  }
  const [server, kubelet, kubeletClient] = await Promise.all([
    signed('dask-sandbox', {serverAuth: true}),
    signed('sandbox', {serverAuth: true}),
    signed('kube-apiserver-kubelet-client', {clientAuth: true}),
  ])
  return {ca: ca.cert, server, kubelet, kubeletClient}
}

const ALT_NAMES = [
  {type: 7 as const, ip: '127.0.0.1'},
  {type: 7 as const, ip: '::1'},
  {type: 2 as const, value: 'localhost'},
]
