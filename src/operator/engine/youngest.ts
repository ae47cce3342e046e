/** Objects come and go; what is remembered of them is bounded. One that was forgotten is as one that was never seen. */
const MOST = 10_000

/** Sets a key of a map that keeps those that were set last; `most`: fewer, where each is large. */
export function rememberYoungest<T>(map: Map<string, T>, key: string, value: T, most = MOST): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= most) break
    map.delete(oldest)
  }
}
