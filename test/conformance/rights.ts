/** Least privilege, proven: the whole suite runs under the operator's own roles, and the API server's audit log says what it made of them. */
import {readFile} from 'node:fs/promises'
import {LEADING, LOOKING, type Rule, SECURING, SERVING} from '../../src/cli/install/roles.ts'

/** What is read here of an audit event (audit.k8s.io/v1). */
interface AuditEvent {
  readonly verb: string
  readonly requestURI: string
  readonly objectRef?: {readonly apiGroup?: string; readonly resource: string; readonly subresource?: string}
  readonly annotations?: Readonly<Record<string, string>>
}

/** Quotas and namespaces that are ending answer 403 too: this one says that it was for want of rights. */
const DECISION = 'authorization.k8s.io/decision'

/** Rights that no request of this suite shows, each with its reason. */
const SILENT: readonly RegExp[] = [
  // The API server asks for them itself when an owner reference is written (OwnerReferencesPermissionEnforcement).
  /\/finalizers update$|\/daskautoscalers delete$/,
  // A watch begins with its list where the server streams it, as this one does; others are listed. What is in doubt after a lost answer is read.
  /^(kubernetes\.dask\.org\/[a-z]+|\/pods|\/services|(networking\.k8s\.io|gateway\.networking\.k8s\.io|policy)\/[a-z]+) (get|list)$/,
  // A scheduler's pod on a node that is out of service may be removed by Kubernetes' own collector before the operator asks for the node.
  /^\/nodes get$/,
]
const isSilent = (right: string): boolean => SILENT.some((reason) => reason.test(right))

const rightsOf = (rules: readonly Rule[]): readonly string[] =>
  rules.flatMap(({apiGroups, resources, verbs}) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`))),
  )

/** Rejects with each request that was refused and, after a whole suite, with each right that nothing has made use of. */
export async function judgeRights(auditLog: string, {isWhole}: {readonly isWhole: boolean}): Promise<void> {
  const events = (await readFile(auditLog, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
  if (events.length === 0) throw new Error(`${auditLog} has no request of the operator: nothing is proven`)
  const refused = events
    .filter(({annotations}) => annotations?.[DECISION] === 'forbid')
    .map(({verb, requestURI}) => `${verb} ${requestURI}`)
  if (refused.length > 0) throw new Error(`the operator's roles do not allow what it asks for: ${[...new Set(refused)].join(', ')}`)
  const used = new Set(
    events.flatMap(({verb, objectRef: ref}) =>
      ref ? [`${ref.apiGroup ?? ''}/${ref.resource}${ref.subresource ? `/${ref.subresource}` : ''} ${verb}`] : [],
    ),
  )
  const unused = rightsOf([...SERVING, ...LEADING, ...LOOKING, ...SECURING]).filter((right) => !isSilent(right) && !used.has(right))
  if (isWhole && unused.length > 0) throw new Error(`the operator has rights that nothing makes use of: ${unused.join(', ')}`)
}
