import {mkdtemp, rm} from 'node:fs/promises'
import {createServer} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {PassThrough} from 'node:stream'
import fc from 'fast-check'
import {afterEach, describe, expect, it} from 'vitest'
import type {ContainerState, Pod} from '../../../../src/api/core.ts'
import {expand} from '../../../../src/sandbox/node/expand.ts'
import {openLogFile, readLog} from '../../../../src/sandbox/node/log-file.ts'
import {mostPods} from '../../../../src/sandbox/node/node.ts'
import {startProbe} from '../../../../src/sandbox/node/probe.ts'
import {parseQuantity} from '../../../../src/sandbox/node/quantity.ts'
import {requestsOf, requestsOfAll, whyNot} from '../../../../src/sandbox/node/scheduling.ts'
import {freshRecord, podStatus} from '../../../../src/sandbox/node/status.ts'

const pod = (spec: Partial<Pod['spec']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name: 'p'},
  spec: {containers: [{name: 'main'}], ...spec},
})

describe('a variable in a text', () => {
  const known = new Map([
    ['A', 'one'],
    ['EMPTY', ''],
  ])
  it.each([
    ['$(A) and $(A)', 'one and one'],
    ['$(MISSING)', '$(MISSING)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$one'],
    ['[$(EMPTY)]', '[]'],
    ['$A ${A} $(A', '$A ${A} $(A'],
  ])('%s becomes %s', (text, expected) => expect(expand(text, known)).toBe(expected))

  it('is looked for only where there is a dollar', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('$')),
        (text) => void expect(expand(text, known)).toBe(text),
      ),
    )
  })
  it('comes back when it is written with two', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(expand(text.replaceAll('$', '$$$$'), known)).toBe(text)))
  })
})

describe('a quantity', () => {
  it.each([
    ['500m', 0.5],
    ['1Gi', 2 ** 30],
    ['1.5k', 1500],
    ['2e3', 2000],
    [3, 3],
    ['', undefined],
    ['1 Gi', undefined],
    ['x', undefined],
    ['1gi', undefined],
  ])('%s is %s', (text, expected) => expect(parseQuantity(text)).toBe(expected))
  it('is a number whatever is written, or none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => [undefined, 'number'].includes(typeof parseQuantity(text) === 'number' ? 'number' : undefined)),
    )
  })
})

describe('a place on the node', () => {
  const node = {name: 'n', labels: {disk: 'ssd'}, capacity: {cpu: 2, memory: 2 ** 30, pods: 2}, isCordoned: false}
  const asking = (requests: Record<string, string>) => pod({containers: [{name: 'main', resources: {requests}}]})
  it('is there for what fits beside those that are bound', () => {
    expect(whyNot(asking({cpu: '1'}), node, requestsOfAll([asking({cpu: '1'})]))).toBeUndefined()
    expect(whyNot(asking({cpu: '1500m'}), node, requestsOfAll([asking({cpu: '1'})]))).toContain('1 Insufficient cpu')
    expect(whyNot(asking({memory: '2Gi', 'nvidia.com/gpu': '1'}), node, {})).toContain(
      '1 Insufficient memory, 1 Insufficient nvidia.com/gpu',
    )
    expect(whyNot(pod(), node, requestsOfAll([pod(), pod()]))).toContain('1 Too many pods')
  })
  it('is for as many pods as a kubelet takes, and for fewer where they would fill the machine', () => {
    const most = (cores: number, gibibytes: number): number => mostPods(cores, gibibytes * 2 ** 30)
    expect([most(16, 64), most(2, 64), most(16, 8)]).toEqual([110, 64, 64])
  })
  it('is not there on another node than the pod wants, or on one that is cordoned', () => {
    expect(whyNot(pod({nodeSelector: {disk: 'hdd'}}), node, {})).toContain("didn't match Pod's node affinity/selector")
    expect(whyNot(pod(), {...node, isCordoned: true}, {})).toContain('unschedulable')
  })
  it('is as large as requests say, and limits where they do not', () => {
    expect(
      requestsOf(
        pod({
          containers: [
            {name: 'a', resources: {limits: {cpu: '2'}}},
            {name: 'b', resources: {limits: {cpu: '2'}, requests: {cpu: '1'}}},
          ],
        }),
      ),
    ).toEqual({
      pods: 1,
      cpu: 3,
    })
  })

  it('is as large as the largest moment of its start, beside the sidecars', () => {
    const asks = (name: string, cpu: string, more: object = {}) => ({name, resources: {requests: {cpu}}, ...more})
    const initContainers = [asks('first', '4'), asks('sidecar', '1', {restartPolicy: 'Always'}), asks('second', '2')]
    expect(requestsOf(pod({initContainers, containers: [asks('main', '1')]}))).toEqual({pods: 1, cpu: 4})
    expect(requestsOf(pod({initContainers, containers: [asks('main', '5')]}))).toEqual({pods: 1, cpu: 6})
  })
})

describe('a pod’s status', () => {
  const NOW = '2026-11-23T12:00:00Z'
  const exited = (exitCode: number): ContainerState => ({terminated: {exitCode}})
  const status = (policy: 'Always' | 'OnFailure' | 'Never', states: readonly ContainerState[], init: readonly ContainerState[] = []) => {
    const records = (all: readonly ContainerState[]) =>
      all.map((state, index) => ({...freshRecord(`c${index}`, 'i'), state, ready: state.running !== undefined}))
    return podStatus(
      pod({restartPolicy: policy}),
      {init: records(init), containers: records(states), podIP: '10.0.0.1', startTime: NOW},
      NOW,
    )
  }
  const running: ContainerState = {running: {startedAt: NOW}}
  it.each<[string, 'Always' | 'OnFailure' | 'Never', readonly ContainerState[], readonly ContainerState[], string]>([
    ['nothing has begun', 'Always', [{waiting: {}}], [], 'Pending'],
    ['an init container still runs', 'Always', [{waiting: {}}], [running], 'Pending'],
    ['an init container has failed for good', 'Never', [{waiting: {}}], [exited(1)], 'Failed'],
    ['all run', 'Never', [running, running], [exited(0)], 'Running'],
    ['one has ended and one runs', 'Never', [exited(1), running], [], 'Running'],
    ['all have ended well', 'OnFailure', [exited(0), exited(0)], [], 'Succeeded'],
    ['one has failed and is not restarted', 'Never', [exited(0), exited(3)], [], 'Failed'],
    ['one has failed and is restarted', 'OnFailure', [exited(0), exited(3)], [], 'Running'],
    ['one has ended well and is restarted', 'Always', [exited(0)], [], 'Running'],
  ])('when %s (%s)', (_, policy, states, init, phase) => expect(status(policy, states, init).phase).toBe(phase))

  it('is over when the pod has been deleted and ended, whatever would be restarted', () => {
    const of = (...states: readonly ContainerState[]) => {
      const containers = states.map((state) => ({...freshRecord('c', 'i'), state}))
      return podStatus(pod({restartPolicy: 'Always'}), {init: [], containers, podIP: '', startTime: NOW, isTerminated: true}, NOW).phase
    }
    expect(of(exited(0), exited(0))).toBe('Succeeded')
    expect(of(exited(0), exited(143))).toBe('Failed')
    expect(of({waiting: {}})).toBe('Failed')
  })

  it('counts a sidecar as begun once it has started, and is not over before it has ended', () => {
    const sidecar = (state: ContainerState, started: boolean) => ({
      ...freshRecord('s', 'i'),
      isSidecar: true,
      hasStarted: started || state.terminated !== undefined,
      state,
      started,
      ready: started,
    })
    const main = (state: ContainerState) => ({...freshRecord('m', 'i'), state, ready: state.running !== undefined})
    const of = (init: ReturnType<typeof sidecar>, container: ReturnType<typeof main>) =>
      podStatus(pod({restartPolicy: 'Never'}), {init: [init], containers: [container], podIP: '10.0.0.1', startTime: NOW}, NOW)
    const initialized = (each: ReturnType<typeof of>) => each.conditions?.find(({type}) => type === 'Initialized')?.status
    expect(of(sidecar(running, false), main({waiting: {}})).phase).toBe('Pending')
    expect(initialized(of(sidecar(running, false), main({waiting: {}})))).toBe('False')
    expect(of(sidecar(running, true), main(running)).phase).toBe('Running')
    expect(of(sidecar(running, true), main(exited(0))).phase).toBe('Running')
    expect(of(sidecar(exited(143), false), main(exited(0))).phase).toBe('Succeeded')
    expect(initialized(of(sidecar(exited(143), false), main(exited(0))))).toBe('True')
    expect(of(sidecar(running, false), main(running)).conditions?.find(({type}) => type === 'Ready')).toMatchObject({
      status: 'False',
      message: 'containers with unready status: [s]',
    })
  })

  it('names the containers that are not ready', () => {
    const ready = status('Always', [running, {waiting: {}}]).conditions?.find(({type}) => type === 'Ready')
    expect(ready).toMatchObject({status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [c1]'})
  })
})

describe('a log', () => {
  let directory = ''
  afterEach(() => rm(directory, {recursive: true, force: true}))
  it('keeps every line whole, however its bytes arrive', async () => {
    directory = await mkdtemp(join(tmpdir(), 'log-'))
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({unit: 'grapheme'}).filter((line) => !/[\n\r]/.test(line) && line !== ''),
          {maxLength: 8},
        ),
        fc.integer({min: 1, max: 7}),
        async (lines, size) => {
          const log = openLogFile(join(directory, `log-${count++}`))
          const stream = new PassThrough()
          log.attach(stream)
          const ended = new Promise((resolve) => stream.once('end', resolve))
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
          for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size))
          stream.end()
          await ended
          log.end()
          expect(await readLog(log.path, {})).toBe(lines.map((line) => `${line}\n`).join(''))
          expect(await readLog(log.path, {tailLines: 1})).toBe(lines.length > 0 ? `${lines.at(-1)}\n` : '')
        },
      ),
      {numRuns: 40},
    )
  })
})

describe('a probe', () => {
  it('tells a change only after as many answers in a row as it says', async () => {
    const answers = [200, 500, 200, 500, 500, 200]
    const server = createServer((_, response) => response.writeHead(answers.shift() ?? 200).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const told: boolean[] = []
    const done = Promise.withResolvers<void>()
    const probe = {httpGet: {port}, periodSeconds: 0.01, failureThreshold: 2}
    const target = {ip: '127.0.0.1', container: {name: 'main'}, exec: () => Promise.resolve(0)}
    const stop = startProbe(probe, target, (ok) => {
      told.push(ok)
      if (told.length === 3) done.resolve()
    })
    await done.promise
    stop()
    server.close()
    expect(told).toEqual([true, false, true])
  })
})
