/** How workers may leave. */
export interface LeavePolicy {
  /** How long a worker may finish what it executes. */
  readonly timeoutMs: number
  /** What becomes of a worker that is not done in time: `keep` lets it work on. */
  readonly afterTimeout: 'keep' | 'delete'
  /** What becomes of one that the scheduler will not let go: where the scheduler itself goes next, its results go in any case. */
  readonly afterRefusal: 'keep' | 'delete'
}
