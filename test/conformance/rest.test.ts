import {setTimeout as pause} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {createLog} from '../../src/operator/engine/log.ts'
import {runOperator} from '../../src/operator/run.ts'
import {stand, until} from './ground.ts'

const {namespace, kubectl, dask} = stand('rest')

/** How long nothing may happen. */
const REST_MS = 60_000
/** A fresh operator looks around first: it has done so when it has asked for nothing for this long. */
const SETTLED_MS = 3_000

/** The same client, which tells each of its requests. */
const telling = (client: KubeClient, tell: (request: string) => void): KubeClient =>
  new Proxy(client, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== 'function') return member
      return (...args: readonly unknown[]) => {
        if (key !== 'close') tell(`${String(key)} ${JSON.stringify(args.map((each) => (isPlain(each) ? each : '…')).slice(0, 2))}`)
        return Reflect.apply(member, target, args)
      }
    },
  })

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null || !('signal' in value) || 'path' in value

describe('an operator whose clusters are at rest', () => {
  it('sends no request, even where it follows the load', async () => {
    expect((await dask('cluster', 'create', 'quiet', '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
    expect((await dask('cluster', 'adapt', 'quiet', '--min', '1', '--max', '3')).code).toBe(0)
    await kubectl('wait', 'daskautoscaler/quiet', '--for=condition=ScalingActive', '--timeout=30s')
    const plain = connect(loadKubeConfig())
    const requests: string[] = []
    let last = performance.now()
    const stop = new AbortController()
    const client = telling(plain, (request) => {
      requests.push(request)
      last = performance.now()
    })
    const quiet = createLog('error', () => undefined)
    const ended = runOperator({client, namespace, identity: 'second', leaderElection: false, signal: stop.signal, log: quiet})
    try {
      await until(() => requests.length > 0 && performance.now() - last > SETTLED_MS, 'it has looked around')
      requests.length = 0
      await pause(REST_MS)
      expect(requests).toEqual([])
    } finally {
      stop.abort()
      await ended
      await plain.close()
    }
  })
})
