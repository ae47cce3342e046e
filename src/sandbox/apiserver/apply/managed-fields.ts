/** Who owns which field: kept up to date by every write, decided by server-side apply (k8s.io/apimachinery: util/managedfields). */
import {Refusal} from '../errors.ts'
import type {ApiObject, JsonObject, ManagedFieldsEntry} from '../json.ts'
import type {Schema} from '../schema.ts'
import {
  difference,
  EMPTY,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  isSame,
  paths,
  toFieldsV1,
  union,
  withoutBranches,
} from './field-set.ts'
import {differences, emptyObject, fieldsOf, merged, ownFields, withoutFields} from './typed.ts'

export interface Manager {
  readonly name: string
  readonly apiVersion: string
  readonly subresource: string | undefined
  /** RFC 3339, whole seconds. */
  readonly time: string
}

interface Owner extends Omit<ManagedFieldsEntry, 'fieldsV1' | 'fieldsType'> {
  readonly fields: FieldSet
}

/** Pods of one group have the same field sets: of each that is in use one object is kept, and its set is read once. */
const MOST_KNOWN = 512
const known = new Map<string, JsonObject>()
const sets = new WeakMap<object, FieldSet>()

const fieldsV1Of = (fields: FieldSet): JsonObject => {
  const made = toFieldsV1(fields)
  const text = JSON.stringify(made)
  const fieldsV1 = known.get(text) ?? made
  // The last one used stands last: the first goes when there are too many.
  known.delete(text)
  known.set(text, fieldsV1)
  sets.set(fieldsV1, fields)
  const [oldest] = known.keys()
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest)
  return fieldsV1
}

const ownersOf = (object: ApiObject | undefined): readonly Owner[] =>
  (object?.metadata.managedFields ?? [])
    .filter((entry) => entry.manager !== undefined)
    .map(({fieldsV1, fieldsType: _, ...entry}) => ({...entry, fields: sets.get(fieldsV1) ?? fromFieldsV1(fieldsV1)}))

const entriesOf = (owners: readonly Owner[]): readonly ManagedFieldsEntry[] =>
  owners
    .filter((owner) => !isEmpty(owner.fields))
    .sort((a, b) => compare(rank(a), rank(b)))
    .map(({fields, manager, operation, apiVersion, time, ...rest}) => ({
      apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsV1Of(fields),
      manager,
      operation,
      time,
      ...rest,
    }))

/** Applied fields first, then by age. */
const rank = ({operation, time, manager, apiVersion, subresource = ''}: Owner): string =>
  [operation, time, manager, apiVersion, subresource].join('\n')
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const isOf = (owner: Owner, manager: Manager, operation: Owner['operation']): boolean =>
  owner.manager === manager.name &&
  owner.operation === operation &&
  owner.subresource === manager.subresource &&
  (operation === 'Apply' || owner.apiVersion === manager.apiVersion)

const ownerFor = (manager: Manager, operation: Owner['operation'], fields: FieldSet): Owner => ({
  manager: manager.name,
  operation,
  apiVersion: manager.apiVersion,
  time: manager.time,
  fields,
  ...(manager.subresource && {subresource: manager.subresource}),
})

/** Books a plain write: what it changed is now the manager's, what it changed or removed is nobody else's. */
export function afterUpdate(schema: Schema | undefined, before: ApiObject | undefined, after: ApiObject, manager: Manager): ApiObject {
  const fresh = {metadata: {}, ...ownFields(after)}
  const {changed, removed} = differences(schema, before ? {metadata: {}, ...ownFields(before)} : emptyObject(schema, fresh), fresh)
  // A writer that sends other managedFields than it read means to change them (kubectl moving to server-side apply does).
  const owners = ownersOf(after.metadata.managedFields ? after : before)
  if (isEmpty(changed) && isEmpty(removed)) return withEntries(after, entriesOf(owners))
  const others = owners.filter((owner) => !isOf(owner, manager, 'Update')).map((owner) => without(owner, union(changed, removed)))
  const mine = owners.find((owner) => isOf(owner, manager, 'Update'))
  const fields = difference(union(mine?.fields ?? EMPTY, changed), removed)
  const own = mine && isSame(mine.fields, fields) ? mine : ownerFor(manager, 'Update', fields)
  return withEntries(after, entriesOf([...others, own]))
}

const without = (owner: Owner, gone: FieldSet): Owner => ({...owner, fields: difference(owner.fields, gone)})

const withEntries = (object: ApiObject, managedFields: readonly ManagedFieldsEntry[]): ApiObject => {
  const {managedFields: _, ...metadata} = object.metadata
  return {...object, metadata: managedFields.length > 0 ? {...metadata, managedFields} : metadata}
}

/**
 * Server-side apply: `config` merged into `live`, minus what this manager applied before and leaves out now.
 * Refuses with 409 when a field of another manager would change, unless `force`: then the field changes hands.
 */
export function apply(
  schema: Schema | undefined,
  live: ApiObject | undefined,
  config: JsonObject,
  manager: Manager,
  force: boolean,
): JsonObject {
  const owners = ownersOf(live)
  const wanted = fieldsOf(schema, ownFields(config), true)
  const others = owners.filter((owner) => !isOf(owner, manager, 'Apply'))
  const previous = owners.find((owner) => isOf(owner, manager, 'Apply'))
  const shared = others.reduce((all, owner) => union(all, owner.fields), wanted)
  const gone = difference(previous?.fields ?? EMPTY, shared)
  const both = merged(schema, live ?? {}, config)
  const object = withoutFields(schema, both, gone, shared) as JsonObject

  const {changed, removed} = differences(schema, live ? ownFields(live) : {}, ownFields(object))
  const clashes = others.map((owner) => ({owner, fields: intersection(owner.fields, changed)})).filter(({fields}) => !isEmpty(fields))
  if (clashes.length > 0 && !force) throw applyConflict(clashes)
  const left = others.map((owner) => ({...owner, fields: withoutBranches(difference(owner.fields, union(changed, removed)), removed)}))
  const own =
    previous && isSame(previous.fields, wanted) && previous.apiVersion === manager.apiVersion
      ? previous
      : ownerFor(manager, 'Apply', wanted)
  return withEntries(object as ApiObject, entriesOf([...left, own]))
}

const applyConflict = (clashes: readonly {readonly owner: Owner; readonly fields: FieldSet}[]): Refusal => {
  const each = clashes.flatMap(({owner, fields}) => paths(fields).map((path) => ({manager: named(owner), path})))
  const causes = each.map(({manager, path}) => ({reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path}))
  const [first] = each
  if (each.length === 1 && first)
    return new Refusal(409, 'Conflict', `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.path}`, {causes})
  const lines = [...new Set(each.map(({manager}) => manager))]
    .sort()
    .flatMap((manager) => [`conflicts with ${manager}:`, ...each.filter((clash) => clash.manager === manager).map(({path}) => `- ${path}`)])
  return new Refusal(409, 'Conflict', `Apply failed with ${each.length} conflicts: ${lines.join('\n')}`, {causes})
}

const named = (owner: Owner): string => {
  const name = owner.subresource ? `"${owner.manager}" with subresource "${owner.subresource}"` : `"${owner.manager}"`
  return owner.operation === 'Update' ? `${name} using ${owner.apiVersion}` : name
}
