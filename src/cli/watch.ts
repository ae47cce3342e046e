import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {isForbidden, KubeError} from '../kube/errors.ts'
import type {Cache} from '../kube/informer.ts'
import {brokenWatch} from './broken-watch.ts'
import {formatDuration} from './duration.ts'
import {warn} from './output.ts'
import {EXIT, UserError} from './user-error.ts'

/** The longest time that a Node.js timer can count. */
const FOREVER_MS = 2 ** 31 - 1

export interface Scope {
  readonly namespace: string
  readonly name?: string
  readonly labelSelector?: string
  /** What would be missing: somebody without the right to look is told so once (unless it is empty), and sees none of these objects. */
  readonly orWithout?: string
}

/** What a look found: the end with its value, or a time after which only the clock may have changed the answer. */
export type Look<T> = {readonly done: T} | {readonly again?: number}

export interface UntilOptions {
  readonly timeoutMs: number
  /** The time that the sentence tells, where a part of it was over before. */
  readonly ofMs?: number
  /** The fact for the time-out's sentence: what is still missing. */
  readonly waitingFor: () => string
}

export interface Watch {
  /** A cache that follows the objects of this scope; ask before `until`. */
  see<T extends KubeObject>(kind: Kind<T>, scope: Scope): Cache<T>
  /**
   * Looks at the caches at each change until there is an end. Never polls.
   * Rejects with what `look` throws, when the signal is aborted, when the first list fails, and (exit code 124) when the time is up.
   */
  until<T>(look: () => Look<T>, options: UntilOptions): Promise<T>
  /** Resolves when `isSo`, or after the time given, whichever comes first. */
  change(atMostMs: number, isSo: () => boolean): Promise<void>
  close(): void
}

const asksToWait = (error: unknown): boolean =>
  error instanceof KubeError && (error.status === 429 || error.status >= 500) && error.retryAfter !== undefined

/** Follows objects on the API server, for commands that wait. */
export async function openWatch(client: KubeClient, signal: AbortSignal): Promise<Watch> {
  const {startInformer} = await import('../kube/start-informer.ts')
  const stop = new AbortController()
  const firstLists: Promise<unknown>[] = []
  const listeners = new Set<() => void>()
  const failed = Promise.withResolvers<never>()
  // Told through `until`; without one under way nobody waits for it.
  failed.promise.catch(() => undefined)
  const broken = brokenWatch('the watch is broken off, and tried again')
  const awaited = brokenWatch('the watch cannot begin yet, and is tried again')
  const changed = (): void => {
    broken.heard()
    for (const listener of listeners) listener()
  }
  const until = async <T>(look: () => Look<T>, {timeoutMs, ofMs = timeoutMs, waitingFor}: UntilOptions): Promise<T> => {
    signal.throwIfAborted()
    const {promise, resolve, reject} = Promise.withResolvers<T>()
    let alarm: NodeJS.Timeout | undefined
    const lookAgain = (): void => {
      clearTimeout(alarm)
      try {
        const found = look()
        if ('done' in found) resolve(found.done)
        else if (found.again !== undefined) alarm = setTimeout(lookAgain, found.again)
      } catch (error) {
        reject(error)
      }
    }
    const onAbort = (): void => reject(signal.reason)
    const onTimeout = (): void =>
      reject(
        new UserError(`after ${ofMs < 1000 ? `${ofMs}ms` : formatDuration(ofMs)}, ${waitingFor()}`, {
          exitCode: EXIT.timedOut,
        }),
      )
    const deadline = setTimeout(onTimeout, Math.min(timeoutMs, FOREVER_MS))
    signal.addEventListener('abort', onAbort, {once: true})
    try {
      await Promise.race([Promise.all(firstLists), failed.promise, promise])
      listeners.add(lookAgain)
      lookAgain()
      return await Promise.race([promise, failed.promise])
    } finally {
      clearTimeout(deadline)
      clearTimeout(alarm)
      listeners.delete(lookAgain)
      signal.removeEventListener('abort', onAbort)
    }
  }
  return {
    see: (kind, {namespace, name, labelSelector, orWithout}) => {
      let synced = false
      const own = new AbortController()
      const refused = Promise.withResolvers<void>()
      const onRefusal = (error: unknown): void => {
        if (orWithout === undefined || !isForbidden(error)) {
          failed.reject(error)
          return
        }
        if (orWithout !== '') warn(`${orWithout}: ${error.message}`)
        own.abort()
        refused.resolve()
      }
      const informer = startInformer({
        client,
        kind,
        namespace,
        ...(labelSelector !== undefined && {labelSelector}),
        ...(name !== undefined && {fieldSelector: `metadata.name=${name}`}),
        signal: AbortSignal.any([stop.signal, own.signal]),
        onChange: changed,
        // The first list tells whether it can work at all, but for a server that asks for a moment (new definitions are being taken in, say).
        onError: (error) => {
          if (synced) broken.tell(error)
          else if (asksToWait(error)) awaited.tell(error)
          else onRefusal(error)
        },
      })
      informer.synced.then(
        () => {
          synced = true
        },
        () => undefined,
      )
      firstLists.push(Promise.race([informer.synced, refused.promise]))
      return informer
    },
    until,
    change: async (atMostMs, isSo) => {
      const end = performance.now() + atMostMs
      const look = (): Look<true> => {
        const left = end - performance.now()
        return left <= 0 || isSo() ? {done: true} : {again: Math.ceil(left)}
      }
      await until(look, {timeoutMs: Number.POSITIVE_INFINITY, waitingFor: () => ''})
    },
    close: () => stop.abort(),
  }
}
