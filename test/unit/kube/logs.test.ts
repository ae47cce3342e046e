import {expect, it} from 'vitest'
import {streamLogs} from '../../../src/kube/logs.ts'
import {json, play, type Step, statusBody} from './scripted-server.ts'

const LOG = 'GET /api/v1/namespaces/n/pods/p/log'

it('gives the lines of a log as they come', async () => {
  const gate = Promise.withResolvers<void>()
  await using server = await play({
    asked: `${LOG}?container=worker&tailLines=10&follow=true&timestamps=true`,
    answer: async (response) => {
      response.write('one\ntw')
      await gate.promise
      response.end('o\n')
    },
  })
  const log = streamLogs(server.client, {namespace: 'n', name: 'p', container: 'worker', tailLines: 10, follow: true, timestamps: true})
  expect(await log.next()).toEqual({value: 'one', done: false})
  gate.resolve()
  expect(await log.next()).toEqual({value: 'two', done: false})
  expect(await log.next()).toEqual({value: undefined, done: true})
})

it('rejects with the words of the server', async () => {
  const message = 'container "worker" in pod "p" is waiting to start: ContainerCreating'
  await using server = await play({asked: `${LOG}?sinceSeconds=5&previous=true`, answer: json(400, statusBody(400, 'BadRequest', message))})
  const log = streamLogs(server.client, {namespace: 'n', name: 'p', sinceSeconds: 5, previous: true})
  await expect(log.next()).rejects.toMatchObject({status: 400, message})
})

it('tells a log that broke off from one that has ended', async () => {
  await using server = await play({
    asked: `${LOG}?follow=true`,
    answer: (response) => void response.write('one\n', () => response.destroy()),
  })
  const log = streamLogs(server.client, {namespace: 'n', name: 'p', follow: true})
  await expect(Array.fromAsync(log)).rejects.toMatchObject({name: 'ConnectionError', message: expect.stringMatching(/broke off/) as string})
})

it('ends its connection when nobody reads on, and when its signal aborts', async () => {
  const closed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const step = (index: 0 | 1): Step => ({
    asked: `${LOG}?follow=true`,
    answer: (response) => {
      response.once('close', closed[index].resolve)
      response.write('one\n')
    },
  })
  await using server = await play(step(0), step(1))
  for await (const line of streamLogs(server.client, {namespace: 'n', name: 'p', follow: true})) {
    expect(line).toBe('one')
    break
  }
  await closed[0].promise
  const stop = new AbortController()
  const log = streamLogs(server.client, {namespace: 'n', name: 'p', follow: true, signal: stop.signal})
  await log.next()
  stop.abort(new Error('enough'))
  await expect(log.next()).rejects.toThrow('enough')
  await closed[1].promise
})
