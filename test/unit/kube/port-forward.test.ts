import {once} from 'node:events'
import {createServer, type IncomingMessage, type Server} from 'node:http'
import {type AddressInfo, connect as dial} from 'node:net'
import {buffer, text} from 'node:stream/consumers'
import {afterEach, describe, expect, it} from 'vitest'
import {type WebSocket, WebSocketServer} from 'ws'
import type {KubeClient} from '../../../src/kube/client.ts'
import {connect} from '../../../src/kube/connect.ts'
import {listenPortForward, openPortForward} from '../../../src/kube/port-forward.ts'
import {configOf, statusBody} from './scripted-server.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

/** An API server that speaks `v4.channel.k8s.io` for one port; `pod` plays the program behind it. */
const serve = async (
  pod: (send: (data: Buffer | string, channel?: number) => void, socket: WebSocket, request: IncomingMessage) => void,
): Promise<KubeClient> => {
  const server: Server = createServer()
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false),
  })
  sockets.on('connection', (socket, request) => {
    const send = (data: Buffer | string, channel = 0): void => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)]))
    for (const channel of [0, 1]) send(Buffer.of(0x52, 0x22), channel)
    pod(send, socket, request)
  })
  return listening(server)
}

const listening = async (server: Server): Promise<KubeClient> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(configOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {token: 't'}))
  ended.push(async () => {
    await client.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return client
}

const echo: Parameters<typeof serve>[0] = (send, socket) => socket.on('message', (data: Buffer) => send(data.subarray(1)))
const target = {namespace: 'n', pod: 'p', port: 8786}

describe('a forwarded connection', () => {
  it('carries bytes both ways, without the frames that name the port', async () => {
    let asked: IncomingMessage | undefined
    const client = await serve((send, socket, request) => {
      asked = request
      echo(send, socket, request)
    })
    const stream = await openPortForward(client, target)
    stream.write('ping')
    const [answer] = (await once(stream, 'data')) as [Buffer]
    expect(answer.toString()).toBe('ping')
    expect(asked?.url).toBe('/api/v1/namespaces/n/pods/p/portforward?ports=8786')
    expect(asked?.headers.authorization).toBe('Bearer t')
    stream.destroy()
  })

  it('carries megabytes unchanged to a slow reader', async () => {
    const sent = Buffer.alloc(8_000_000, 'abcdefg')
    const client = await serve((send, socket) => {
      for (let at = 0; at < sent.length; at += 100_000) send(sent.subarray(at, at + 100_000))
      socket.close()
    })
    const stream = await openPortForward(client, target)
    expect((await buffer(stream)).equals(sent)).toBe(true)
  })

  it('ends with the words of the node', async () => {
    const client = await serve((send) => send('dial tcp4 127.0.0.1:8786: connect: connection refused\n', 1))
    const stream = await openPortForward(client, target)
    await expect(text(stream)).rejects.toThrow(/^port-forward to n\/p:8786 failed: .*connection refused$/)
  })

  it('that the server refuses rejects with its words', async () => {
    const server = createServer()
    server.on('upgrade', (_, socket) => {
      const body = JSON.stringify(statusBody(404, 'NotFound', 'pods "p" not found'))
      socket.end(
        `HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      )
    })
    await expect(openPortForward(await listening(server), target)).rejects.toMatchObject({status: 404, message: 'pods "p" not found'})
  })

  it('ends when its signal aborts', async () => {
    const client = await serve(echo)
    const stop = new AbortController()
    const stream = await openPortForward(client, {...target, signal: stop.signal})
    const closed = once(stream, 'close')
    stream.resume()
    stop.abort()
    await closed
  })
})

describe('a forwarded port', () => {
  it('forwards each connection by itself, to the pod that is there now', async () => {
    const asked: string[] = []
    const client = await serve((send, socket, request) => {
      asked.push(request.url ?? '')
      echo(send, socket, request)
    })
    const stop = new AbortController()
    let pod = 'old'
    // An address of its own: nobody else takes the port there when it is free again.
    const address = '127.87.86.1'
    const port = await listenPortForward(client, {namespace: 'n', port: 8787, address, findPod: async () => pod, signal: stop.signal})
    const ask = async (word: string): Promise<string> => {
      const socket = dial(port, address)
      socket.write(word)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      return answer.toString()
    }
    expect(await ask('one')).toBe('one')
    pod = 'new'
    expect(await ask('two')).toBe('two')
    expect(asked.map((url) => url.split('/')[6])).toEqual(['old', 'new'])
    stop.abort()
    const late = dial(port, address)
    await expect(once(late, 'connect')).rejects.toMatchObject({code: 'ECONNREFUSED'})
  })

  it('closes a connection that cannot be forwarded, says why, and goes on', async () => {
    const client = await serve(echo)
    const stop = new AbortController()
    ended.push(async () => stop.abort())
    const errors: unknown[] = []
    const findPod = async (): Promise<string> => {
      throw new Error('the scheduler has no pod')
    }
    const port = await listenPortForward(client, {
      namespace: 'n',
      port: 8787,
      findPod,
      signal: stop.signal,
      onError: (error) => errors.push(error),
    })
    for (let i = 0; i < 2; i++) {
      const socket = dial(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'close')
    }
    expect(errors).toEqual([new Error('the scheduler has no pod'), new Error('the scheduler has no pod')])
  })

  it('that is taken rejects', async () => {
    const client = await serve(echo)
    const stop = new AbortController()
    ended.push(async () => stop.abort())
    const options = {namespace: 'n', port: 8787, findPod: async () => 'p', signal: stop.signal}
    const localPort = await listenPortForward(client, options)
    await expect(listenPortForward(client, {...options, localPort})).rejects.toMatchObject({code: 'EADDRINUSE'})
  })
})
