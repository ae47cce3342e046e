import {type AddressInfo, createServer, type Server, type Socket} from 'node:net'
import {afterEach, describe, expect, it} from 'vitest'
import {decodeFrames, encodeFrames} from '../../../src/dask/comm.ts'
import {directDial} from '../../../src/dask/dial.ts'
import {packMessage, unpackMessage} from '../../../src/dask/message.ts'
import {createSchedulerPool, type SchedulerPool} from '../../../src/dask/pool.ts'

const CLUSTER = {namespace: 'ns', name: 'demo'}
type Answer = (op: string, socket: Socket) => unknown

let server: Server | undefined
let pool: SchedulerPool | undefined
const sockets: Socket[] = []
afterEach(() => {
  pool?.close()
  for (const socket of sockets.splice(0)) socket.destroy()
  server?.close()
})

/** Speaks Dask's framing and answers as the test says; `undefined`: not at all. */
const serve = async (answer: Answer, timeoutMs = 10_000): Promise<SchedulerPool> => {
  const listening = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    const say = (message: unknown) => socket.write(encodeFrames([packMessage(message)]))
    say({compression: null, python: [3, 11, 2], 'pickle-protocol': 5})
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let decoded = decodeFrames(rest); decoded; decoded = decodeFrames(rest)) {
        rest = decoded.rest
        const [frame = Buffer.alloc(0)] = decoded.frames
        const {op} = unpackMessage(frame) as {readonly op?: string}
        const reply = op === undefined ? undefined : answer(op, socket)
        if (reply !== undefined) say(reply)
      }
    })
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const dial = directDial('127.0.0.1')
  pool = createSchedulerPool({
    dialFor: () => dial,
    portFor: () => (listening.address() as AddressInfo).port,
    concurrency: 4,
    timeoutMs,
  })
  return pool
}

describe('a pool of connections', () => {
  it('G18: makes one connection for one call after another', async () => {
    const kept = await serve(() => 3)
    for (let call = 0; call < 20; call += 1) expect(await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())).toBe(3)
    expect(sockets).toHaveLength(1)
  })

  it('asks once more when a kept connection turns out to be broken', async () => {
    let isBroken = false
    const kept = await serve((_, socket) => (isBroken && socket === sockets[0] ? void socket.destroy() : 3))
    expect(await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())).toBe(3)
    isBroken = true
    expect(await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())).toBe(3)
    expect(sockets).toHaveLength(2)
  })

  it('does the work once when it fails by itself', async () => {
    const kept = await serve(() => 3)
    let runs = 0
    const fails = async (scheduler: {readonly adaptiveTarget: () => Promise<number>}): Promise<void> => {
      await scheduler.adaptiveTarget()
      runs += 1
      throw new Error('of our own making')
    }
    await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())
    await expect(kept.use(CLUSTER, fails)).rejects.toThrow('of our own making')
    expect(runs).toBe(1)
  })

  it('G24: does not ask a silent scheduler twice', async () => {
    let asked = 0
    const kept = await serve(() => (asked++ === 0 ? 3 : undefined), 500)
    await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())
    await expect(kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())).rejects.toThrow('does not answer')
    expect(asked).toBe(2)
  })

  it('does not begin again when the connection breaks after an answer', async () => {
    let asked = 0
    const kept = await serve((_, socket) => (++asked === 3 ? void socket.destroy() : 3))
    const twice = async (scheduler: {readonly adaptiveTarget: () => Promise<number>}): Promise<number> =>
      (await scheduler.adaptiveTarget()) + (await scheduler.adaptiveTarget())
    await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())
    await expect(kept.use(CLUSTER, twice)).rejects.toThrow('clos')
    expect(asked).toBe(3)
  })

  it('never asks twice for what changes the cluster', async () => {
    const asked: string[] = []
    const kept = await serve((op, socket) => {
      asked.push(op)
      return op === 'retire_workers' ? void socket.destroy() : 3
    })
    await kept.use(CLUSTER, (scheduler) => scheduler.adaptiveTarget())
    const retire = kept.use(CLUSTER, (scheduler) => scheduler.retireWorkers(['tcp://a:1'], {remove: true, closeWorkers: true}))
    await expect(retire).rejects.toThrow('the scheduler went away meanwhile')
    expect(asked).toEqual(['adaptive_target', 'retire_workers'])
  })
})
