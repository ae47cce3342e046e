import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {BIN, isReady, type Output, stand, until} from './ground.ts'

const {namespace, dask, kubectl, pods, python} = stand('views')

beforeAll(async () => {
  expect((await dask('cluster', 'create', 'demo', '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
})

/** One of our commands that goes on until it is stopped; resolves with all it has said, when that is enough. */
const sayUntil = async (args: readonly string[], isEnough: (text: string) => boolean, what: string): Promise<string> => {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args, '-n', namespace])
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = once(child, 'exit')
  try {
    await until(() => isEnough(text), `${what}: ${text}`)
    return text
  } finally {
    child.kill('SIGINT')
    await ended
  }
}

const WORK = `
import sys
from distributed import Client
client = Client(sys.argv[1], timeout=30)
done = client.gather(client.map(lambda x: x + 1, range(40)))
client.close()
`

describe('cluster describe', () => {
  it('tells what the scheduler knows, and leaves no trace in its log', async () => {
    await python(WORK, 'demo')
    const {code, stdout} = await dask('cluster', 'describe', 'demo')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Connected: +1 with \d+ threads?, memory \d+Mi/m)
    expect(stdout).toMatch(/^Tasks: +0 running, 0 waiting, 0 results held$/m)
    expect(stdout).toMatch(/^Asks for: +\d+ workers?$/m)
    expect((await dask('cluster', 'logs', 'demo', '--scheduler')).stdout).not.toContain('out-of-band')
  })
})

describe('cluster logs', () => {
  it('of several pods have their names before the lines, and only the lines that are wanted', async () => {
    const {stdout} = await dask('cluster', 'logs', 'demo', '--grep', 'Start worker|Scheduler at', '--timestamps')
    const lines = stdout.trim().split('\n')
    expect(lines.filter((line) => /^\[demo-default-worker-\w+\] \d{4}-\S+Z .*Start worker/.test(line))).toHaveLength(1)
    expect(lines.filter((line) => /^\[demo-scheduler\] \d{4}-\S+Z .*Scheduler at/.test(line)).length).toBeGreaterThan(0)
    expect(await dask('cluster', 'logs', 'demo', '--group', 'none')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no DaskWorkerGroup "none"'),
    })
    expect(await dask('cluster', 'logs', 'demo', '--grep', '(')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no regular expression'),
    })
  })

  it('are written to a file for each pod', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'logs-'))
    try {
      const {stdout} = await dask('cluster', 'logs', 'demo', '--download', join(folder, 'new'))
      expect(stdout.trim().split('\n')).toHaveLength(2)
      expect(await readFile(join(folder, 'new', 'demo-scheduler.log'), 'utf8')).toContain('Scheduler at')
    } finally {
      await rm(folder, {recursive: true})
    }
  })

  it('follow pods that come later', async () => {
    const isEnough = (text: string): boolean => {
      if (text.includes('[demo-scheduler]')) scaling ??= dask('cluster', 'scale', 'demo', '2')
      return new Set(text.match(/^\[demo-default-worker-\w+\](?=.*Start worker)/gm)).size === 2
    }
    let scaling: Promise<Output> | undefined
    await sayUntil(['cluster', 'logs', 'demo', '-f', '--timestamps'], isEnough, 'both workers speak')
    expect(await scaling).toMatchObject({code: 0, stdout: expect.stringContaining('scaled from 1 to 2 workers')})
    expect((await dask('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '60s')).code).toBe(0)
  })
})

describe('cluster watch', () => {
  it('tells in JSON what the API server and the scheduler know', async () => {
    await python(WORK, 'demo')
    // What a worker runs is as of its last heartbeat: for a moment it still runs what is done.
    const isComplete = (text: string): boolean =>
      /"done":\d+/.test(text) &&
      text.endsWith('\n') &&
      text.includes('"connected":1') &&
      /"running":0\b/.test(text.trim().split('\n').at(-1) ?? '')
    const text = await sayUntil(['cluster', 'watch', 'demo', '-o', 'json'], isComplete, 'a board with its numbers')
    const [card] = JSON.parse(text.trim().split('\n').at(-1) ?? '').clusters
    expect(card).toMatchObject({name: 'demo', status: 'Ready', isReady: true, ready: 1, wanted: 1})
    expect(card.tasks.done).toBeGreaterThanOrEqual(40)
    expect(card.workers).toMatchObject([{group: 'demo-default', status: 'running', load: {running: 0}}])
  })

  it('tells in a pipe each change in a line', async () => {
    let scaling: Promise<Output> | undefined
    const isEnough = (text: string): boolean => {
      if (/demo: Ready, 1\/1 workers/.test(text)) scaling ??= dask('cluster', 'scale', 'demo', '2')
      return /demo: .*2\/2 workers/.test(text)
    }
    expect(await sayUntil(['cluster', 'watch', '-o', 'lines'], isEnough, 'two workers')).toMatch(/^\S+Z cluster \S+\/demo: /)
    expect(await scaling).toMatchObject({code: 0})
  })

  it('of a cluster that is not there ends with exit code 3', async () => {
    expect(await dask('cluster', 'watch', 'none')).toMatchObject({code: 3, stdout: ''})
  })
})

describe('cluster dashboard', () => {
  it('leads to the scheduler, and to the one that replaces it', async () => {
    const child = spawn(process.execPath, [BIN, 'cluster', 'dashboard', 'demo', '--no-open', '-o', 'json', '-n', namespace])
    const ended = once(child, 'exit')
    try {
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      await until(() => text.includes('}'), 'it tells where it listens')
      const {dashboardURL} = JSON.parse(text) as {readonly dashboardURL: string}
      const isServed = (): Promise<boolean> =>
        fetch(dashboardURL.replace('/status', '/health')).then(
          ({ok}) => ok,
          () => false,
        )
      await until(isServed, 'the dashboard is served')
      const [before] = await pods('dask.org/component=scheduler')
      await kubectl('delete', 'pod', 'demo-scheduler')
      const isNew = async (): Promise<boolean> =>
        (await pods('dask.org/component=scheduler')).some((pod) => pod.metadata.uid !== before?.metadata.uid && isReady(pod))
      await until(isNew, 'another scheduler is ready')
      await until(isServed, 'the dashboard of the other one is served')
    } finally {
      child.kill('SIGINT')
    }
    expect((await ended)[0]).toBe(0)
  })
})
