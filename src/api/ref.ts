import type {KubeObject, Ref} from './object.ts'

/** How an object is addressed. */
export const refOf = ({metadata}: KubeObject): Ref => refIn({metadata}, metadata.name)

/** How an object of this name beside it, in the same namespace, is addressed. */
export const refIn = ({metadata: {namespace}}: Pick<KubeObject, 'metadata'>, name: string): Ref => ({
  name,
  ...(namespace !== undefined && {namespace}),
})

/** `namespace/name`, for maps. */
export const keyOf = ({namespace = '', name}: Ref): string => `${namespace}/${name}`
