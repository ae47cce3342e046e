/** Messages that Dask takes only on a stream of its own: they have no reply (contract 4.5, steps 4 and 6). */
import {NotSent, TOO_LATE} from '../kube/errors.ts'
import {openComm} from './comm.ts'
import {type Dial, dialWithin} from './dial.ts'

export interface StreamOptions {
  readonly port: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Asked right before the messages are sent; a no rejects with NotSent. */
  readonly maySend?: () => boolean
}

const STIMULUS = 'dask-operator'

const sendOnStream = async (dial: Dial, {port, timeoutMs, signal, maySend}: StreamOptions, messages: readonly object[]): Promise<void> => {
  const comm = await openComm(await dialWithin(timeoutMs, dial, port, signal), {timeoutMs})
  if (maySend && !maySend()) {
    comm.close()
    throw new NotSent(TOO_LATE)
  }
  comm.send({op: 'connection_stream', reply: false})
  comm.send(messages)
  comm.send([{op: 'close-stream'}])
  comm.close()
}

/** Has the scheduler give tasks that wait on a draining worker to others: such a worker never starts them. */
export const reschedule = (dial: Dial, options: StreamOptions, worker: string, keys: readonly unknown[]): Promise<void> =>
  sendOnStream(
    dial,
    options,
    keys.map((key) => ({op: 'reschedule', key, worker, stimulus_id: `${STIMULUS}-reschedule`})),
  )

/** Lets a draining worker back in: it runs its queue again and gets new tasks. `dial` and `port` are the worker's own. */
export const reinstate = (dial: Dial, options: StreamOptions): Promise<void> =>
  sendOnStream(dial, options, [{op: 'worker-status-change', status: 'running', stimulus_id: `${STIMULUS}-reinstate`}])

/** Has a worker begin nothing any more, whatever it holds: a scheduler drains only those whose results can move. `dial` and `port` are the worker's own. */
export const standDown = (dial: Dial, options: StreamOptions): Promise<void> =>
  sendOnStream(dial, options, [{op: 'worker-status-change', status: 'closing_gracefully', stimulus_id: `${STIMULUS}-stand-down`}])
