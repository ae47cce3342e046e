import {type EventEmitter, getEventListeners, once} from 'node:events'
import {type AddressInfo, createServer} from 'node:net'
import {expect, it} from 'vitest'
import {directDial} from '../../../src/dask/dial.ts'

it('a connection that has ended leaves nothing on the signal, which may last as long as its process', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  const life = new AbortController()
  const sockets = await Promise.all(Array.from({length: 20}, () => directDial('127.0.0.1')(port, life.signal)))
  expect(getEventListeners(life.signal, 'abort').length).toBeGreaterThan(0)
  await Promise.all(
    sockets.map((socket) => {
      const closed = once(socket as unknown as EventEmitter, 'close')
      socket.destroy()
      return closed
    }),
  )
  expect(getEventListeners(life.signal, 'abort')).toEqual([])
  server.close()
})

it('a signal ends the connection, before and after it is made', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  const life = new AbortController()
  const socket = await directDial('127.0.0.1')(port, life.signal)
  const failed = once(socket, 'error')
  life.abort(new Error('enough'))
  expect(((await failed) as [Error])[0].message).toBe('enough')
  await expect(directDial('127.0.0.1')(port, life.signal)).rejects.toThrow('enough')
  server.close()
})
