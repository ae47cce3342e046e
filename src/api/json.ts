/** Deep equality of JSON values. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a).filter((name) => (a as Record<string, unknown>)[name] !== undefined)
  const others = Object.keys(b).filter((name) => (b as Record<string, unknown>)[name] !== undefined)
  return (
    names.length === others.length &&
    names.every((name) => isEqual((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]))
  )
}

/** The JSON merge patch (RFC 7386) that makes `before` into `after`; `undefined` where they are the same. Lists are replaced whole. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (isEqual(before, after)) return undefined
  if (!isRecord(before) || !isRecord(after)) return after
  const patch: Record<string, unknown> = {}
  for (const name of Object.keys(before)) if (after[name] === undefined && before[name] !== undefined) patch[name] = null
  for (const [name, value] of Object.entries(after)) {
    const inner = mergePatch(before[name], value)
    if (inner !== undefined) patch[name] = inner
  }
  return patch
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
