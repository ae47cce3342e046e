import type {Condition, Kind, KubeObject, Ref} from '../../api/object.ts'
import type {Cache} from '../../kube/informer.ts'

/**
 * The contract between the engine and a controller: `observe` reads and decides nothing, `plan` decides everything and
 * does no I/O, the engine carries the plan out (design section 3).
 */

/**
 * POST; `metadata.name` must be set. 409 is not an error: the name's uniqueness is the guard.
 * The engine adds the controller ownerReference to the owner; builders leave it out.
 */
export interface Create {
  readonly do: 'create'
  readonly kind: Kind
  readonly object: KubeObject
}

/** JSON merge patch of the main resource, refused by the server unless `uid` (and `resourceVersion`) still hold. */
export interface Patch {
  readonly do: 'patch'
  readonly kind: Kind
  readonly ref: Ref
  readonly uid: string
  readonly resourceVersion?: string
  readonly patch: Readonly<Record<string, unknown>>
}

/** DELETE with the UID as precondition; 404 and a UID that no longer holds are not errors. */
export interface Delete {
  readonly do: 'delete'
  readonly kind: Kind
  readonly ref: Ref
  readonly uid: string
  /** For an object that may only go as it was seen; a 409 then means: look again. */
  readonly resourceVersion?: string
  readonly why: string
  readonly gracePeriodSeconds?: number
}

/** A Kubernetes Event on the owner; equal events are aggregated. */
export interface Tell {
  readonly do: 'tell'
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export type Action = Create | Patch | Delete | Tell

export interface Plan<Status, Own extends {readonly do: string} = never> {
  /**
   * Data, carried out in stages: actions of one inner array run in parallel (bounded), the arrays one after another;
   * a failure in a stage stops the later ones. Each action is idempotent.
   */
  readonly stages: readonly (readonly (Action | Own)[])[]
  /** What is true now, computed afresh. `undefined`: leave the status alone. */
  readonly status: Status | undefined
  /** Milliseconds; only when time itself may change the answer. */
  readonly wakeAfter?: number
}

/** Whether the lease is certainly held at this moment: a process that was stopped and goes on learns of its loss only after its first writes. */
export type IsHeld = () => boolean

/** What a controller may read: the caches of the kinds that it named, synced. */
export interface Reader {
  cache<T extends KubeObject>(kind: Kind<T>): Cache<T>
  /** In which words the server refuses an optional kind (its cache is empty then); it is asked once more by that. `undefined`: it does not. */
  refusal(kind: Kind): string | undefined
}

export interface Controller<Owner extends KubeObject & {readonly status?: unknown}, World, Own extends {readonly do: string} = never> {
  readonly kind: Kind<Owner>
  /**
   * Called once the caches are synced and this process leads: `enqueue` has an owner looked at again when something outside
   * the API server (a retirement under way) has changed its answer. What it starts ends with `signal`, and changes nothing outside the API server
   * while `isHeld` says no: a process that was stopped and goes on hears of `signal` too late.
   */
  start?(enqueue: (ref: Ref) => void, signal: AbortSignal, isHeld: IsHeld): void
  /** Kinds whose objects carry a controller ownerReference to the owner; a change enqueues the owner (old and new one). */
  readonly owns: readonly Kind[]
  /** Those of them that the server may not serve, or not to this operator: the others are worked on all the same. */
  readonly optional?: readonly Kind[]
  readonly watches?: readonly Watch[]
  /** Kinds that it creates or patches without watching them: what it has to know of them, `observe` asks the API server. */
  readonly writes?: readonly Kind[]
  /** Conditions of its status that are told by Events, too. */
  readonly notables?: readonly Notable[]
  /** `owner`, as all that the reader has, is without nulls (law 5); it has no deletionTimestamp. */
  observe(owner: Owner, reader: Reader, signal: AbortSignal): Promise<World> | World
  plan(owner: Owner, world: World, now: number): Plan<NonNullable<Owner['status']>, Own>
  /** Carries out the controller's own actions (say, retiring workers through a scheduler); must be idempotent. */
  act?(owner: Owner, action: Own, signal: AbortSignal): Promise<void>
  /** How a failed action is told in the status; `error` is in the server's own words. */
  failed(status: NonNullable<Owner['status']>, failure: Failure, now: number): NonNullable<Owner['status']>
}

/** A condition of which people want to hear when it comes: it becomes an Event, too. */
export interface Notable {
  /** Of the condition. */
  readonly of: string
  /** Absent: whatever it is. */
  readonly status?: Condition['status']
  /** Absent: all. */
  readonly reasons?: readonly string[]
  readonly type: Tell['type']
}

/** Another kind that is read. */
export interface Watch {
  readonly kind: Kind
  /** The owners to look at again when such an object comes, changes or goes. */
  readonly keysOf: (object: KubeObject, reader: Reader) => readonly Ref[]
  /** One look does for all changes of so long, where there may be hundreds of them; absent: each is looked at at once. */
  readonly afterMs?: number
}

export interface Failure {
  readonly reason: string
  readonly message: string
  /** Terminal: no retry until the object changes (validation, 400, 422). */
  readonly terminal: boolean
  /** What was to be written; absent for the controller's own actions. */
  readonly kind?: Kind
}
