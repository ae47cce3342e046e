import {createServer, type Server} from 'node:http'
import {afterEach, expect, it} from 'vitest'
import {readCounts} from '../../../src/dask/counts.ts'
import {directDial} from '../../../src/dask/dial.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const portOf = (listening: Server | undefined): number => {
  const address = listening?.address()
  return typeof address === 'object' && address ? address.port : 0
}

const serve = (status: number, body: string | undefined): Promise<number> =>
  new Promise((resolve) => {
    server = createServer((request, response) => {
      if (body === undefined) return
      response.writeHead(request.url === '/json/counts.json' ? status : 404)
      response.end(body)
    }).listen(0, '127.0.0.1', () => resolve(portOf(server)))
  })

it('reads the counts of a scheduler', async () => {
  const port = await serve(200, '{"workers": 3, "tasks": 7, "processing": 2, "unrunnable": 0, "desired_workers": 4}')
  expect(await readCounts(directDial('127.0.0.1'), port, 5_000)).toMatchObject({workers: 3, tasks: 7, desired_workers: 4})
})

it('tells a dashboard that answers anything else', async () => {
  const port = await serve(404, 'not here')
  await expect(readCounts(directDial('127.0.0.1'), port, 5_000)).rejects.toThrow('HTTP status 404')
})

it('never waits longer than it may for a scheduler that stays silent', async () => {
  const port = await serve(200, undefined)
  await expect(readCounts(directDial('127.0.0.1'), port, 100)).rejects.toThrow()
})
