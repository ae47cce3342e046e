import {afterAll, beforeAll, expect, it} from 'vitest'
import {NAMESPACES} from '../../../src/api/core.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {NotSent} from '../../../src/kube/errors.ts'
import {readPlainConfig} from '../../../src/kube/plain-config.ts'
import {quickClient} from '../../../src/kube/quick-client.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'

let ground: Ground
let client: KubeClient
beforeAll(async () => {
  ground = await startGround()
  const config = readPlainConfig({kubeconfig: ground.kubeconfig})
  if (!config) throw new Error("the ground's kubeconfig is not a plain one")
  client = quickClient(config, {whole: () => Promise.reject(new Error('no WebSocket is opened here'))})
})
afterAll(async () => {
  await client.close()
  await ground.stop()
})

const make = (name: string, maySend: () => boolean): Promise<unknown> =>
  client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}}, {maySend})
const names = async (): Promise<readonly string[]> => (await client.list(NAMESPACES)).items.map(({metadata}) => metadata.name)

it('asks once more when a request is about to leave, over a new connection and over a kept one', async () => {
  await expect(make('late-at-first', () => false)).rejects.toBeInstanceOf(NotSent)
  await make('in-time', () => true)
  await expect(make('late-again', () => false)).rejects.toBeInstanceOf(NotSent)
  await make('in-time-again', () => true)
  const found = await names()
  expect(found).toEqual(expect.arrayContaining(['in-time', 'in-time-again']))
  expect(found.filter((name) => name.startsWith('late'))).toEqual([])
})
