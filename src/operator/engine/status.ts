import type {Kind, KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {discover} from '../../kube/discovery.ts'
import {isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import {withConditionTimes} from './conditions.ts'
import {isEqual, mergePatch} from './json.ts'

export interface StatusWriter {
  /** Patches the owner's status if it differs (law 6). Resolves whether a write was needed. */
  write(owner: KubeObject & {readonly status?: unknown}, status: object, signal: AbortSignal): Promise<boolean>
}

/**
 * Writes through `/status` where the installed CRD has it and through the main resource where it has not (upstream's CRDs).
 * A CRD can be changed under a running operator, so a 404 asks anew; and where the server prunes what it does not know, the same
 * status is not sent again and again.
 */
export function createStatusWriter(client: KubeClient, kind: Kind, informer: Informer): StatusWriter {
  let hasSubresource: boolean | undefined
  /** By UID: what was wanted last, and what the server made of it. */
  const last = new Map<string, {readonly wanted: object; readonly kept: unknown}>()

  const subresource = async (signal: AbortSignal): Promise<boolean> => {
    hasSubresource ??= (await discover(client, kind, signal))?.hasStatus ?? false
    return hasSubresource
  }

  const send = async (owner: KubeObject, patch: unknown, signal: AbortSignal): Promise<KubeObject & {readonly status?: unknown}> => {
    const body = {metadata: {uid: owner.metadata.uid}, status: patch}
    const through = (await subresource(signal)) ? ({subresource: 'status'} as const) : {}
    return client.patch(kind, owner.metadata, body, {type: 'merge', signal, fieldManager: 'dask-operator', ...through})
  }

  return {
    write: async (owner, fresh, signal) => {
      const status = withConditionTimes(owner.status, fresh)
      const uid = owner.metadata.uid ?? ''
      const patch = mergePatch(owner.status ?? {}, status)
      if (patch === undefined) return false
      const before = last.get(uid)
      if (before && isEqual(before.wanted, status) && isEqual(before.kept, owner.status)) return false
      let result: KubeObject & {readonly status?: unknown}
      try {
        result = await send(owner, patch, signal)
      } catch (error) {
        if (!isNotFound(error)) throw error
        hasSubresource = undefined
        try {
          result = await send(owner, patch, signal)
        } catch (again) {
          // The object itself is gone: its watch tells.
          if (isNotFound(again)) return false
          throw again
        }
      }
      last.set(uid, {wanted: status, kept: result.status})
      // Through the main resource of a CRD that has got the subresource meanwhile a status is dropped without a word.
      if (mergePatch(result.status ?? {}, status) !== undefined) hasSubresource = undefined
      informer.observe(result)
      for (const oldest of last.keys()) {
        if (last.size <= 10_000) break
        last.delete(oldest)
      }
      return true
    },
  }
}
