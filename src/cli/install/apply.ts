import type {KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing} from '../../kube/errors.ts'
import {warn} from '../output.ts'
import {FIELD_MANAGER} from '../write.ts'
import {kindOf} from './kinds.ts'

export type Change = 'created' | 'configured' | 'unchanged'

export interface ApplyCall {
  readonly client: KubeClient
  readonly dryRun: boolean
  /** Absent: the server's warnings are told. */
  readonly onWarning?: (text: string) => void
  readonly signal: AbortSignal
}

/** Server-side apply of one object of an installation, with what became of it in kubectl's words. What others have set of it is taken over. */
export async function applyObject(object: KubeObject, {client, dryRun, onWarning = warn, signal}: ApplyCall): Promise<Change> {
  const kind = kindOf(object)
  const before = await client.get(kind, object.metadata, {signal}).catch(ifMissing(undefined))
  const after = await client.apply(kind, object, {fieldManager: FIELD_MANAGER, force: true, dryRun, onWarning, signal})
  if (!before) return 'created'
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? 'unchanged' : 'configured'
}
