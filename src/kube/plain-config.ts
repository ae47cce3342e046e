import {readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import {delimiter, dirname, join, resolve} from 'node:path'
import type {ConfigOptions} from './config.ts'
import {parsePlainYaml} from './plain-yaml.ts'

/** One server and fixed credentials, in PEM where they are certificates. */
export interface PlainConfig {
  readonly server: string
  readonly context: string
  readonly namespace: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
    readonly rejectUnauthorized?: false
  }
}

/**
 * The configuration of the everyday case, without loading a library: one kubeconfig file, a token or a client certificate, no proxy.
 * `undefined` wherever there is more to it, or a mistake to tell: `loadKubeConfig` does either.
 */
export function readPlainConfig(options: ConfigOptions): PlainConfig | undefined {
  const files = options.kubeconfig ?? process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config')
  if (files === '' || files.includes(delimiter)) return undefined
  try {
    const config = parsePlainYaml(readFileSync(files, 'utf8'))
    return isMapping(config) ? resolveConfig(config, dirname(resolve(files)), options) : undefined
  } catch {
    return undefined
  }
}

type Mapping = Readonly<Record<string, unknown>>

const isMapping = (value: unknown): value is Mapping => typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The part `one` of the entry of this name in `list`. */
const entry = (list: unknown, name: string | undefined, one: string): Mapping | undefined => {
  const found: unknown = Array.isArray(list) ? list.find((each: unknown) => isMapping(each) && each['name'] === name) : undefined
  return isMapping(found) && isMapping(found[one]) ? found[one] : undefined
}

const KNOWN_CLUSTER = new Set([
  ...['server', 'certificate-authority', 'certificate-authority-data', 'insecure-skip-tls-verify', 'tls-server-name', 'extensions'],
])
const KNOWN_USER = new Set([...['token', 'client-certificate', 'client-certificate-data', 'client-key', 'client-key-data']])

const resolveConfig = (config: Mapping, folder: string, options: ConfigOptions): PlainConfig | undefined => {
  const name = options.context ?? text(config['current-context'])
  const context = entry(config['contexts'], name, 'context')
  if (name === undefined || !context) return undefined
  const cluster = entry(config['clusters'], options.cluster ?? text(context['cluster']), 'cluster')
  const user = entry(config['users'], options.user ?? text(context['user']), 'user')
  if (!cluster || !user) return undefined
  if (Object.keys(cluster).some((key) => !KNOWN_CLUSTER.has(key)) || Object.keys(user).some((key) => !KNOWN_USER.has(key))) return undefined
  const server = options.server ?? text(cluster['server'])
  if (server === undefined || !/^https:\/\/[^/]+\/?$/.test(server) || isProxied(server)) return undefined

  const pem = (data: unknown, file: unknown, given: string | undefined): string | undefined => {
    if (given !== undefined) return readFileSync(given, 'utf8')
    if (text(data)) return Buffer.from(String(data), 'base64').toString()
    return text(file) ? readFileSync(resolve(folder, String(file)), 'utf8') : undefined
  }
  const insecure = options.insecureSkipTlsVerify ?? cluster['insecure-skip-tls-verify'] === true
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], options.certificateAuthority)
  const servername = options.tlsServerName ?? text(cluster['tls-server-name'])
  const token = options.token ?? text(user['token'])
  const cert =
    options.token === undefined ? pem(user['client-certificate-data'], user['client-certificate'], options.clientCertificate) : undefined
  const key = options.token === undefined ? pem(user['client-key-data'], user['client-key'], options.clientKey) : undefined
  const {user: as, uid, groups} = options.impersonate ?? {}
  return {
    ...{server: server.replace(/\/$/, ''), context: name, namespace: options.namespace ?? text(context['namespace']) ?? 'default'},
    headers: {
      ...(token !== undefined && {authorization: `Bearer ${token}`}),
      ...(as !== undefined && {'impersonate-user': as}),
      ...(uid !== undefined && {'impersonate-uid': uid}),
      ...(groups?.length && {'impersonate-group': groups}),
    },
    tls: {
      ...(ca !== undefined && {ca}),
      ...(cert !== undefined && {cert}),
      ...(key !== undefined && {key}),
      ...(servername !== undefined && {servername}),
      ...(insecure && {rejectUnauthorized: false as const}),
    },
  }
}

/** Whether the environment names a proxy at all; which servers it is for is not decided here. */
const isProxied = (server: string): boolean => {
  const {hostname} = new URL(server)
  if (hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')) return false
  return Boolean(process.env['https_proxy'] || process.env['HTTPS_PROXY'])
}
