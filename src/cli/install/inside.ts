import {PODS, type Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ConnectionError, KubeError} from '../../kube/errors.ts'
import {objectPath} from '../../kube/paths.ts'
import {formatDuration} from '../duration.ts'

/** What the operator itself tells at its health port. */
export interface Inside {
  readonly pod: string
  /** Keys that wait or are worked on, by kind. */
  readonly queues: readonly {readonly kind: string; readonly depth: number; readonly latencyMs: number}[]
  readonly watches: readonly {readonly kind: string; readonly silenceMs: number}[]
  /** What the API server has refused it since it began: for want of a right, by a quota or by a policy. */
  readonly refused: readonly {readonly verb: string; readonly resource: string; readonly times: number}[]
}

/** Why nothing of it is known. */
export interface Untold {
  readonly pod: string
  readonly why: string
}

const TIMEOUT_MS = 5_000

/** Asked through the API server's proxy to pods; only who may `get pods/proxy` is told. */
export async function lookInside(client: KubeClient, pod: Pod, signal: AbortSignal): Promise<Inside | Untold> {
  const {name, namespace = ''} = pod.metadata
  const port = pod.spec.containers.flatMap(({ports}) => ports ?? []).find((each) => each.name === 'health')?.containerPort
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const ask = async (page: string): Promise<string> => {
    const path = objectPath(PODS, {namespace, name: `${name}:${port}`}, `proxy/${page}`)
    const answer = await client.raw({path, signal: limited})
    const text = await answer.body.text()
    if (answer.status === 403) throw new KubeError(403, 'Forbidden', `you may not "get pods/proxy" in namespace "${namespace}"`)
    if (answer.status !== 200) throw new ConnectionError(`it does not answer: ${answer.status} ${text.trim().slice(0, 200)}`)
    return text
  }
  try {
    const {operators} = JSON.parse(await ask('statusz')) as {readonly operators: readonly Pick<Inside, 'queues' | 'watches'>[]}
    return {
      pod: name,
      queues: operators.flatMap(({queues}) => queues),
      watches: operators.flatMap(({watches}) => watches),
      refused: refusedIn(await ask('metrics')),
    }
  } catch (error) {
    signal.throwIfAborted()
    return {pod: name, why: error instanceof Error ? error.message : String(error)}
  }
}

/** Requests that were answered with 403, from the counter of all. */
export const refusedIn = (metrics: string): Inside['refused'] =>
  metrics.split('\n').flatMap((line) => {
    const [, labels = '', times] = /^dask_operator_api_requests_total\{([^}]*)\} (\d+)$/.exec(line) ?? []
    const {
      verb = '',
      resource = '',
      code,
    } = Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
    return code === '403' ? [{verb, resource, times: Number(times)}] : []
  })

/** The same as lines of a description. */
export const insideRows = (inside: Inside | Untold): readonly (readonly [string, string])[] => {
  if ('why' in inside) return [['Inside:', `not known: ${inside.why}`]]
  const {queues, watches, refused} = inside
  const waiting = queues.filter(({depth}) => depth > 0)
  const longest = formatDuration(Math.max(0, ...waiting.map(({latencyMs}) => latencyMs)))
  const quietest = formatDuration(Math.max(0, ...watches.map(({silenceMs}) => silenceMs)))
  return [
    [
      'Queue:',
      waiting.length === 0 ? 'empty' : `${waiting.map(({kind, depth}) => `${depth} ${kind}`).join(', ')}; the longest for ${longest}`,
    ],
    ['Last sync:', watches.length === 0 ? 'never' : `all ${watches.length} kinds were heard of within ${quietest}`],
    [
      'Refused:',
      refused.length === 0
        ? 'nothing'
        : `${refused.map(({verb, resource, times}) => `${verb} ${resource} (${times} times)`).join(', ')}; by a missing right, a quota or a policy`,
    ],
  ]
}
