import type {KubeClient} from '../../kube/client.ts'
import {streamLogs} from '../../kube/logs.ts'
import type {ReadLastWords} from './controller.ts'

/** A traceback's end says what happened; all of it is in the pod's log. */
const LINES = 5
const MOST_CHARACTERS = 1000
/** The kubelet itself is asked, which may hang: the job's verdict does not wait for it. */
const LIMIT_MS = 5_000

export const createReadLastWords =
  (client: KubeClient, limitMs = LIMIT_MS): ReadLastWords =>
  async ({metadata: {name, namespace = 'default'}, spec, status}, signal) => {
    try {
      const container = spec.containers[0]?.name
      const {state, lastState} = status?.containerStatuses?.find((each) => each.name === container) ?? {}
      // One that has been started anew has not said anything yet.
      const previous = state?.terminated === undefined && lastState?.terminated !== undefined
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
      const options = {namespace, name, tailLines: LINES, previous, signal: limited, ...(container !== undefined && {container})}
      const lines = await Array.fromAsync(streamLogs(client, options))
      const words = lines.join('\n').trimEnd().slice(-MOST_CHARACTERS)
      return words === '' ? [] : words.split('\n')
    } catch {
      // An extra to a failure that is told anyway: the pod, its node or the right to read its log may be gone.
      return []
    }
  }
