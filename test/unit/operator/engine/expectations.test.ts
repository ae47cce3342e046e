import {expect, it} from 'vitest'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {KubeError} from '../../../../src/kube/errors.ts'
import {createStore} from '../../../../src/kube/store.ts'
import {createExpectations} from '../../../../src/operator/engine/expectations.ts'
import {CONFIG_MAPS, type ConfigMap} from './ground.ts'

const signal = AbortSignal.timeout(60_000)
const child = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {name, uid: `uid-${name}`, resourceVersion: '1'},
})

/** A cache with children `a` and `b` that hears of nothing, beside a server on which they have gone. */
const ground = () => {
  const cache = createStore(CONFIG_MAPS)
  cache.put(child('a'))
  cache.put(child('b'))
  const reads: string[] = []
  const time = {now: 1_000}
  const get = (_: unknown, {name}: {name: string}) => {
    reads.push(name)
    return Promise.reject(new KubeError(404, 'NotFound', 'it has gone'))
  }
  const informer = {...cache, synced: Promise.resolve(), silence: () => 0, observe: cache.put, forget: cache.remove}
  const expectations = createExpectations(
    {get} as unknown as KubeClient,
    () => informer as never,
    () => time.now,
  )
  return {cache, reads, time, expectations}
}

it('law 3: waits for the watch for a while, then reads what it has not shown', async () => {
  const {cache, reads, time, expectations} = ground()
  expectations.expectGone('w', CONFIG_MAPS, {name: 'a'}, 'uid-a')
  expect(await expectations.ready('w', signal)).toBeGreaterThan(1_000)
  expect(reads).toEqual([])
  time.now += 5_000
  expect(await expectations.ready('w', signal)).toBe(0)
  expect(reads).toEqual(['a'])
  expect(cache.get({name: 'a'})).toBeUndefined()
})

it('law 3: is not ready while one of several deletions has been seen by nobody', async () => {
  const {reads, time, expectations} = ground()
  expectations.expectGone('w', CONFIG_MAPS, {name: 'a'}, 'uid-a')
  time.now += 4_999
  expectations.expectGone('w', CONFIG_MAPS, {name: 'b'}, 'uid-b')
  expect(await expectations.ready('w', signal)).toBe(1)
  time.now += 1
  expect(await expectations.ready('w', signal)).toBe(4_999)
  expect(reads).toEqual(['a'])
})

it('law 3: holds up no other key', async () => {
  const {expectations} = ground()
  expectations.expectGone('w', CONFIG_MAPS, {name: 'a'}, 'uid-a')
  expect(await expectations.ready('other', signal)).toBe(0)
})

it('law 3: names the keys that wait for nothing any more, once all of their writes are seen', async () => {
  const {cache, expectations} = ground()
  for (const name of ['a', 'b']) expectations.expectGone('w', CONFIG_MAPS, {name}, `uid-${name}`)
  expectations.expectGone('other', CONFIG_MAPS, {name: 'b'}, 'uid-b')
  expect(expectations.seen({...CONFIG_MAPS}, {name: 'a'})).toEqual([])
  cache.remove({name: 'b'}, 'uid-b')
  expect(expectations.seen(CONFIG_MAPS, {name: 'b'})).toEqual(['other'])
  cache.remove({name: 'a'}, 'uid-a')
  expect(expectations.seen({...CONFIG_MAPS}, {name: 'a'})).toEqual(['w'])
  expect(expectations.seen(CONFIG_MAPS, {name: 'a'})).toEqual([])
  expect(await expectations.ready('w', signal)).toBe(0)
})

it('law 3: asks at once for what is in doubt, whatever else is waited for', async () => {
  const {reads, expectations} = ground()
  expectations.expectGone('w', CONFIG_MAPS, {name: 'a'}, 'uid-a')
  expectations.doubt('w', CONFIG_MAPS, {name: 'b'})
  expect(await expectations.ready('w', signal)).toBe(5_000)
  expect(reads).toEqual(['b'])
})
