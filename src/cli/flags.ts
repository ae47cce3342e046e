import {Args, Flags} from '@oclif/core'
import {parseDuration} from './duration.ts'
import {GLOBAL} from './help.ts'
import {parseEnv, parsePair} from './pairs.ts'

const global = {helpGroup: GLOBAL} as const

/** kubectl's own global flags, everywhere alike. */
export const globalFlags = {
  namespace: Flags.string({...global, char: 'n', helpValue: 'NAME', summary: "Namespace; the context's own where it is not given."}),
  context: Flags.string({...global, helpValue: 'NAME', summary: 'Context of the kubeconfig to use.'}),
  kubeconfig: Flags.string({...global, helpValue: 'PATH', summary: 'Kubeconfig file to use.'}),
  cluster: Flags.string({...global, helpValue: 'NAME', summary: 'Cluster entry of the kubeconfig to use.'}),
  user: Flags.string({...global, helpValue: 'NAME', summary: 'User entry of the kubeconfig to use.'}),
  as: Flags.string({...global, helpValue: 'USER', summary: 'User to impersonate.'}),
  'as-group': Flags.string({
    ...global,
    helpValue: 'GROUP',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Group to impersonate; may be repeated.',
  }),
  'as-uid': Flags.string({...global, helpValue: 'UID', summary: 'UID to impersonate.'}),
  token: Flags.string({...global, helpValue: 'TOKEN', summary: 'Bearer token for the API server.'}),
  server: Flags.string({...global, char: 's', helpValue: 'URL', summary: 'Address of the API server.'}),
  'request-timeout': Flags.custom<number>({parse: async (text) => parseDuration(text)})({
    ...global,
    helpValue: 'TIME',
    summary: 'How long one request may take, like 30s; 0 is for ever.',
  }),
  'insecure-skip-tls-verify': Flags.boolean({...global, summary: "Do not check the server's certificate."}),
  'tls-server-name': Flags.string({...global, helpValue: 'NAME', summary: "Name that the server's certificate is checked for."}),
  'certificate-authority': Flags.string({...global, helpValue: 'PATH', summary: 'File with the certificate authority of the server.'}),
  'client-certificate': Flags.string({...global, helpValue: 'PATH', summary: 'File with the client certificate.'}),
  'client-key': Flags.string({...global, helpValue: 'PATH', summary: 'File with the key of the client certificate.'}),
  v: Flags.integer({
    ...global,
    char: 'v',
    min: 0,
    helpValue: 'LEVEL',
    summary: 'From 6 on each request is told on stderr, as kubectl does.',
  }),
}

export type GlobalFlags = {
  readonly namespace?: string | undefined
  readonly context?: string | undefined
  readonly kubeconfig?: string | undefined
  readonly cluster?: string | undefined
  readonly user?: string | undefined
  readonly as?: string | undefined
  readonly 'as-group'?: readonly string[] | undefined
  readonly 'as-uid'?: string | undefined
  readonly token?: string | undefined
  readonly server?: string | undefined
  readonly 'request-timeout'?: number | undefined
  readonly 'insecure-skip-tls-verify'?: boolean | undefined
  readonly 'tls-server-name'?: string | undefined
  readonly 'certificate-authority'?: string | undefined
  readonly 'client-certificate'?: string | undefined
  readonly 'client-key'?: string | undefined
  readonly v?: number | undefined
}

const PLAIN_FORMATS = new Set(['json', 'yaml', 'name', 'wide'])

/** A wrong format is a wrong call, told before anything is sent; the rarer formats are loaded where they are asked for. */
const parseOutput = async (text: string): Promise<string> => {
  if (!PLAIN_FORMATS.has(text)) (await import('./list-format.ts')).parseFormat(text)
  return text
}

/** For commands that list objects. */
export const listFlags = {
  'all-namespaces': Flags.boolean({char: 'A', summary: 'Of all namespaces.'}),
  selector: Flags.string({char: 'l', helpValue: 'LABELS', summary: 'Only those with these labels, like team=ml,tier!=test.'}),
  'field-selector': Flags.string({helpValue: 'FIELDS', summary: 'Only those with these fields, like metadata.name=demo.'}),
  output: Flags.custom<string>({parse: parseOutput})({
    char: 'o',
    helpValue: 'FORMAT',
    summary: 'json, yaml, name, wide, jsonpath=TEMPLATE or custom-columns=HEADER:PATH,….',
  }),
  'sort-by': Flags.string({helpValue: 'PATH', summary: 'In the order of this field, like .metadata.creationTimestamp.'}),
  watch: Flags.boolean({char: 'w', summary: 'Go on and print each one again when it changes.'}),
  'no-headers': Flags.boolean({summary: 'Without the line of headers.'}),
  'show-labels': Flags.boolean({summary: 'With the labels of each, in a last column.'}),
}

/** For commands whose answer is a sentence on each object. */
export const nameFlag = Flags.string({char: 'o', options: ['name'], helpValue: 'name', summary: 'Print names alone.'})

/** For commands whose answer is one object. */
export const outputFlag = Flags.string({char: 'o', options: ['json', 'yaml', 'name'], helpValue: 'FORMAT', summary: 'json, yaml or name.'})

/** For commands whose answer is a document of its own, and no object with a name. */
export const documentFlag = Flags.string({char: 'o', options: ['json', 'yaml'], helpValue: 'FORMAT', summary: 'json or yaml.'})

export const dryRunFlag = Flags.string({
  options: ['client', 'server', 'none'],
  helpValue: 'client|server',
  summary: 'Only show what would be written; with "server" the API server checks it too.',
})

/** Whether and where the call is only tried; `undefined` for a real one. */
export const dryRunOf = (flags: {readonly 'dry-run'?: string | undefined}): 'client' | 'server' | undefined =>
  flags['dry-run'] === 'client' || flags['dry-run'] === 'server' ? flags['dry-run'] : undefined

/** `--timeout`, with a default like `5m`; milliseconds. */
export const timeoutFlag = (text: string) =>
  Flags.custom<number>({parse: async (given) => parseDuration(given)})({
    default: parseDuration(text),
    helpValue: 'TIME',
    summary: `How long to wait (${text} where it is not given).`,
    noCacheDefault: true,
  })

/** `-e NAME=value`, repeatable; the value may hold `=`. */
export const envFlag = Flags.custom<{readonly name: string; readonly value: string}>({
  char: 'e',
  helpValue: 'NAME=VALUE',
  multiple: true,
  multipleNonGreedy: true,
  parse: async (text) => parseEnv(text),
})

/** `--label key=value`, repeatable. */
export const pairFlag = Flags.custom<readonly [string, string]>({
  helpValue: 'KEY=VALUE',
  multiple: true,
  multipleNonGreedy: true,
  parse: async (text) => parsePair(text),
})

export const nameArg = (noun: string) => Args.string({description: `Name of the ${noun}.`, required: true, ignoreStdin: true})

export const namesArg = (noun: string) => Args.string({description: `Names of ${noun}.`, multiple: true, ignoreStdin: true})
