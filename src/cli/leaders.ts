import type {Lease} from '../api/core.ts'

/** An operator that leads, by its lease. */
export interface Leader {
  readonly holder: string
  readonly namespace: string
  /** Of the lease. */
  readonly name: string
  readonly renewed: string
  readonly secondsSinceRenewal: number
}

/** Who holds these leases now; one that has not been renewed for its duration is nobody's. `now`: ms since 1970. */
export const leadersOf = (leases: readonly Lease[], now: number): readonly Leader[] =>
  leases.flatMap(({metadata, spec: {holderIdentity: holder = '', renewTime: renewed = '', leaseDurationSeconds = 0} = {}}) => {
    const age = (now - Date.parse(renewed)) / 1000
    if (holder === '' || !(age < leaseDurationSeconds)) return []
    return [
      {...{holder, renewed, namespace: metadata.namespace ?? '', name: metadata.name}, secondsSinceRenewal: Math.max(0, Math.round(age))},
    ]
  })
