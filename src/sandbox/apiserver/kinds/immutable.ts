/** What nobody may change once it is there: the contents of maps and secrets that say so, types, roles that are bound. */
import {type Cause, forbiddenField, invalidValue} from '../errors.ts'
import {type ApiObject, isEqual, type JsonObject, objectAt} from '../json.ts'

const IMMUTABLE = 'field is immutable when `immutable` is set'

const keptBy =
  (...fields: readonly string[]) =>
  (object: ApiObject, old: ApiObject | undefined): readonly Cause[] => {
    if (old?.['immutable'] !== true) return []
    const isFreed = object['immutable'] !== true
    const changed = fields.filter((field) => !isEqual(object[field], old[field]))
    return [...(isFreed ? ['immutable'] : []), ...changed].map((field) => forbiddenField(field, IMMUTABLE))
  }

export const keptConfigMap = keptBy('data', 'binaryData')

const keptData = keptBy('data')
export const keptSecret = (secret: ApiObject, old: ApiObject | undefined): readonly Cause[] => [
  ...(old && secret['type'] !== old['type'] ? [invalidValue('type', secret['type'], 'field is immutable')] : []),
  ...keptData(secret, old),
]

export const keptRole = (binding: ApiObject, old: ApiObject | undefined): readonly Cause[] =>
  old && !isEqual(binding['roleRef'], old['roleRef'])
    ? [invalidValue('roleRef', asInGo(objectAt(binding, 'roleRef')), 'field is immutable')]
    : []

/** The real server prints the fields of its own structure. */
const asInGo = ({apiGroup, kind, name}: JsonObject): object => ({APIGroup: apiGroup, Kind: kind, Name: name})
