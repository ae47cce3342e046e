import {KubeError} from '../../kube/errors.ts'
import {checkSchedulers} from './clusters.ts'
import {type Check, type DoctorCall, type Finding, warning} from './finding.ts'
import {checkOrphans, checkStuck} from './leftovers.ts'
import {checkInstallation, checkOperator, checkProgress, checkRival} from './operator.ts'
import {checkDefinitions, checkNamesakes, checkRights, checkServer} from './server.ts'

/** Not found, and the sandbox's Not Implemented. */
const NOT_SERVED: ReadonlySet<number> = new Set([404, 501])

/** In the order in which one thing needs the other. */
const CHECKS: readonly Check[] = [
  checkServer,
  checkDefinitions,
  checkNamesakes,
  checkOperator,
  checkInstallation,
  checkRival,
  checkRights,
  checkProgress,
  checkSchedulers,
  checkOrphans,
  checkStuck,
]

/** Every check in turn; what cannot be looked at is a finding too. Rejects when no server answers. */
export async function diagnose(call: DoctorCall, report: (finding: Finding) => void): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const check of CHECKS) {
    const found = await check(call).catch((error: unknown) => {
      // Without a server there is nothing to look at; a right that is missing hides one thing alone.
      if (error instanceof KubeError && error.status === 403)
        return [
          warning(
            'permission',
            error.message,
            'ask the administrator of the cluster for this permission, or run doctor as somebody who has it',
          ),
        ]
      // What the server does not serve is not there: missing definitions are told.
      if (error instanceof KubeError && NOT_SERVED.has(error.status)) return []
      throw error
    })
    // One right may hide several things.
    const fresh = found.filter(({found: what}) => !findings.some((known) => known.found === what))
    for (const finding of fresh) report(finding)
    findings.push(...fresh)
  }
  return findings
}
