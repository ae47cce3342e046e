import type {KubeObject, OwnerReference} from './object.ts'

export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(({controller}) => controller === true)

/** Whether this very object, not one of the same name before it, is the child's controller. */
export const isControlledBy = (child: KubeObject, owner: KubeObject): boolean =>
  owner.metadata.uid !== undefined && controllerOf(child)?.uid === owner.metadata.uid

/** Whether the child's controller is another object, of the owner's kind and name: one that was there before it. */
export const isOfPredecessor = (child: KubeObject, owner: KubeObject): boolean => {
  const controller = controllerOf(child)
  return controller?.kind === owner.kind && controller.name === owner.metadata.name && !isControlledBy(child, owner)
}
