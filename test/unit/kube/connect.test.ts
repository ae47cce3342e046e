import {chmod, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {PODS, type Pod} from '../../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../../src/api/dask.ts'
import {connect} from '../../../src/kube/connect.ts'
import {discover} from '../../../src/kube/discovery.ts'
import {ConnectionError, NotSent} from '../../../src/kube/errors.ts'
import {configOf, json, play, statusBody} from './scripted-server.ts'

const pod = {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p', namespace: 'n'}, spec: {containers: []}} satisfies Pod

describe('requests', () => {
  it('are asked once more when they are about to leave, and are not sent where the answer is no', async () => {
    await using server = await play({asked: 'POST /api/v1/namespaces/n/pods', answer: json(201, pod)})
    const {client, asked} = server
    await expect(client.create(PODS, pod, {maySend: () => false})).rejects.toBeInstanceOf(NotSent)
    expect(asked).toEqual([])
    // What waits for a connection is asked when it gets one.
    let may = true
    const late = client.create(PODS, pod, {maySend: () => may})
    may = false
    await expect(late).rejects.toBeInstanceOf(NotSent)
    await client.create(PODS, pod, {maySend: () => true})
    await server.played
    expect(asked).toHaveLength(1)
  })

  it('send each verb as the API has it', async () => {
    const root = '/api/v1/namespaces/n/pods'
    await using server = await play(
      {asked: `GET ${root}/p`, answer: json(200, pod)},
      {
        asked: 'GET /api/v1/pods?labelSelector=a=b&limit=2',
        answer: json(200, {metadata: {resourceVersion: '7'}, items: [{metadata: {name: 'p'}}]}),
      },
      {asked: `POST ${root}?dryRun=All&fieldValidation=Strict`, answer: json(201, pod)},
      {asked: `PUT ${root}/p/status`, answer: json(200, pod)},
      {asked: `PATCH ${root}/p`, answer: json(200, pod)},
      {asked: `PATCH ${root}/p?fieldManager=dask&force=true`, answer: json(200, pod)},
      {asked: `DELETE ${root}/p`, answer: json(200, {kind: 'Status', status: 'Success'})},
    )
    const {client, asked} = server
    const ref = {namespace: 'n', name: 'p'}
    expect(await client.get(PODS, ref)).toEqual(pod)
    expect((await client.list(PODS, {labelSelector: 'a=b', limit: 2})).items).toEqual([
      {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p'}},
    ])
    await client.create(PODS, pod, {dryRun: true, fieldValidation: 'Strict'})
    await client.replace(PODS, pod, {subresource: 'status'})
    await client.patch(PODS, ref, {metadata: {labels: {a: null}}}, {type: 'merge'})
    await client.apply(PODS, pod, {fieldManager: 'dask', force: true})
    await client.delete(PODS, ref, {uid: 'u1', gracePeriodSeconds: 0, propagationPolicy: 'Background'})
    await server.played
    expect(asked[4]).toMatchObject({headers: {'content-type': 'application/merge-patch+json'}, body: '{"metadata":{"labels":{"a":null}}}'})
    expect(asked[5]?.headers['content-type']).toBe('application/apply-patch+yaml')
    expect(JSON.parse(asked[6]?.body ?? '')).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: {uid: 'u1'},
      propagationPolicy: 'Background',
      gracePeriodSeconds: 0,
    })
  })

  it('reject with the words of the server', async () => {
    await using server = await play({
      asked: 'POST /api/v1/namespaces/n/pods',
      answer: json(403, statusBody(403, 'Forbidden', 'exceeded quota: small'), {'retry-after': '3'}),
    })
    await expect(server.client.create(PODS, pod)).rejects.toMatchObject({
      name: 'KubeError',
      status: 403,
      reason: 'Forbidden',
      message: 'exceeded quota: small',
      retryAfter: 3,
    })
  })

  it('hand on each warning of an answer', async () => {
    await using server = await play({
      asked: 'POST /api/v1/namespaces/n/pods',
      answer: json(201, pod, {warning: ['299 - "unknown field \\"spec.evn\\""', '299 - "one", 299 - "two"']}),
    })
    const warnings: string[] = []
    await server.client.create(PODS, pod, {onWarning: (text) => warnings.push(text)})
    expect(warnings).toEqual(['unknown field "spec.evn"', 'one', 'two'])
  })

  it('are sent as somebody else when asked to', async () => {
    await using server = await play({asked: 'GET /api/v1/namespaces/n/pods/p', answer: json(200, pod)})
    const client = server.clientWith({impersonate: {user: 'ann', groups: ['a', 'b'], uid: '7'}})
    await client.get(PODS, {namespace: 'n', name: 'p'})
    expect(server.asked[0]?.headers).toMatchObject({'impersonate-user': 'ann', 'impersonate-uid': '7'})
    expect(server.asked[0]?.headers['impersonate-group']).toBe('a, b')
  })

  it('end when the server is silent for longer than the limit', async () => {
    await using server = await play({asked: 'GET /api/v1/namespaces/n/pods/p', answer: () => undefined})
    const client = server.clientWith({requestTimeoutMs: 50})
    await expect(client.get(PODS, {namespace: 'n', name: 'p'})).rejects.toThrow(/did not answer within 50 ms/)
  })

  it('end with the reason of their signal', async () => {
    const stop = new AbortController()
    await using server = await play({asked: 'GET /api/v1/namespaces/n/pods/p', answer: () => stop.abort(new Error('enough'))})
    await expect(server.client.get(PODS, {namespace: 'n', name: 'p'}, {signal: stop.signal})).rejects.toThrow('enough')
  })

  it('say where nobody listens', async () => {
    // No port that was given back, which another test may have by now.
    const client = connect(configOf('http://127.0.0.1:1'))
    const failure = client.get(PODS, {namespace: 'n', name: 'p'})
    await expect(failure).rejects.toThrow('cannot reach http://127.0.0.1:1: the connection was refused')
    await expect(failure).rejects.toBeInstanceOf(ConnectionError)
    await client.close()
  })

  it('say that an answer broke off', async () => {
    await using server = await play({
      asked: 'GET /api/v1/namespaces/n/pods/p',
      answer: (response) => {
        response.writeHead(200, {'content-length': '100'})
        response.write('{"kind":', () => response.destroy())
      },
    })
    const failure = server.client.get(PODS, {namespace: 'n', name: 'p'})
    await expect(failure).rejects.toThrow(/broke off: the connection was closed/)
    await expect(failure).rejects.toBeInstanceOf(ConnectionError)
  })

  it('keep their connections, also when they delete with a precondition', async () => {
    const sockets = new Set<unknown>()
    const step = {
      asked: 'DELETE /api/v1/namespaces/n/pods/p',
      answer: (response: Parameters<ReturnType<typeof json>>[0]): void => {
        sockets.add(response.socket)
        response.end('{}')
      },
    }
    await using server = await play(...Array.from({length: 10}, () => step))
    for (let i = 0; i < 10; i++) await server.client.delete(PODS, {namespace: 'n', name: 'p'}, {uid: 'u'})
    // undici may open a second one while the first is being given back.
    expect(sockets.size).toBeLessThanOrEqual(2)
  })
})

describe('credentials', () => {
  const plugin = async (): Promise<{readonly exec: object; readonly calls: () => Promise<number>} & AsyncDisposable> => {
    const folder = await mkdtemp(join(tmpdir(), 'plugin-'))
    const [script, count] = [join(folder, 'plugin'), join(folder, 'count')]
    const credential = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t%s"}}'
    await writeFile(script, `#!/bin/sh\necho x >> ${count}\nprintf '${credential}' $(grep -c x ${count})\n`)
    await chmod(script, 0o755)
    return {
      exec: {apiVersion: 'client.authentication.k8s.io/v1', command: script},
      calls: async () => (await readFile(count, 'utf8')).trim().split('\n').length,
      [Symbol.asyncDispose]: () => rm(folder, {recursive: true}),
    }
  }
  const refusal = json(401, statusBody(401, 'Unauthorized', 'Unauthorized'))
  const get = 'GET /api/v1/namespaces/n/pods/p'
  const ref = {namespace: 'n', name: 'p'}

  it('of a plugin are asked for anew after a 401, and the request is sent once more', async () => {
    await using login = await plugin()
    await using server = await play({asked: get, answer: refusal}, {asked: get, answer: json(200, pod)})
    const client = server.clientWith(configOf(server.url, {exec: login.exec}))
    expect(await client.get(PODS, ref)).toEqual(pod)
    expect(server.asked.map(({headers}) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2'])
  })

  it('that are refused twice are not tried a third time', async () => {
    await using login = await plugin()
    await using server = await play({asked: get, answer: refusal}, {asked: get, answer: refusal})
    await expect(server.clientWith(configOf(server.url, {exec: login.exec})).get(PODS, ref)).rejects.toMatchObject({status: 401})
    await server.played
    expect(server.asked).toHaveLength(2)
  })

  it('that cannot change are not tried twice', async () => {
    await using server = await play({asked: get, answer: refusal})
    await expect(server.clientWith(configOf(server.url, {token: 't'})).get(PODS, ref)).rejects.toMatchObject({status: 401})
    expect(server.asked).toHaveLength(1)
  })

  it('are asked for once by many requests at a time', async () => {
    await using login = await plugin()
    const steps = Array.from({length: 5}, () => ({asked: get, answer: json(200, pod)}))
    await using server = await play(...steps)
    const client = server.clientWith(configOf(server.url, {exec: login.exec}))
    await Promise.all(steps.map(() => client.get(PODS, ref)))
    expect(await login.calls()).toBe(1)
  })

  it('that a plugin does not give are missed in words', async () => {
    const client = connect(configOf('http://127.0.0.1:9', {exec: {command: '/nowhere/login'}}))
    await expect(client.get(PODS, ref)).rejects.toThrow(/^no credentials for http:\/\/127.0.0.1:9: .*\/nowhere\/login/)
    await client.close()
  })
})

describe('discovery', () => {
  const path = 'GET /apis/kubernetes.dask.org/v1'

  it('tells the subresources of a kind', async () => {
    await using server = await play({asked: path, answer: json(200, {resources: [{name: 'daskclusters'}, {name: 'daskclusters/scale'}]})})
    expect(await discover(server.client, DASK_CLUSTERS)).toEqual({hasStatus: false, hasScale: true})
  })

  it('tells a group that is not served from a server that fails', async () => {
    await using server = await play({asked: path, answer: json(404, {})}, {asked: path, answer: json(503, {})})
    expect(await discover(server.client, DASK_CLUSTERS)).toBeUndefined()
    await expect(discover(server.client, DASK_CLUSTERS)).rejects.toMatchObject({status: 503})
  })
})
