import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer, type Server} from 'node:https'
import {type AddressInfo, connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {TLSSocket} from 'node:tls'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {WebSocket, WebSocketServer} from 'ws'
import {makeCertificates} from '../../../../src/sandbox/tls.ts'
import {kubectlPath} from '../../../kubernetes/kubectl.ts'
import {type Ground, pod, startGround, TOKEN} from './ground.ts'

/** A node that answers logs, echoes commands and port-forwards; it remembers what it was asked. */
const startKubelet = async (directory: string): Promise<{readonly server: Server; readonly asked: string[]}> => {
  const {kubelet} = await makeCertificates(directory)
  const asked: string[] = []
  const server = createServer({...kubelet, requestCert: true, rejectUnauthorized: false}, (request, response) => {
    asked.push(`${(request.socket as TLSSocket).getPeerCertificate().subject.CN} ${request.url}`)
    response.write('one\n')
    response.end('two\n')
  })
  const sockets = new WebSocketServer({noServer: true, handleProtocols: (offered) => [...offered][0] ?? false})
  server.on('upgrade', (request, socket, head) => {
    asked.push(`${request.headers.authorization ?? 'no token'} ${request.url}`)
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (request.url?.startsWith('/exec')) {
        webSocket.send(Buffer.concat([Buffer.from([1]), Buffer.from('hello from the pod\n')]))
        webSocket.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"metadata":{},"status":"Success"}')]))
        webSocket.close(1000)
        return
      }
      const port = Number(new URL(`http://x${request.url}`).searchParams.get('port'))
      const portBytes = Buffer.from([port & 255, port >> 8])
      for (const channel of [0, 1]) webSocket.send(Buffer.concat([Buffer.from([channel]), portBytes]))
      webSocket.on('message', (message: Buffer) => {
        webSocket.send(Buffer.concat([Buffer.from([0]), Buffer.from(`${port}: `), message.subarray(1)]))
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {server, asked}
}

let ground: Ground
let kubelet: Awaited<ReturnType<typeof startKubelet>>
let directory: string
let kubectl: string
const PODS = '/api/v1/namespaces/default/pods'

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubelet-'))
  kubectl = await kubectlPath()
  ground = await startGround()
  kubelet = await startKubelet(directory)
  const {port} = kubelet.server.address() as AddressInfo
  const status = {addresses: [{type: 'InternalIP', address: '127.0.0.1'}], daemonEndpoints: {kubeletEndpoint: {Port: port}}}
  await ground.ask('POST', '/api/v1/nodes', {metadata: {name: 'n1'}, status})
  await ground.ask('POST', PODS, pod('p', {spec: {nodeName: 'n1'}}))
  await ground.ask('PATCH', `${PODS}/p/status`, {status: {phase: 'Running'}}, {'content-type': 'application/merge-patch+json'})
})
afterAll(async () => {
  await ground.stop()
  kubelet.server.closeAllConnections()
  kubelet.server.close()
  await rm(directory, {recursive: true})
})

const run = (...args: readonly string[]): ChildProcess => spawn(kubectl, ['--kubeconfig', ground.kubeconfig, ...args])
const output = async (child: ChildProcess): Promise<string> => {
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return Buffer.concat(chunks).toString()
}

describe('what a node answers', () => {
  it('reaches kubectl logs, asked with our certificate and the options', async () => {
    expect(await output(run('logs', 'p', '--tail=5', '-f', '--timestamps'))).toBe('one\ntwo\n')
    expect(kubelet.asked.at(-1)).toMatch(/^kube-apiserver-kubelet-client \/containerLogs\/default\/p\/main\?/)
    expect(kubelet.asked.at(-1)).toContain('follow=true&timestamps=true&tailLines=5')
  })

  it('reaches kubectl exec, without the token of the client', async () => {
    expect(await output(run('exec', 'p', '--', 'echo', 'a b'))).toBe('hello from the pod\n')
    expect(kubelet.asked.at(-1)).toBe('no token /exec/default/p/main?command=echo&command=a+b&output=1&error=1')
  })

  it('reaches kubectl port-forward, connection by connection', async () => {
    const child = run('port-forward', 'pod/p', ':8787')
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1])
    for (const word of ['first', 'second']) {
      const socket = connect(local, '127.0.0.1')
      socket.write(word)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toBe(`8787: ${word}`)
      socket.destroy()
    }
    const ended = once(child, 'close')
    child.kill('SIGINT')
    await ended
  })

  it('reaches a WebSocket client of the channel protocol', async () => {
    const socket = new WebSocket(`${ground.url.replace('https', 'wss')}${PODS}/p/portforward?ports=99`, ['v4.channel.k8s.io'], {
      ca: ground.ca,
      headers: {authorization: `Bearer ${TOKEN}`},
    })
    const heard: Buffer[] = []
    socket.on('message', (message: Buffer) => heard.push(message))
    await once(socket, 'open')
    socket.send(Buffer.from([0, 65]))
    while (heard.length < 3) await once(socket, 'message')
    expect(heard.map((each) => [...each])).toEqual([
      [0, 99, 0],
      [1, 99, 0],
      [0, ...Buffer.from('99: A')],
    ])
    socket.close()
    await once(socket, 'close')
  })
})

describe('a proxy', () => {
  it.each([
    ['/proxy', '/'],
    ['/proxy?a=b', '/?a=b'],
    ['/proxy/ws?a=b', '/ws?a=b'],
  ])('leads a WebSocket to …%s on to %s', async (asked, expected) => {
    const program = new WebSocketServer({host: '127.0.0.1', port: 0})
    await once(program, 'listening')
    const {port} = program.address() as AddressInfo
    await ground.ask('PATCH', `${PODS}/p/status`, {status: {podIP: '127.0.0.1'}}, {'content-type': 'application/merge-patch+json'})
    program.on('connection', (socket, request) => socket.send(request.url ?? ''))
    const socket = new WebSocket(`${ground.url.replace('https', 'wss')}${PODS}/p:${port}${asked}`, {
      ca: ground.ca,
      headers: {authorization: `Bearer ${TOKEN}`},
    })
    const [heard] = (await once(socket, 'message')) as [Buffer]
    expect(heard.toString()).toBe(expected)
    socket.close()
    await once(socket, 'close')
    program.close()
  })
})

describe('without a node', () => {
  it('a pod has no logs, and its connections are refused with a Status', async () => {
    await ground.ask('POST', PODS, pod('lost'))
    expect(await ground.ask('GET', `${PODS}/lost/log`)).toMatchObject({code: 204, body: ''})
    expect(await output(run('exec', 'lost', '--', 'true'))).toContain('pod lost does not have a host assigned')
  })

  it('a container is named where there are several', async () => {
    await ground.ask('POST', PODS, pod('two', {spec: {nodeName: 'n1', containers: ['a', 'b'].map((name) => ({name, image: 'x'}))}}))
    expect(await ground.ask('GET', `${PODS}/two/log`)).toMatchObject({
      code: 400,
      body: {message: 'a container name must be specified for pod two, choose one of: [a b]'},
    })
    expect((await ground.ask('GET', `${PODS}/two/log?container=b`)).body).toBe('one\ntwo\n')
  })
})
