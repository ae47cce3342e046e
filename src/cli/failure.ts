import {ConnectionError, CredentialError, KubeError} from '../kube/errors.ts'
import {Interrupted} from './interruption.ts'
import {EXIT, Exit, UserError} from './user-error.ts'

/** Where a failed command was talking to, as far as it got. */
export interface Place {
  /** The program's name as it was called: `kubectl dask` or `dask-k8s`. */
  readonly bin: string
  readonly context?: string
  /** The file that the call named. */
  readonly kubeconfig?: string | undefined
  readonly server?: string
  readonly namespace?: string
  /** Names near to one that the server does not know. */
  readonly near?: readonly string[]
}

/** What ended a command, and where that was. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  override readonly cause: unknown
  /** The exit code of a failure that has none of its own. */
  readonly exitCode: number
  readonly place: Place

  constructor(cause: unknown, exitCode: number, place: Place) {
    super('the command failed')
    this.cause = cause
    this.exitCode = exitCode
    this.place = place
  }
}

export interface Failure {
  /** The fact and where; one line. */
  readonly message: string
  /** What to do next; half sentences. */
  readonly next: readonly string[]
  readonly exitCode: number
}

/** Any error as one sentence with its cause and the next step; what is not known to us keeps its own words. */
export function explain(error: unknown, place: Place): Failure {
  if (error instanceof CommandFailed) {
    const failure = explain(error.cause, error.place)
    // A program's own exit code may be ours for a failure, and is told all the same.
    return failure.exitCode === EXIT.failed && !(error.cause instanceof Exit) ? {...failure, exitCode: error.exitCode} : failure
  }
  if (error instanceof Interrupted) return {message: '', next: [], exitCode: error.exitCode}
  if (error instanceof UserError) return {message: oneLine(error.message), next: error.next, exitCode: error.exitCode}
  if (error instanceof Exit) return {message: '', next: [], exitCode: error.exitCode}
  if (error instanceof KubeError) return explainRefusal(error, place)
  if (error instanceof CredentialError)
    return {message: oneLine(error.message), next: error.hint === undefined ? [] : [oneLine(error.hint)], exitCode: EXIT.failed}
  if (error instanceof ConnectionError) return explainSilence(error, place)
  if (hasName(error, 'ConfigError')) return {message: oneLine(error.message), next: [], exitCode: EXIT.failed}
  if (hasName(error, 'TimeoutError')) return {message: oneLine(error.message), next: [], exitCode: EXIT.timedOut}
  const message = error instanceof Error ? error.message || error.name : String(error)
  return {message: oneLine(message), next: ['DEBUG=1 shows where it came from'], exitCode: EXIT.failed}
}

/** `error: <fact>; <next step>, or <another>` */
export const sentence = ({message, next}: Failure): string => {
  const [first, ...others] = next
  const rest = others.map((step, index) => (next[index]?.endsWith('?') ? ` ${step}` : `, or ${step}`))
  return `error: ${message}${first === undefined ? '' : `; ${first}${rest.join('')}`}`
}

const hasName = (error: unknown, name: string): error is Error => error instanceof Error && error.name === name

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ')

const explainRefusal = (error: KubeError, place: Place): Failure => {
  const words = oneLine(error.message)
  const at = place.context === undefined ? '' : ` (context "${place.context}")`
  const failed = (message: string, ...next: readonly string[]): Failure => ({message, next, exitCode: EXIT.failed})
  switch (error.status) {
    case 401:
      return failed(
        `the API server at ${place.server ?? 'this address'} does not accept the credentials of context "${place.context ?? ''}": they are wrong or expired`,
        'log in again',
        `try "kubectl ${place.kubeconfig === undefined ? '' : `--kubeconfig ${place.kubeconfig} `}--context ${place.context ?? ''} auth whoami"`,
      )
    case 403:
      return /exceeded quota/.test(words)
        ? failed(`${words}${at}`, `"kubectl describe quota -n ${place.namespace ?? 'default'}" shows what is left`)
        : failed(`${words}${at}`, 'ask the administrator of the cluster for this permission')
    case 404:
      return explainMissing(words, place, at)
    case 409:
      return error.reason === 'AlreadyExists'
        ? failed(
            `${nameObject(words) ?? words} exists already${nameObject(words) ? at : ''}`,
            'choose another name',
            'delete that one first',
          )
        : failed(`${words}${at}`, 'somebody else changed it at the same time: run the command again')
    case 429:
      return failed(`the API server is busy: ${words}`, `try again in ${error.retryAfter ?? 1} s`)
    default:
      return failed(`${words}${at}`)
  }
}

/** A 404 says either that an object is missing or that its whole kind is. */
const explainMissing = (words: string, place: Place, at: string): Failure => {
  const object = /^(\S+?)(?:\.[a-z0-9.-]+)? "(.+)" not found$/.exec(words)
  if (object?.[1] === 'namespaces')
    return {
      message: `no namespace "${object[2]}"${at}`,
      next: [`"kubectl create namespace ${object[2]}" makes it`],
      exitCode: EXIT.notFound,
    }
  if (object) {
    const noun = NOUN_OF[object[1] ?? '']
    const where = place.namespace === undefined ? '' : ` in namespace "${place.namespace}"`
    return {
      message: `no ${KIND_OF[object[1] ?? ''] ?? object[1]} "${object[2]}"${where}${at}`,
      next: [
        ...(place.near?.length ? [`did you mean ${place.near.map((name) => `"${name}"`).join(' or ')}?`] : []),
        ...(noun ? [`"${place.bin} ${noun} list -A" shows those that there are`] : []),
      ],
      exitCode: EXIT.notFound,
    }
  }
  return {
    message: `the Kubernetes API${at} does not know the resources of Dask: their definitions (CRDs) are not installed`,
    next: [
      `"${place.bin} operator install" installs them and an operator`,
      `"${place.bin} operator run --apply-crds" installs them and serves clusters from here`,
    ],
    exitCode: EXIT.failed,
  }
}

const KIND_OF: Readonly<Record<string, string>> = {
  daskclusters: 'DaskCluster',
  daskworkergroups: 'DaskWorkerGroup',
  daskjobs: 'DaskJob',
  daskautoscalers: 'DaskAutoscaler',
  pods: 'Pod',
  services: 'Service',
  configmaps: 'ConfigMap',
}
const NOUN_OF: Readonly<Record<string, string>> = {
  daskclusters: 'cluster',
  daskworkergroups: 'workergroup',
  daskjobs: 'job',
  daskautoscalers: 'autoscaler',
}

/** `DaskCluster "demo"` of the server's `daskclusters.kubernetes.dask.org "demo" already exists`. */
const nameObject = (words: string): string | undefined => {
  const [, plural, name] = /^(\S+?)(?:\.[a-z0-9.-]+)? "(.+)" already exists$/.exec(words) ?? []
  return plural === undefined ? undefined : `${KIND_OF[plural] ?? plural} "${name}"`
}

const explainSilence = (error: ConnectionError, place: Place): Failure => {
  const words = oneLine(error.message)
  const where = place.server === undefined || words.includes(place.server) ? '' : ` at ${place.server}`
  const context = place.context === undefined || words.includes(`"${place.context}"`) ? '' : ` (context "${place.context}")`
  return {
    message: where || context ? `no answer from the Kubernetes API${where}${context}: ${words}` : words,
    next: [nextOfSilence(place.context)],
    exitCode: EXIT.failed,
  }
}

/** Contexts of sandboxes are named by them. */
const nextOfSilence = (context: string | undefined): string =>
  context === 'dask-sandbox' || context?.startsWith('dask-sandbox-')
    ? 'does the sandbox still run? "dask-k8s sandbox status" tells, "dask-k8s sandbox up" starts it'
    : 'is the cluster up and the right context chosen? "kubectl config get-contexts" lists them, --context takes one'
