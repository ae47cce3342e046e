import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {Flags} from '@oclif/core'
import type {LogLevel} from '../../api/log-levels.ts'
import {logLevelFlag} from '../log-level-flag.ts'
import {packageRoot} from '../package-root.ts'
import {UserError, usageError} from '../user-error.ts'
import {DEFAULT_NAMESPACE, DEFAULT_NODE_IMAGE, type InstallOptions} from './manifests.ts'

/** What an installation is made of, for `install` and `manifests` alike. */
export const installFlags = {
  'operator-namespace': Flags.string({default: DEFAULT_NAMESPACE, helpValue: 'NAME', summary: 'Namespace of the operator itself.'}),
  'watch-namespaces': Flags.string({
    helpValue: 'A,B',
    summary: 'Serve these namespaces alone, with rights in them alone; all where none is named.',
  }),
  tls: Flags.boolean({summary: 'Let clusters have spec.tls: gives the operator the right to Secrets, in a role of its own.'}),
  replicas: Flags.integer({default: 1, min: 1, max: 5, helpValue: 'N', summary: 'One works, the others stand by.'}),
  'node-image': Flags.string({
    default: DEFAULT_NODE_IMAGE,
    helpValue: 'IMAGE',
    exclusive: ['image'],
    summary: 'Image of Node.js 22.19 or later, in which the operator runs.',
  }),
  'log-level': logLevelFlag,
  image: Flags.string({helpValue: 'IMAGE', summary: 'Image that has the operator in it, instead.'}),
}

export interface InstallFlags {
  readonly 'operator-namespace': string
  readonly 'watch-namespaces'?: string | undefined
  readonly tls?: boolean | undefined
  readonly replicas: number
  readonly 'log-level': LogLevel
  readonly 'node-image': string
  readonly image?: string | undefined
}

export async function installOptions(flags: InstallFlags, version: string): Promise<InstallOptions> {
  const names = flags['watch-namespaces']?.split(',').map((name) => name.trim())
  if (names?.some((name) => name === '')) throw usageError('--watch-namespaces has an empty name in it', 'write it like team-a,team-b')
  const file = join(packageRoot(), 'dist', 'operator.mjs.br')
  const bundle = await readFile(file).catch((cause: unknown) => {
    throw new UserError(`the operator's own bundle is missing (${file})`, {next: ['`npm run build` makes it'], cause})
  })
  return {
    ...{namespace: flags['operator-namespace'], replicas: flags.replicas, nodeImage: flags['node-image'], version, bundle},
    logLevel: flags['log-level'],
    ...(flags.image !== undefined && {image: flags.image}),
    ...(flags.tls && {tls: true}),
    ...(names && {watchNamespaces: [...new Set(names)]}),
  }
}
