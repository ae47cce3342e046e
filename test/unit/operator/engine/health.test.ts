import {expect, it} from 'vitest'
import {createHealth} from '../../../../src/operator/engine/health.ts'
import {createMetrics, parseAddress, serveHealth} from '../../../../src/operator/health-server.ts'

const KIND = {apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true}

const board = () => {
  const health = createHealth()
  const signs = {silence: 0, latency: 0}
  health.watch(KIND, {silence: () => signs.silence, list: () => []})
  return {health, signs}
}

it('law 8: is red when a watch has been silent for longer than several tries take', () => {
  const {health, signs} = board()
  signs.silence = 200_000
  expect(health.stuck()).toEqual([])
  signs.silence = 310_000
  expect(health.stuck()).toEqual(['nothing has been heard of pods for 5.2 minutes'])
})

it('law 8: is red when a change waits and waits, and only while this operator leads', () => {
  const {health, signs} = board()
  health.leads([{kind: KIND, queue: {depth: () => 3, latency: () => signs.latency}}])
  signs.latency = 600_000
  expect(health.stuck()).toEqual(['a change of pods has waited for 10.0 minutes'])
  expect(health.queues()).toEqual([{kind: 'pods', depth: 3, latencyMs: 600_000}])
  health.rests()
  expect(health.stuck()).toEqual([])
})

it('law 8: answers over HTTP what it knows, and no more after its end', async () => {
  const {health, signs} = board()
  const end = new AbortController()
  const port = await serveHealth([health], createMetrics(), {host: '127.0.0.1', port: 0}, end.signal)
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return [response.status, await response.text()]
  }
  expect(await ask('/healthz')).toEqual([200, 'ok\n'])
  expect(await ask('/readyz')).toEqual([503, 'the caches are not filled yet\n'])
  health.synced()
  signs.silence = 310_000
  expect(await ask('/readyz')).toEqual([200, 'ok\n'])
  expect((await ask('/healthz'))[0]).toBe(503)
  expect(JSON.parse(String((await ask('/statusz'))[1]))).toMatchObject({operators: [{isSynced: true, isLeading: false}]})
  end.abort()
  await expect(ask('/healthz')).rejects.toThrow()
})

it('reads addresses as people write them', () => {
  expect([':8080', '8080', '127.0.0.1:8080', '[::1]:8080', '0'].map(parseAddress)).toEqual([
    {host: '', port: 8080},
    {host: '', port: 8080},
    {host: '127.0.0.1', port: 8080},
    {host: '::1', port: 8080},
    {host: '', port: 0},
  ])
  expect(['', 'x', ':', ':99999'].map(parseAddress)).toEqual([undefined, undefined, undefined, undefined])
})
