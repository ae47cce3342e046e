import {expect, it} from 'vitest'
import type {Pod} from '../../../src/api/core.ts'
import {isOfPythonOperator} from '../../../src/api/python-operator.ts'
import {ownScheduler} from '../../../src/api/scheduler-pod.ts'
import {makeCluster, makeGroup, makePod} from '../operator/objects.ts'

const cluster = makeCluster()
const among = (...pods: readonly Pod[]) => ({
  get: ({name}: {readonly name: string}) => pods.find(({metadata}) => metadata.name === name),
  ownedBy: (uid: string) => pods.filter(({metadata}) => metadata.ownerReferences?.some((reference) => reference.uid === uid)),
})
const labelled = (pod: Pod, labels: Readonly<Record<string, string>>): Pod => ({...pod, metadata: {...pod.metadata, labels}})

it('a cluster finds its scheduler under its own name, or under another where it has been taken over', () => {
  const own = makePod('demo-scheduler', cluster)
  const taken = labelled(makePod('demo-scheduler-5bbf-crrdj', cluster), {'dask.org/component': 'scheduler'})
  const stranger = makePod('demo-scheduler', makeGroup(1))
  expect(ownScheduler(cluster, among(own, taken))).toBe(own)
  expect(ownScheduler(cluster, among(stranger, taken))).toBe(taken)
  expect(ownScheduler(cluster, among(stranger))).toBeUndefined()
})

it('a pod is the Python operator’s while a ReplicaSet keeps it, or nobody any more', () => {
  const hash = {'pod-template-hash': '5bbf'}
  const set = {apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: {name: 'a', uid: 'b'}}
  const nobodys = makePod('a', set)
  expect(isOfPythonOperator(labelled(makePod('a', set), hash))).toBe(true)
  expect(isOfPythonOperator(labelled({...nobodys, metadata: {name: 'a'}}, hash))).toBe(true)
  expect(isOfPythonOperator(labelled(makePod('a', cluster), hash))).toBe(false)
  expect(isOfPythonOperator({...nobodys, metadata: {name: 'a'}})).toBe(false)
})
