import {connect} from 'node:http2'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type Ground, startGround} from './ground.ts'

let ground: Ground
const PODS = '/api/v1/namespaces/default/pods'

beforeAll(async () => {
  ground = await startGround()
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

/** All that both grounds have in common is in test/conformance/api-*.test.ts; here is what only the sandbox says. */
describe('the front door', () => {
  it('asks for a token, but not for its health', async () => {
    const nobody = {authorization: 'Bearer wrong'}
    expect(await ground.ask('GET', '/api/v1/pods', undefined, nobody)).toMatchObject({
      code: 401,
      body: {reason: 'Unauthorized', message: 'Unauthorized'},
    })
    expect(await ground.ask('GET', '/readyz', undefined, nobody)).toMatchObject({code: 200, body: 'ok'})
  })

  it('keeps idle connections of HTTP/1.1 as long as the real server does', async () => {
    const {headers} = await ground.ask('GET', '/readyz', undefined, {connection: 'keep-alive'})
    expect(headers['keep-alive']).toBe('timeout=90')
  })

  it('speaks HTTP/2', async () => {
    const session = connect(ground.url, {ca: ground.ca})
    const stream = session.request({':path': '/version', authorization: 'Bearer only-for-this-test'})
    const text = Buffer.concat(await stream.toArray()).toString()
    session.close()
    expect(JSON.parse(text).gitVersion).toMatch(/^v1\.\d+\.\d+/)
  })

  it('says what it does not serve', async () => {
    for (const what of ['statefulsets.apps', 'cronjobs.batch', 'storageclasses.storage.k8s.io']) {
      const [plural, ...group] = what.split('.')
      expect(await ground.ask('GET', `/apis/${group.join('.')}/v1/${plural}`)).toMatchObject({
        code: 501,
        body: {message: `the sandbox does not serve ${what}: use a real Kubernetes cluster for it`},
      })
    }
    expect(await ground.ask('GET', PODS, undefined, {accept: 'application/vnd.kubernetes.protobuf'})).toMatchObject({code: 406})
  })

  it('ends a watch from long ago with 410', async () => {
    const {body} = await ground.ask('GET', `${PODS}?watch=1&resourceVersion=5`)
    expect(body).toMatchObject({type: 'ERROR', object: {kind: 'Status', code: 410, reason: 'Expired'}})
    expect(body.object.message).toMatch(/^too old resource version: 5 \(\d+\)$/)
  })

  it('refuses what is no JSON', async () => {
    expect(await ground.ask('POST', PODS, [1])).toMatchObject({code: 400, body: {reason: 'BadRequest'}})
    expect(await ground.ask('POST', PODS, {kind: 'Service'})).toMatchObject({code: 400})
  })
})
