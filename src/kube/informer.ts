import type {Kind, KubeObject, Ref} from '../api/object.ts'
import type {KubeClient} from './client.ts'

/** What an informer knows, read-only: objects are frozen wire JSON without managedFields. */
export interface Cache<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>
  get(ref: Ref): T | undefined
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[]
  /** Objects with an ownerReference to this UID. */
  ownedBy(uid: string): readonly T[]
}

/**
 * Called for each object that came, changed or went; `before` is absent when it came, `after` when it went.
 * A relist that finds an object unchanged calls nothing.
 */
export type OnChange<T extends KubeObject> = (before: T | undefined, after: T | undefined) => void

export interface Informer<T extends KubeObject = KubeObject> extends Cache<T> {
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>
  /** Milliseconds since the watch last showed life (event, bookmark or completed list). */
  silence(): number
  /** Puts an object into the cache that was read or written beside the watch; older versions are ignored. */
  observe(object: T): void
  /** In which words the server refuses an optional kind; `undefined`: it does not. */
  refusal(): string | undefined
  /** Has the server asked once more for an optional kind that it does not serve. */
  retry(): void
  /** Lists anew, and resolves when what that list says is in the cache; it fails as little as the informer itself. */
  relist(): Promise<void>
  /** Takes an object out of the cache that a read beside the watch has shown to be gone. */
  forget(ref: Ref, uid: string): void
}

export interface InformerOptions<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What of each object is kept, and told; absent: all but managedFields. What it has kept, it leaves as it is. */
  readonly keep?: (object: T) => T
  /** The server may not serve it (404, asked for again only by `retry`), or not to us (403): that counts as an empty list. */
  readonly isOptional?: boolean
  readonly signal: AbortSignal
  readonly onChange?: OnChange<T>
  /** Told of each failed list or watch, before the next try; the informer itself never gives up. */
  readonly onError?: (error: unknown) => void
}

export type StartInformer = <T extends KubeObject>(options: InformerOptions<T>) => Informer<T>
