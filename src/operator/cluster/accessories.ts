import type {DaskCluster} from '../../api/dask.ts'
import {HTTP_ROUTES, INGRESSES, NETWORK_POLICIES, POD_DISRUPTION_BUDGETS} from '../../api/networking.ts'
import type {KubeObject} from '../../api/object.ts'
import {isOfPredecessor} from '../../api/ownership.ts'
import type {Action} from '../engine/contract.ts'
import {schedulerBudget} from './disruption-budget.ts'
import {keep} from './keep.ts'
import {schedulerPolicy, workersPolicy} from './network-policy.ts'
import {schedulerIngress, schedulerRoute} from './routes.ts'
import type {Accessories, ClusterWorld} from './world.ts'

/** What a cluster has beside its pods where its spec asks for it: policies that guard them, a budget, and ways to the dashboard. */
export interface AccessorySteps {
  /** To be there before the pods are: nobody is to reach one that is not guarded yet. */
  readonly guard: readonly Action[]
  readonly expose: readonly Action[]
}

/** Those of an earlier cluster of the same name, which go soon. Where somebody else has the name, only the object itself cannot be made. */
export const heldBefore = (
  cluster: DaskCluster,
  {schedulerPolicy: scheduler, workersPolicy: workers, budget, ingress, httpRoute}: Accessories,
): readonly KubeObject[] =>
  [scheduler, workers, budget, ingress, httpRoute].filter((each) => each !== undefined).filter((each) => isOfPredecessor(each, cluster))

export function accessorySteps(cluster: DaskCluster, {accessories: live}: ClusterWorld): AccessorySteps {
  const policy = {kind: NETWORK_POLICIES, isExact: true}
  return {
    guard: [
      ...keep(cluster, {...policy, wanted: schedulerPolicy(cluster, live.operatorNamespace), live: live.schedulerPolicy}),
      ...keep(cluster, {...policy, wanted: workersPolicy(cluster, live.operatorNamespace), live: live.workersPolicy}),
    ],
    expose: [
      ...keep(cluster, {kind: POD_DISRUPTION_BUDGETS, wanted: schedulerBudget(cluster), live: live.budget}),
      ...keep(cluster, {kind: INGRESSES, wanted: schedulerIngress(cluster), live: live.ingress}),
      ...(live.noHttpRoutes === undefined ? keep(cluster, {kind: HTTP_ROUTES, wanted: schedulerRoute(cluster), live: live.httpRoute}) : []),
    ],
  }
}
