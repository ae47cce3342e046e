/** Persistent volume claims: each is bound as it is made, to a folder of the machine on which the sandbox runs. */
import {type Cause, notSupported, required} from '../errors.ts'
import {type ApiObject, listAt, objectAt, valueAt} from '../json.ts'

const MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

export const withClaimDefaults = (claim: ApiObject): ApiObject => ({
  ...claim,
  spec: {volumeMode: 'Filesystem', ...objectAt(claim, 'spec')},
})

export const bindClaim = (claim: ApiObject): ApiObject => ({
  ...claim,
  spec: {...objectAt(claim, 'spec'), volumeName: `pvc-${claim.metadata.uid}`},
  status: {phase: 'Bound', accessModes: [...listAt(claim['spec'], 'accessModes')], capacity: valueAt(claim, 'spec.resources.requests')},
})

export const validateClaim = (claim: ApiObject): readonly Cause[] => {
  const modes = listAt(claim['spec'], 'accessModes')
  return [
    ...(modes.length === 0 ? [required('spec.accessModes', 'at least 1 access mode is required')] : []),
    ...modes.filter((mode) => !MODES.includes(String(mode))).map((mode) => notSupported('spec.accessModes', mode, MODES)),
    ...(valueAt(claim, 'spec.resources.requests.storage') === undefined ? [required('spec.resources[storage]')] : []),
  ]
}
