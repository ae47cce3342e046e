import {createHash} from 'node:crypto'
import {EVENTS, type Event} from '../../api/core.ts'
import {OPERATOR} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict} from '../../kube/errors.ts'
import type {Tell} from './contract.ts'
import {about, type Log} from './log.ts'
import {rememberYoungest} from './youngest.ts'

/** Tells an Event on an object; never fails and never waits: an Event is a note beside the work. */
export type TellEvent = (on: KubeObject, event: Tell) => void

const COMPONENT = OPERATOR
/** The same words on the same object are told again after this long at the earliest. */
const QUIET_MS = 10 * 60_000

export interface Clocks {
  /** For what is written. */
  readonly now: () => number
  /** For spans: nobody sets it. */
  readonly steady: () => number
}

export function createEvents(client: KubeClient, signal: AbortSignal, log: Log, {now, steady}: Clocks): TellEvent {
  const told = new Map<string, number>()
  return (on, {type, reason, message}) => {
    const {name, namespace = 'default', uid} = on.metadata
    const words = `${uid} ${type} ${reason} ${message}`
    const last = told.get(words)
    if (signal.aborted || (last !== undefined && steady() - last < QUIET_MS)) return
    rememberYoungest(told, words, steady())
    const at = now()
    const time = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {name: `${name}.${createHash('sha256').update(`${words} ${at}`).digest('hex').slice(0, 16)}`, namespace},
      involvedObject: {apiVersion: on.apiVersion, kind: on.kind, namespace, name, ...(uid !== undefined && {uid})},
      type,
      reason,
      // The API server refuses longer ones.
      message: message.slice(0, 1024),
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: {component: COMPONENT},
    }
    log[type === 'Warning' ? 'warn' : 'info'](about(on, on.metadata), `${reason}: ${message}`)
    client.create(EVENTS, event, {signal}).catch((error: unknown) => {
      if (signal.aborted || isConflict(error)) return
      log.warn({...about(on, on.metadata), error: error instanceof Error ? error.message : String(error)}, 'an Event was not written')
    })
  }
}
