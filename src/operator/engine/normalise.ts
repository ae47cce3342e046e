/**
 * The same JSON without nulls: members that are null go, nulls in lists too (law 5). One manifest keeps or loses its nulls depending on
 * who applied it; nothing may depend on that. Returns the very same object where it holds none.
 */
export function normalise<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const kept = value.filter((item) => item !== null).map((item) => normalise(item))
    return (kept.length === value.length && kept.every((item, index) => item === value[index]) ? value : kept) as T
  }
  const entries = Object.entries(value)
  const kept = entries.filter(([, member]) => member !== null).map(([name, member]) => [name, normalise(member)] as const)
  const isSame = kept.length === entries.length && kept.every(([name, member]) => member === (value as Record<string, unknown>)[name])
  return isSame ? value : (Object.fromEntries(kept) as T)
}
