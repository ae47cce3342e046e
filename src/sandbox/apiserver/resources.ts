/** What the server serves: one `Resource` for each kind and version, built in or brought by a CRD. */
import type {Cause} from './errors.ts'
import type {ApiObject} from './json.ts'
import type {NameRule} from './names.ts'
import type {Schema} from './schema.ts'
import type {Store} from './store.ts'
import type {Column} from './table/column.ts'

/** What hooks may look at beside the object. */
export interface Ground {
  readonly store: Store
  readonly serviceCidr: string
}

/** What is special about a kind. Hooks are pure; they run before the object is stored. */
export interface Hooks {
  /** Fills in what a field means when it is left out; the writer owns these fields. */
  readonly defaults?: (object: ApiObject) => ApiObject
  /** Fills in what the server decides at creation; nobody owns these fields. */
  readonly start?: (object: ApiObject, ground: Ground) => ApiObject
  /** The same at an update. */
  readonly change?: (object: ApiObject, old: ApiObject, ground: Ground) => ApiObject
  readonly validate?: (object: ApiObject, old: ApiObject | undefined, ground: Ground) => readonly Cause[]
  /** What is accepted and still worth a word to the client. */
  readonly warn?: (object: ApiObject) => readonly string[]
  /** Another version's shape of what is stored (events in two groups). */
  readonly fromStored?: (object: ApiObject) => ApiObject
  readonly toStored?: (object: ApiObject) => ApiObject
}

export interface ScalePaths {
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  readonly labelSelectorPath?: string
}

export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  /** Where its objects are kept; versions of one kind share it. */
  readonly storage: string
  readonly isCustom: boolean
  /** Fields are typed (built in) or structural (custom); `undefined` keeps everything. */
  readonly schema: Schema | undefined
  readonly hasStatus: boolean
  readonly hasGeneration: boolean
  readonly scale?: ScalePaths
  /** Field selectors beside `metadata.name` and `metadata.namespace`. */
  readonly selectable: readonly string[]
  readonly columns: readonly Column[]
  readonly nameRule: NameRule
  /** To be awaited before a write: loads what judges it. */
  readonly ready?: () => Promise<void>
  readonly hooks: Hooks
}

export const apiVersionOf = ({group, version}: {readonly group: string; readonly version: string}): string =>
  group ? `${group}/${version}` : version

export interface Registry {
  find(group: string, version: string, plural: string): Resource | undefined
  /** By kind as owner references name it; `undefined` for kinds that are not served. */
  findKind(apiVersion: string, kind: string): Resource | undefined
  all(): readonly Resource[]
  /** Replaces what a CRD serves. */
  setCustom(crd: string, resources: readonly Resource[]): void
  /** Goes up with every change; caches of discovery hang on it. */
  generation(): number
}

export function makeRegistry(builtIn: readonly Resource[]): Registry {
  const custom = new Map<string, readonly Resource[]>()
  let byPath = new Map<string, Resource>()
  let byKind = new Map<string, Resource>()
  let every: readonly Resource[] = []
  let generation = 0
  const index = (): void => {
    every = [...builtIn, ...[...custom.values()].flat()]
    byPath = new Map(every.map((each) => [`${apiVersionOf(each)}/${each.plural}`, each]))
    byKind = new Map(every.map((each) => [`${apiVersionOf(each)}/${each.kind}`, each]))
    generation += 1
  }
  index()
  return {
    find: (group, version, plural) => byPath.get(`${apiVersionOf({group, version})}/${plural}`),
    findKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    all: () => every,
    setCustom: (crd, resources) => {
      if (resources.length > 0) custom.set(crd, resources)
      else custom.delete(crd)
      index()
    },
    generation: () => generation,
  }
}
