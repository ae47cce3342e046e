/** The numbers of a scheduler's tasks, which it sends by itself (`feed`, Dask's own way for progress bars). */
import {openComm, within} from './comm.ts'
import {type Dial, dialWithin} from './dial.ts'
import {SchedulerError, unwrapReply} from './message.ts'
import {parsedList, pickledEval} from './python-eval.ts'

/** Tasks by what they are at, and how many have ended since the scheduler began. */
export interface TaskNumbers {
  /** For others of which they need the result. */
  readonly waiting: number
  /** For a worker with room, or for any at all. */
  readonly queued: number
  readonly unrunnable: number
  /** With a worker: running or in its queue. */
  readonly processing: number
  readonly results: number
  readonly erred: number
  readonly done: number
}

export interface TaskFeed {
  /** The next numbers; rejects with a SchedulerError where the scheduler is told to run no function, and when it has gone. */
  next(): Promise<TaskNumbers>
  close(): void
}

export interface TaskFeedOptions {
  readonly port: number
  /** For the connection, and for numbers that are late. */
  readonly timeoutMs: number
  readonly everyMs: number
  readonly signal?: AbortSignal
}

const STATES = ['waiting', 'queued', 'no-worker', 'processing', 'memory', 'erred'] as const

/**
 * Read only. By kinds of tasks, which are few, and not by tasks: `json/counts.json` goes through all of them. `run_function` would write a
 * line into the scheduler's log each time.
 */
const TASKS =
  `lambda scheduler: __import__('json').dumps([*[sum(group.states.get(state, 0) for group in scheduler.task_groups.values()) ` +
  `for state in ${JSON.stringify(STATES)}], sum(prefix.state_counts.get(state, 0) for prefix in scheduler.task_prefixes.values() ` +
  `for state in ['memory', 'erred'])])`

/** A connection on which the scheduler tells its numbers at once and then again and again. */
export async function openTaskFeed(dial: Dial, {port, timeoutMs, everyMs, signal}: TaskFeedOptions): Promise<TaskFeed> {
  const stream = await dialWithin(timeoutMs, dial, port, signal)
  const comm = await openComm(stream, {timeoutMs})
  comm.send({op: 'feed', function: pickledEval(TASKS), interval: `${everyMs}ms`, reply: true})
  return {
    next: async () => {
      try {
        const reply = await within(everyMs + timeoutMs, comm.receive(), 'the scheduler does not tell the numbers of its tasks')
        return taskNumbersOf(unwrapReply('feed', reply))
      } catch (error) {
        comm.close()
        throw error
      }
    },
    close: () => comm.close(),
  }
}

const taskNumbersOf = (reply: unknown): TaskNumbers => {
  const numbers = parsedList(reply)
  const [waiting = 0, queued = 0, unrunnable = 0, processing = 0, results = 0, erred = 0, done] = numbers.map(Number)
  if (done === undefined || !numbers.every(Number.isFinite))
    throw new SchedulerError('the scheduler does not tell the numbers of its tasks')
  return {waiting, queued, unrunnable, processing, results, erred, done}
}
