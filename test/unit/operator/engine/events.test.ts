import {expect, it} from 'vitest'
import type {KubeObject} from '../../../../src/api/object.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {createEvents} from '../../../../src/operator/engine/events.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {NOW} from '../objects.ts'

it('are told again after ten minutes and not before, though the wall clock was set back', () => {
  const told: unknown[] = []
  const client = {
    create: async (_: unknown, event: unknown) => void told.push(event),
  } as unknown as KubeClient
  const time = {wall: NOW, steady: 1000}
  const log = createLog('error', () => undefined)
  const tell = createEvents(client, new AbortController().signal, log, {now: () => time.wall, steady: () => time.steady})
  const object: KubeObject = {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p', namespace: 'n', uid: 'u'}}
  const event = {do: 'tell', type: 'Warning', reason: 'Broken', message: 'it is broken'} as const
  tell(object, event)
  time.wall -= 3_600_000
  time.steady += 599_999
  tell(object, event)
  expect(told).toHaveLength(1)
  time.steady += 1
  tell(object, event)
  expect(told).toMatchObject([{lastTimestamp: '2026-11-23T12:00:00Z'}, {lastTimestamp: '2026-11-23T11:00:00Z'}])
})
