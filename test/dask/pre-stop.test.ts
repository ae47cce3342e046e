import type {ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {readdir, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {preStopCommand} from '../../src/dask/pre-stop.ts'
import {MIDDLE_DASK, NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type RealDask, startDask, starts, until} from './real-dask.ts'
import {makeTls, type TlsFiles} from './tls-ground.ts'

/** What a kubelet does with a worker's pod that is being deleted: the hook first, then SIGTERM. */

let tls: TlsFiles
beforeAll(async () => {
  tls = await makeTls()
})
afterAll(() => tls.remove())

let dask: RealDask | undefined
afterEach(async () => {
  await dask?.stop()
  dask = undefined
})

interface Pod {
  readonly worker: ChildProcess
  readonly says: (words: string) => Promise<void>
  /** Resolves with the exit code of the hook, and with what it had to say. */
  readonly preStop: () => Promise<{readonly code: unknown; readonly said: string}>
  /** SIGTERM; resolves when the worker has ended. */
  readonly end: () => Promise<void>
}

interface Start {
  /** What the worker is called, and where it listens; by default by its pod's name. */
  readonly flags?: readonly string[]
  readonly hostNetwork?: boolean
}

const startPod = (cluster: RealDask, name: string, address: string, {flags: own = ['--name', name], ...spec}: Start = {}): Pod => {
  const env = {DASK_WORKER_NAME: name, DASK_SCHEDULER_ADDRESS: address}
  const flags = [...own, '--nthreads', '1', '--memory-limit', '0', '--no-dashboard', '--local-directory', `${cluster.directory}/${name}`]
  const worker = cluster.run('dask', ['worker', ...flags], env)
  let text = ''
  for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return {
    worker,
    says: (words) => until(() => text.includes(words), `${name} says "${words}"; it said ${text}`),
    preStop: async () => {
      const [program = '', ...args] = preStopCommand(spec)
      const hook = cluster.run(program, args, env)
      let said = ''
      for (const stream of [hook.stdout, hook.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [code] = await once(hook, 'exit')
      return {code, said}
    },
    end: async () => {
      if (worker.exitCode !== null || worker.signalCode !== null) return
      const ended = once(worker, 'exit')
      worker.kill('SIGTERM')
      await ended
    },
  }
}

const LOAD = `
import os, sys, time
from distributed import Client
address, directory = sys.argv[1:3]
def task(i):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(0.3)
    return i
with Client(address) as client:
    print("ready", flush=True)
    futures = [client.submit(task, i, pure=False) for i in range(30)]
    assert client.gather(futures) == list(range(30))
print("right")
`

/** Results that are needed later. */
const HOLD = `
import os, sys, time
from distributed import Client
address, directory = sys.argv[1:3]
def task(i):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    return i
with Client(address) as client:
    futures = [client.submit(task, i, pure=False) for i in range(20)]
    client.gather(futures)
    open(os.path.join(directory, "held"), "w").close()
    while not os.path.exists(os.path.join(directory, "go")):
        time.sleep(0.05)
    assert client.gather(futures) == list(range(20))
print("kept")
`

describe.each([NEWEST_DASK, MIDDLE_DASK, OLDEST_DASK])('without --name, with Dask %s', (version) => {
  it('a worker is found by its address, and hands over', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const address = `tcp://127.0.0.1:${cluster.port}`
    const victim = startPod(cluster, 'victim', address, {flags: []})
    const other = startPod(cluster, 'other', address, {flags: ['--host', '127.0.0.2']})
    const scheduler = await cluster.connect()
    await until(async () => (await scheduler.identity()).workers.length === 2, 'both workers join')
    const load = cluster.python(LOAD)
    await until(async () => (await starts(cluster.directory)).size >= 6, 'tasks run')
    expect(await victim.preStop()).toEqual({code: 0, said: ''})
    expect((await scheduler.identity()).workers.map(({host}) => host)).toEqual(['127.0.0.2'])
    scheduler.close()
    await victim.end()
    expect(await load.output).toContain('right')
    expect([...(await starts(cluster.directory)).values()]).toEqual(Array(30).fill(1))
    await other.end()
  })

  it('on the network of its node it is taken for nobody else there', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const address = `tcp://127.0.0.1:${cluster.port}`
    const victim = startPod(cluster, 'victim', address, {flags: [], hostNetwork: true})
    const neighbour = startPod(cluster, 'neighbour', address)
    const scheduler = await cluster.connect()
    await until(async () => (await scheduler.identity()).workers.length === 2, 'both workers join')
    expect(await victim.preStop()).toEqual({code: 0, said: ''})
    await victim.end()
    await until(async () => (await scheduler.identity()).workers.length === 1, 'the victim has gone')
    expect((await scheduler.identity()).workers).toMatchObject([{name: 'neighbour', status: 'running'}])
    scheduler.close()
    await neighbour.end()
  })
})

describe.each([NEWEST_DASK, OLDEST_DASK])('with Dask %s', (version) => {
  // The newest Dask's over TLS is a product test (test/conformance/tls.test.ts).
  it.each(version === OLDEST_DASK ? ['tcp', 'tls'] : ['tcp'])(
    'a worker that is told to stop under load hands over what it holds, and no task starts twice (%s)',
    async (scheme) => {
      const cluster = await startDask(version, {}, scheme === 'tls' ? tls : undefined)
      dask = cluster
      const {address} = cluster
      const [victim, other] = [startPod(cluster, 'victim', address), startPod(cluster, 'other', address)]
      const scheduler = await cluster.connect()
      await until(async () => (await scheduler.identity()).workers.length === 2, 'both workers join')
      scheduler.close()
      const load = cluster.python(LOAD)
      await until(async () => (await starts(cluster.directory)).size >= 6, 'tasks run')
      expect(await victim.preStop()).toEqual({code: 0, said: ''})
      await victim.end()
      expect(await load.output).toContain('right')
      expect([...(await starts(cluster.directory)).values()]).toEqual(Array(30).fill(1))
      await other.end()
    },
  )

  it('workers that are all told to stop hand over to one that comes meanwhile', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const address = `tcp://127.0.0.1:${cluster.port}`
    const victims = ['one', 'two'].map((name) => startPod(cluster, name, address))
    const scheduler = await cluster.connect()
    const joined = (count: number) => async (): Promise<boolean> =>
      (await scheduler.identity()).workers.filter(({status}) => status === 'running').length === count
    await until(joined(2), 'both workers join')
    const held = cluster.python(HOLD)
    await until(async () => (await readdir(cluster.directory)).includes('held'), 'results are held')
    const hooks = Promise.all(victims.map((victim) => victim.preStop()))
    await until(async () => (await scheduler.identity()).workers.some(({status}) => status !== 'running'), 'one of them begins to leave')
    const heir = startPod(cluster, 'heir', address)
    expect((await hooks).map(({code}) => code)).toEqual([0, 0])
    await Promise.all(victims.map((victim) => victim.end()))
    scheduler.close()
    await writeFile(join(cluster.directory, 'go'), '')
    expect(await held.output).toContain('kept')
    expect([...(await starts(cluster.directory)).values()]).toEqual(Array(20).fill(1))
    await heir.end()
  })

  // Such a worker takes no notice of one SIGTERM: it would sit out the whole grace period of its pod.
  it('a worker whose scheduler has gone before they met ends soon', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const pod = startPod(cluster, 'lonely', `tcp://127.0.0.1:${cluster.port}`)
    await pod.says('Start Nanny')
    cluster.killScheduler()
    await pod.says('Waiting to connect')
    expect((await pod.preStop()).code).toBe(0)
    await within(10_000, pod.end())
  })

  it('a worker whose scheduler goes while it hands over ends soon', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const pod = startPod(cluster, 'deserted', `tcp://127.0.0.1:${cluster.port}`)
    const scheduler = await cluster.connect()
    await until(async () => (await scheduler.identity()).workers.length === 1, 'the worker joins')
    const load = cluster.python('import sys, time\nfrom distributed import Client\nClient(sys.argv[1]).submit(time.sleep, 600).result()')
    load.output.catch(() => undefined)
    await until(async () => (await scheduler.identity()).workers[0]?.load.executing === 1, 'it is busy')
    const hook = pod.preStop()
    await until(async () => (await scheduler.identity()).workers[0]?.status === 'closing_gracefully', 'the hook has drained it')
    scheduler.close()
    cluster.killScheduler()
    await within(20_000, hook)
    await within(10_000, pod.end())
  })

  it('a worker whose scheduler is silent is not waited for beyond the bound', async () => {
    const cluster = await startDask(version)
    dask = cluster
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const pod = startPod(cluster, 'deaf', `tcp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
    await once(silent, 'connection')
    await within(26_000, pod.preStop())
    await within(10_000, pod.end())
    silent.close()
  })
})

const within = async <T>(limitMs: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs / 1000} s`)), limitMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
