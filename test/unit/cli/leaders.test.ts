import {expect, it} from 'vitest'
import type {Lease} from '../../../src/api/core.ts'
import {leadersOf} from '../../../src/cli/leaders.ts'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const lease = (spec: Lease['spec']): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {name: 'dask-operator', namespace: 'default'},
  ...(spec && {spec}),
})

it('who holds a lease leads until its duration is over', () => {
  const renewed = '2026-11-24T11:59:50.000000Z'
  const held = lease({holderIdentity: 'a', renewTime: renewed, leaseDurationSeconds: 15})
  const leader = {holder: 'a', namespace: 'default', name: 'dask-operator', renewed, secondsSinceRenewal: 10}
  expect(leadersOf([held], NOW)).toEqual([leader])
  expect(leadersOf([held], NOW + 5_000)).toEqual([])
  // Its clock is ahead of ours.
  expect(leadersOf([held], NOW - 20_000)).toEqual([{...leader, secondsSinceRenewal: 0}])
})

it.each([
  ['was given back', {renewTime: '2026-11-24T12:00:00Z', leaseDurationSeconds: 1}],
  ['says nothing of its time', {holderIdentity: 'a', leaseDurationSeconds: 15}],
  ['has nothing in it', undefined],
])('one that %s is nobody’s', (_, spec) => {
  expect(leadersOf([lease(spec)], NOW)).toEqual([])
})
