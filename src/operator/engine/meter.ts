/** What the engine tells of its work as it happens; how it stands, `health.ts` tells when it is asked. */
export interface Meter {
  /** One run of one key of this kind (plural) has ended. */
  reconciled(kind: string, isSuccessful: boolean, ms: number): void
}

/** The same work, of which the meter is told. */
export const metered =
  <T>(meter: Meter | undefined, kind: string, work: (key: string) => Promise<T>) =>
  async (key: string): Promise<T> => {
    const started = performance.now()
    let isSuccessful = false
    try {
      const result = await work(key)
      isSuccessful = true
      return result
    } finally {
      meter?.reconciled(kind, isSuccessful, performance.now() - started)
    }
  }
