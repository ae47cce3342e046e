import type {ServerResponse} from 'node:http'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {PODS, type Pod} from '../../../src/api/core.ts'
import type {Informer} from '../../../src/kube/informer.ts'
import {startInformer} from '../../../src/kube/start-informer.ts'
import {json, play, type ScriptedServer, type Step, statusBody} from './scripted-server.ts'

const PATH = 'GET /api/v1/namespaces/n/pods'
const STREAM = `${PATH}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`
const watchFrom = (version: number): string => `${PATH}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`

const podOf = (name: string, resourceVersion: number, extra: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, namespace: 'n', uid: `uid-${name}`, resourceVersion: String(resourceVersion), ...extra},
  spec: {containers: []},
})

const line = (type: string, object: unknown): string => `${JSON.stringify({type, object})}\n`
const bookmark = (version: number, annotations?: object): string =>
  line('BOOKMARK', {kind: 'Pod', apiVersion: 'v1', metadata: {resourceVersion: String(version), ...(annotations && {annotations})}})
const endOfList = (version: number): string => bookmark(version, {'k8s.io/initial-events-end': 'true'})

/** An informer that tries again waits for a random while first, and the machine may be busy. */
const SOON = {timeout: 10_000}

/** Sends these events and leaves the watch open. */
const stay =
  (...events: readonly string[]): Step['answer'] =>
  (response) => {
    response.writeHead(200, {'content-type': 'application/json'})
    response.flushHeaders()
    response.write(events.join(''))
  }
/** Sends these events and ends the watch as the server does at its time-out. */
const end =
  (...events: readonly string[]): Step['answer'] =>
  (response) => {
    response.writeHead(200)
    response.end(events.join(''))
  }
const refused = json(
  422,
  statusBody(422, 'Invalid', 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'),
)

const stop = {current: new AbortController()}
beforeEach(() => {
  stop.current = new AbortController()
})
afterEach(() => {
  stop.current.abort()
  vi.useRealTimers()
})

interface Followed {
  readonly informer: Informer<Pod>
  /** Every change as `+name@version`, `~name@version` or `-name`. */
  readonly changes: readonly string[]
  readonly errors: readonly unknown[]
}

const follow = (server: ScriptedServer, options: {readonly isOptional?: boolean} = {}): Followed => {
  const changes: string[] = []
  const errors: unknown[] = []
  const informer = startInformer({
    client: server.client,
    kind: PODS,
    namespace: 'n',
    ...options,
    signal: stop.current.signal,
    onChange: (before, after) => {
      const {name, resourceVersion} = after?.metadata ?? before?.metadata ?? {name: '', resourceVersion: ''}
      changes.push(after ? `${before ? '~' : '+'}${name}@${resourceVersion}` : `-${name}`)
    },
    onError: (error) => errors.push(error),
  })
  return {informer, changes, errors}
}

describe('law 8: an informer', () => {
  it('takes a streamed list, and goes on with the same watch', async () => {
    const events = [line('ADDED', podOf('a', 3)), endOfList(7), line('MODIFIED', podOf('a', 8)), line('DELETED', podOf('a', 9))]
    await using server = await play({asked: STREAM, answer: stay(...events)})
    const {informer, changes} = follow(server)
    await informer.synced
    await vi.waitFor(() => expect(changes).toEqual(['+a@3', '~a@8', '-a']), SOON)
    expect(informer.list()).toEqual([])
  })

  it('is not synced before the end of a streamed list', async () => {
    const gate = Promise.withResolvers<void>()
    await using server = await play({
      asked: STREAM,
      answer: async (response: ServerResponse) => {
        stay(line('ADDED', podOf('a', 3)))(response, {line: '', headers: {}, body: ''})
        await gate.promise
        response.write(endOfList(7))
      },
    })
    const {informer, changes} = follow(server)
    await vi.waitFor(() => expect(server.asked).toHaveLength(1), SOON)
    expect(changes).toEqual([])
    gate.resolve()
    await informer.synced
    expect(changes).toEqual(['+a@3'])
  })

  it('takes an optional kind that is not served for an empty one, and asks for it again when it is told to', async () => {
    const missing = json(404, statusBody(404, 'NotFound', 'the server could not find the requested resource'))
    await using server = await play(
      {asked: STREAM, answer: missing},
      {asked: STREAM, answer: end(line('ADDED', podOf('a', 3)), endOfList(7))},
      // Its definition has been taken away.
      {asked: watchFrom(7), answer: missing},
    )
    const {informer, changes, errors} = follow(server, {isOptional: true})
    await informer.synced
    expect(informer.refusal()).toBe('the server could not find the requested resource')
    expect(informer.silence()).toBe(0)
    informer.retry()
    await vi.waitFor(() => expect(changes).toEqual(['+a@3']), SOON)
    await server.played
    await vi.waitFor(() => expect(changes).toEqual(['+a@3', '-a']), SOON)
    expect(informer.refusal()).toBe('the server could not find the requested resource')
    expect(errors).toEqual([])
  })

  it('goes on without an optional kind that it may not read, says so, and tries again by itself', async () => {
    await using server = await play(
      {asked: STREAM, answer: json(403, statusBody(403, 'Forbidden', 'cannot list pods'))},
      {asked: STREAM, answer: stay(line('ADDED', podOf('a', 3)), endOfList(7))},
    )
    const {informer, changes, errors} = follow(server, {isOptional: true})
    await informer.synced
    expect(informer.refusal()).toBe('cannot list pods')
    expect(errors).toEqual([expect.objectContaining({message: 'cannot list pods'})])
    await vi.waitFor(() => expect(changes).toEqual(['+a@3']), SOON)
    expect(informer.refusal()).toBeUndefined()
  })

  it('lists in pages of 500 where the server streams none', async () => {
    await using server = await play(
      {asked: STREAM, answer: refused},
      {asked: `${PATH}?limit=500`, answer: json(200, {metadata: {resourceVersion: '7', continue: 'next'}, items: [podOf('a', 3)]})},
      {asked: `${PATH}?limit=500&continue=next`, answer: json(200, {metadata: {resourceVersion: '7'}, items: [podOf('b', 4)]})},
      {asked: watchFrom(7), answer: stay(line('ADDED', podOf('c', 8)))},
    )
    const {informer, changes, errors} = follow(server)
    await informer.synced
    await vi.waitFor(() => expect(changes).toEqual(['+a@3', '+b@4', '+c@8']), SOON)
    expect(errors).toEqual([])
    expect(informer.get({namespace: 'n', name: 'a'})).toMatchObject({apiVersion: 'v1', kind: 'Pod'})
  })

  it('goes on from the last bookmark when the server ends a watch', async () => {
    await using server = await play(
      {asked: STREAM, answer: end(endOfList(7), bookmark(20))},
      {asked: watchFrom(20), answer: stay(line('ADDED', podOf('a', 21)))},
    )
    const {changes, errors} = follow(server)
    await vi.waitFor(() => expect(changes).toEqual(['+a@21']), SOON)
    expect(errors).toEqual([])
  })

  const expired = statusBody(410, 'Expired', 'too old resource version: 7 (90)')
  it.each([
    ['an ERROR event inside a 200', end(line('ERROR', expired))],
    ['an HTTP status', json(410, expired)],
  ])('lists anew after a 410 as %s, and tells only what changed', async (_, answer) => {
    await using server = await play(
      {asked: STREAM, answer: end(line('ADDED', podOf('same', 3)), line('ADDED', podOf('gone', 4)), endOfList(7))},
      {asked: watchFrom(7), answer},
      {asked: STREAM, answer: stay(line('ADDED', podOf('same', 3)), line('ADDED', podOf('new', 80)), endOfList(90))},
    )
    const {informer, changes, errors} = follow(server)
    await vi.waitFor(() => expect(changes).toEqual(['+same@3', '+gone@4', '-gone', '+new@80']), SOON)
    expect(informer.list().map(({metadata}) => metadata.name)).toEqual(['same', 'new'])
    expect(errors).toEqual([])
  })

  it('connects and lists anew when two bookmarks are missing', async () => {
    vi.useFakeTimers({toFake: ['setInterval', 'clearInterval', 'Date']})
    await using server = await play(
      {asked: STREAM, answer: stay(line('ADDED', podOf('a', 3)), endOfList(7))},
      {asked: STREAM, answer: stay(endOfList(9))},
    )
    const {informer, changes, errors} = follow(server)
    await informer.synced
    vi.advanceTimersByTime(129_000)
    expect(errors).toEqual([])
    expect(informer.silence()).toBe(129_000)
    vi.advanceTimersByTime(3_000)
    await vi.waitFor(() => expect(changes).toEqual(['+a@3', '-a']), SOON)
    expect(errors).toEqual([expect.objectContaining({name: 'Silence'})])
    expect(informer.silence()).toBeLessThan(10_000)
  })

  it('lists anew when it is told to, and says when that has been done', async () => {
    await using server = await play(
      {asked: STREAM, answer: stay(line('ADDED', podOf('a', 3)), endOfList(7))},
      {asked: STREAM, answer: json(500, statusBody(500, 'InternalError', 'etcd has no leader'))},
      {asked: STREAM, answer: stay(line('ADDED', podOf('b', 8)), endOfList(9))},
    )
    const {informer, changes, errors} = follow(server)
    await informer.synced
    await informer.relist()
    expect(changes).toEqual(['+a@3', '-a', '+b@8'])
    expect(errors).toEqual([expect.objectContaining({status: 500})])
  })

  it('takes no list that was begun before for the one that it is told to make', async () => {
    const gate = Promise.withResolvers<ServerResponse>()
    await using server = await play(
      {asked: STREAM, answer: end(endOfList(7))},
      {
        asked: watchFrom(7),
        answer: json(410, statusBody(410, 'Expired', 'too old resource version')),
      },
      {
        asked: STREAM,
        answer: (response) => {
          response.writeHead(200)
          response.flushHeaders()
          gate.resolve(response)
        },
      },
      {asked: STREAM, answer: stay(line('ADDED', podOf('b', 10)), endOfList(10))},
    )
    const {informer, changes} = follow(server)
    await informer.synced
    const slow = await gate.promise
    const relisted = informer.relist()
    slow.end(line('ADDED', podOf('a', 8)) + endOfList(8))
    await relisted
    expect(changes).toEqual(['+b@10'])
  })

  it('waits for no list of an optional kind that is refused', async () => {
    await using server = await play({asked: STREAM, answer: json(404, statusBody(404, 'NotFound', 'there is no such kind'))})
    const {informer} = follow(server, {isOptional: true})
    await informer.synced
    await informer.relist()
    expect(server.asked).toHaveLength(1)
  })

  it('counts a bookmark as life', async () => {
    vi.useFakeTimers({toFake: ['setInterval', 'clearInterval', 'Date']})
    const open = Promise.withResolvers<ServerResponse>()
    await using server = await play({
      asked: STREAM,
      answer: (response) => {
        response.writeHead(200)
        response.write(endOfList(7))
        open.resolve(response)
      },
    })
    const {informer, errors} = follow(server)
    await informer.synced
    for (let version = 8; version < 12; version++) {
      vi.advanceTimersByTime(60_000)
      const response = await open.promise
      response.write(bookmark(version))
      await vi.waitFor(() => expect(informer.silence()).toBeLessThan(10_000), SOON)
    }
    expect(errors).toEqual([])
    expect(server.asked).toHaveLength(1)
  })

  it('stays silent for its callers while the server is away', async () => {
    vi.useFakeTimers({toFake: ['Date']})
    await using server = await play(
      {asked: STREAM, answer: end(endOfList(7))},
      {asked: watchFrom(7), answer: (response) => void response.destroy()},
      {asked: watchFrom(7), answer: (response) => void response.destroy()},
    )
    const {informer} = follow(server)
    await informer.synced
    vi.advanceTimersByTime(90_000)
    await server.played
    expect(informer.silence()).toBe(90_000)
  })

  it('waits as long as the server asks', async () => {
    const busy = json(429, statusBody(429, 'TooManyRequests', 'storage is (re)initializing', {retryAfterSeconds: 1}))
    const times: number[] = []
    const timed =
      (answer: Step['answer']): Step['answer'] =>
      (...call) => {
        times.push(performance.now())
        return answer(...call)
      }
    await using server = await play({asked: STREAM, answer: timed(busy)}, {asked: STREAM, answer: timed(stay(endOfList(7)))})
    const {informer, errors} = follow(server)
    await informer.synced
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990)
    expect(errors).toEqual([expect.objectContaining({status: 429})])
  })

  it('takes the list of a server whose history has gone back', async () => {
    await using server = await play(
      {asked: STREAM, answer: end(line('ADDED', podOf('a', 500)), line('ADDED', podOf('b', 501)), endOfList(900))},
      {asked: watchFrom(900), answer: json(410, expired)},
      {asked: STREAM, answer: stay(line('ADDED', podOf('a', 400)), endOfList(450))},
    )
    const {informer, changes} = follow(server)
    await vi.waitFor(() => expect(changes).toEqual(['+a@500', '+b@501', '-b', '~a@400']), SOON)
    expect(informer.get({namespace: 'n', name: 'a'})?.metadata.resourceVersion).toBe('400')
  })

  it('reads of an object that it knows in this version only that, and goes on from it', async () => {
    const head = (version: number): string =>
      `{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","uid":"uid-a","resourceVersion":"${version}"`
    const known = `${head(7)} and what follows is not read\n`
    await using server = await play(
      {asked: STREAM, answer: end(line('ADDED', podOf('a', 7)), endOfList(5), known)},
      {asked: watchFrom(7), answer: stay(`${head(8)},"labels":{"new":"yes"}},"spec":{"containers":[]}}}\n`)},
    )
    const {informer, changes, errors} = follow(server)
    await vi.waitFor(() => expect(changes).toEqual(['+a@7', '~a@8']), SOON)
    expect(informer.get({namespace: 'n', name: 'a'})?.metadata.labels).toEqual({new: 'yes'})
    expect(errors).toEqual([])
  })

  it('goes on after an event that is none', async () => {
    await using server = await play(
      {asked: STREAM, answer: end(endOfList(7), 'no json\n')},
      {asked: watchFrom(7), answer: stay(line('ADDED', podOf('a', 8)))},
    )
    const {changes, errors} = follow(server)
    await vi.waitFor(() => expect(changes).toEqual(['+a@8']), SOON)
    expect(errors).toEqual([expect.any(SyntaxError)])
  })

  it('ends its connection and never syncs when it is stopped early', async () => {
    const closed = Promise.withResolvers<void>()
    await using server = await play({
      asked: STREAM,
      answer: (response) => {
        response.once('close', closed.resolve)
        response.writeHead(200).flushHeaders()
      },
    })
    const {informer, errors} = follow(server)
    await server.played
    stop.current.abort(new Error('stopped'))
    await closed.promise
    await expect(informer.synced).rejects.toThrow('stopped')
    expect(errors).toEqual([])
  })
})
