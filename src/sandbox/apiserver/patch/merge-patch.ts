/** JSON Merge Patch (RFC 7386). */
import {isObject, type JsonObject} from '../json.ts'

/** Null removes a field, an object goes deeper, anything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = {...(isObject(target) ? target : {})}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field]
    else merged[field] = mergePatch(merged[field], value)
  }
  return merged as JsonObject
}
