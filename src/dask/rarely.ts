/** Asks anew only when the last answer is older than this; a failure is nobody's answer but its own. */
export const rarely = <A, T>(ask: (about: A) => Promise<T>, everyMs: number): ((about: A) => Promise<T>) => {
  let last: {readonly at: number; readonly answer: Promise<T>} | undefined
  return (about) => {
    const now = performance.now()
    if (last && now - last.at < everyMs) return last.answer
    const fresh = {at: now, answer: ask(about)}
    last = fresh
    fresh.answer.catch(() => {
      if (last === fresh) last = undefined
    })
    return fresh.answer
  }
}
