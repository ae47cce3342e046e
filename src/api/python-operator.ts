import type {Pod} from './core.ts'
import {controllerOf} from './ownership.ts'

/** What a Deployment's ReplicaSet puts on its pods; it stays on those that were taken over. */
const LABEL_TEMPLATE = 'pod-template-hash'

/** The Python operator made it, whoever keeps it now: each of its pods came from a Deployment. */
export const isMadeByPythonOperator = ({metadata}: Pod): boolean => metadata.labels?.[LABEL_TEMPLATE] !== undefined

/** A Deployment of the Python operator keeps it, or did until that was taken away: it waits to be taken over. */
export const isOfPythonOperator = (pod: Pod): boolean => {
  const controller = controllerOf(pod)
  return isMadeByPythonOperator(pod) && (controller === undefined || controller.kind === 'ReplicaSet')
}
