/** `meta.k8s.io/v1` Tables: what `kubectl get` prints. */
import type {ApiObject} from '../json.ts'
import type {Column} from './column.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableOptions {
  readonly columns: readonly Column[]
  readonly include: IncludeObject
  readonly now: number
}

/** `headers: false` for the later events of a watch. */
export const tableOf = (objects: readonly ApiObject[], metadata: object, options: TableOptions, headers = true): object => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
  columnDefinitions: headers ? options.columns.map(headerOf) : null,
  rows: objects.map((object) => ({
    cells: options.columns.map((column) => column.cell(object, options.now)),
    object: options.include === 'None' ? null : options.include === 'Object' ? object : partialMetadata(object),
  })),
})

export const partialMetadata = (object: ApiObject): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object.metadata,
})

const headerOf = ({name, type, format = '', description = '', priority = 0}: Column): object => ({
  name,
  type,
  format,
  description: description || `${name} of the object.`,
  priority,
})
