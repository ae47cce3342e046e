/** The words nearest to what was typed, the nearest first, at most three; none where nothing is near. */
export function nearest(typed: string, known: readonly string[]): readonly string[] {
  const word = typed.toLowerCase()
  // A third of the letters may be wrong, and a word that is only begun counts as near.
  const limit = Math.max(1, Math.floor(word.length / 3))
  return known
    .map((each) => ({each, distance: word.length > 1 && each.toLowerCase().startsWith(word) ? 0.5 : distance(word, each.toLowerCase())}))
    .filter(({distance: far}) => far <= limit)
    .toSorted((a, b) => a.distance - b.distance || a.each.localeCompare(b.each))
    .slice(0, 3)
    .map(({each}) => each)
}

/** `did you mean "a" or "b"?`, as a list of next steps; empty where nothing is near. */
export function didYouMean(typed: string, known: readonly string[]): readonly string[] {
  const near = nearest(typed, known)
  return near.length === 0 ? [] : [`did you mean ${near.map((each) => `"${each}"`).join(' or ')}?`]
}

/** Letters to insert, delete, replace, or swap with their neighbour (Damerau's distance, restricted). */
const distance = (from: string, to: string): number => {
  let before: readonly number[] = []
  let last: readonly number[] = Array.from({length: to.length + 1}, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const now = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1
      let best = Math.min((last[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + same)
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        best = Math.min(best, (before[column - 2] ?? 0) + 1)
      now.push(best)
    }
    before = last
    last = now
  }
  return last[to.length] ?? 0
}
