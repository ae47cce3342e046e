import type {Ref} from '../api/object.ts'
import type {RetirementOutcome} from '../dask/retirement.ts'
import type {RunRetirement} from './workergroup/retirements.ts'

/** The same retirement, which tells how each worker's ended, and after how long. */
export const toldRetirement =
  (run: RunRetirement, tell: (cluster: Ref, outcome: RetirementOutcome, ms: number) => void): RunRetirement =>
  (cluster, addresses, options) => {
    const started = performance.now()
    return run(cluster, addresses, {
      ...options,
      report: (outcome) => {
        tell(cluster, outcome, performance.now() - started)
        options.report(outcome)
      },
    })
  }
