/** The life of a sandbox as its user sees it: started, killed, started again, kept, ended. */
import {execFile} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, readFile, rm, stat, truncate, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {commandLines, type OwnSandboxes, ownSandboxes, PYTHON} from './own-sandbox.ts'

const KILLS = Number(process.env['KILLS'] ?? 10)
/** Of one start, a kill and what lies between, on a busy machine. */
const KILL_MS = 10_000
/** A start takes about this long: kills fall anywhere in it. */
const START_MS = 1_000

/** What is mounted there is seen by nobody else, and goes with the command. */
const MOUNTING = ['unshare', '--mount', 'sh', '-c']
/** Root may; where nobody may the test is skipped, which fails where CI is set. */
const mayMount = await promisify(execFile)('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).then(
  () => true,
  () => false,
)
let own: OwnSandboxes
let mark = ''
let podFile = ''

const up = (): Promise<string> => own.up('life')
const down = (...flags: readonly string[]): Promise<string> => own.down('life', ...flags)
const kubectl = (...args: readonly string[]): Promise<string> => own.kubectl('life', ...args)
/** What a sandbox that does not start says. */
const refused = (flags: readonly string[], more?: NodeJS.ProcessEnv, within?: readonly string[]): Promise<string> =>
  own.refused(['up', '--name', 'refused', ...flags], more, within)

/** Processes of the pods of this test: they carry its mark among their arguments. */
const processes = async (): Promise<number> =>
  [...(await commandLines()).values()].filter(([program, ...args]) => program === 'sleep' && args.includes(mark)).length

/** What serves the sandbox, whether it has told of itself or not. */
const servers = async (): Promise<readonly number[]> => {
  const found: number[] = []
  for (const [pid, words] of await commandLines())
    if (['sandbox', 'serve', 'life'].every((word) => words.includes(word)) && (await isOurs(pid))) found.push(pid)
  return found
}
const isOurs = async (pid: number): Promise<boolean> =>
  (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).includes(own.directory)

const kill = async (): Promise<void> => {
  for (const pid of await servers())
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      // It has just ended by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
}

beforeAll(async () => {
  own = await ownSandboxes()
  mark = `9${process.pid}`
  podFile = join(own.directory, 'pod.json')
  const containers = [{name: 'main', image: 'any', command: ['sh', '-c', `sleep ${mark} & sleep ${mark}`]}]
  const pod = {apiVersion: 'v1', kind: 'Pod', metadata: {generateName: 'life-', namespace: 'default'}, spec: {containers}}
  await writeFile(podFile, JSON.stringify(pod))
})

afterAll(() => own.remove('life', 'other'))

describe('a sandbox', () => {
  it(
    `that was killed at any moment, ${KILLS} times, leaves no process once it has been up again`,
    async () => {
      for (let count = 0; count < KILLS; count++) {
        if (count % 3 === 0) {
          // While it starts: the command says so, or has just ended.
          const starting = up().catch((error: Error) => expect(error.message).toContain('the sandbox did not start'))
          await pause(Math.random() * START_MS)
          await kill()
          await starting
        } else {
          await up()
          const creations = Promise.allSettled([1, 2].map(() => kubectl('create', '-f', podFile)))
          if (count % 3 === 1) await creations
          await own.kill('life')
          await creations
        }
      }
      await up()
      await expect.poll(processes, {timeout: 20_000}).toBe(0)
    },
    KILLS * KILL_MS,
  )

  it('that was killed leaves no process once it has been taken down', async () => {
    await up()
    await kubectl('create', '-f', podFile)
    await expect.poll(processes, {timeout: 20_000}).toBe(2)
    await own.kill('life')
    const status = await own.dask('sandbox', 'status', '--name', 'life')
    expect(status).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/sandbox "life" has ended unexpectedly; its last words are in \S+sandbox.log/),
    })
    const list = await own.dask('cluster', 'list', '--context', 'dask-sandbox-life')
    expect(list).toMatchObject({code: 1, stderr: expect.stringContaining('"dask-k8s sandbox up" starts it')})
    await down()
    expect((await own.dask('sandbox', 'status', '--name', 'life')).stderr).toContain('no sandbox "life" runs')
    await expect.poll(processes, {timeout: 5_000}).toBe(0)
  })

  it('whose state was cut off in the middle starts anew', async () => {
    await down()
    await writeFile(join(own.home('life'), 'state.json'), '{"name": "li')
    await up()
  })

  it('is one of several: each has its own port, context and pods, and ends alone', async () => {
    await Promise.all([up(), own.up('other')])
    await own.kubectl('other', 'create', 'configmap', 'mine')
    expect(await kubectl('get', 'configmap', 'mine', '--ignore-not-found')).toBe('')
    await own.down('other')
    expect(await kubectl('get', 'nodes', '-o', 'name')).toBe('node/sandbox\n')
  })

  it('takes another port where somebody has its own meanwhile', async () => {
    const portOf = async (): Promise<number> => Number(await readFile(join(own.home('life'), 'port'), 'utf8'))
    await up()
    const port = await portOf()
    await down()
    const taken = createServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    await up()
    expect(await portOf()).not.toBe(port)
    await down()
    taken.close()
  })

  it('may be started twice and ended twice', async () => {
    expect(await up()).toMatch(/ is up: /)
    expect(await up()).toMatch(/ runs already: /)
    expect(await down()).toBe('sandbox "life" is down\n')
    expect(await down()).toBe('sandbox "life" was not running\n')
  })

  it('that is started by several at once is one, whose port, context and end all of them share', async () => {
    await down()
    const said = await Promise.all([up(), up(), up()])
    expect(said.map((words) => / (is up|runs already): /.exec(words)?.[1]).toSorted()).toEqual(['is up', 'runs already', 'runs already'])
    await expect.poll(servers, {timeout: 20_000}).toEqual([await own.pid('life')])
    expect(await kubectl('get', 'nodes', '-o', 'name')).toBe('node/sandbox\n')
    expect(await down()).toBe('sandbox "life" is down\n')
    expect(await servers()).toEqual([])
  })

  it('that is taken down while it starts is started and then ended', async () => {
    const starting = up()
    await expect.poll(servers, {timeout: 20_000}).toHaveLength(1)
    expect(await down()).toBe('sandbox "life" is down\n')
    expect(await starting).toMatch(/ is up: /)
    expect(await servers()).toEqual([])
  })

  it('whose starting command was killed is the one that the next command finds', async () => {
    const starting = up().catch(() => 'killed')
    await expect.poll(servers, {timeout: 20_000}).toHaveLength(1)
    for (const [pid, words] of await commandLines())
      if (words.includes('up') && words.includes('life') && (await isOurs(pid))) process.kill(pid, 'SIGKILL')
    await starting
    expect(await up()).toMatch(/ runs already: /)
    expect(await servers()).toEqual([await own.pid('life')])
    expect(await down()).toBe('sandbox "life" is down\n')
    expect(await servers()).toEqual([])
  })

  it('whose files somebody has removed ends all the same', async () => {
    await up()
    await rm(own.home('life'), {recursive: true})
    expect(await down()).toBe('sandbox "life" is down\n')
    expect(await servers()).toEqual([])
  })
})

describe('a sandbox that cannot start', () => {
  it.runIf(mayMount)('says so where there is no room for its files, or no place', async () => {
    const place = join(own.directory, 'full')
    await mkdir(place)
    for (const [options, sentence] of [
      [
        'size=64k',
        /^error: there is no room for the sandbox's files in \S+ \(\d+ kB are free\); make room, or name another place in XDG_STATE_HOME\n$/,
      ],
      ['size=1m,ro', /^error: the sandbox's files have no place: \S+ cannot be made \(.*\); name another place in XDG_STATE_HOME\n$/],
    ] as const) {
      const within = [...MOUNTING, `mount -t tmpfs -o ${options} tmpfs "$XDG_STATE_HOME" && exec "$0" "$@"`] as const
      expect(await refused(['--python', PYTHON], {XDG_STATE_HOME: place}, within)).toMatch(sentence)
    }
  })

  it('says so where there is no Python that can serve, and none can be had', async () => {
    expect(await refused(['--python', '/nowhere/python'])).toBe(
      'error: there is no program "/nowhere/python"; name a Python that has dask and distributed\n',
    )
    expect(await refused(['--python', '/bin/true'])).toBe(
      'error: "/bin/true" is no Python with dask and distributed; "/bin/true -m pip install dask distributed" makes it one\n',
    )
    // Whatever is installed beside the system's Python is not seen by this one.
    const bin = join(own.directory, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'python3'), '#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n', {mode: 0o755})
    const index = {PIP_INDEX_URL: 'https://127.0.0.1:9/simple', PIP_RETRIES: '0'}
    const offline = {...index, XDG_CACHE_HOME: join(own.directory, 'cache'), PATH: `${bin}:/usr/bin:/bin`}
    expect(await refused([], offline)).toMatch(
      /\nerror: no Python environment with Dask could be made: the package index cannot be reached, or has none; install dask and distributed, or name a Python that has them with --python\n$/,
    )
  })
})

describe('a sandbox that is kept', () => {
  const pod = (name: string, restartPolicy: string, script: string) => ({
    ...{apiVersion: 'v1', kind: 'Pod', metadata: {name}},
    spec: {
      restartPolicy,
      terminationGracePeriodSeconds: 0,
      volumes: [{name: 'data', persistentVolumeClaim: {claimName: 'data'}}],
      containers: [{name: 'main', image: 'any', command: ['sh', '-c', script], volumeMounts: [{name: 'data', mountPath: '/data'}]}],
    },
  })
  const claim = {
    ...{apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: {name: 'data'}},
    spec: {accessModes: ['ReadWriteOnce'], resources: {requests: {storage: '1Gi'}}},
  }
  const cluster = {
    ...{apiVersion: 'kubernetes.dask.org/v1', kind: 'DaskCluster', metadata: {name: 'demo'}},
    spec: {
      worker: {
        replicas: 1,
        spec: {containers: [{name: 'worker', image: 'any', args: ['dask', 'worker', '--name', '$(DASK_WORKER_NAME)']}]},
      },
      scheduler: {
        spec: {containers: [{name: 'scheduler', image: 'any', args: ['dask', 'scheduler', '--host', '0.0.0.0']}]},
        service: {selector: {}, ports: [{name: 'tcp-comm', port: 8786, targetPort: 8786}]},
      },
    },
  }
  const items = [
    claim,
    cluster,
    pod('on', 'Always', 'echo run >> /data/runs; sleep 600'),
    pod('once', 'Never', 'echo once >> /data/runs; sleep 600'),
    pod('done', 'OnFailure', 'echo done >> /data/runs'),
  ]
  const identity = () => kubectl('get', 'pvc/data', 'daskcluster/demo', '-o', 'jsonpath={.items[*].metadata.uid}')
  const runs = async () => (await kubectl('exec', 'on', '--', 'sort', '/data/runs')).trim().split('\n')
  const column = (path: string) => kubectl('get', 'pods', 'done', 'on', 'once', '-o', `jsonpath={.items[*].${path}}`)

  it('begins the next time with its objects and its claims; its pods start as after a reboot, none twice that may run once', async () => {
    await up()
    await writeFile(join(own.directory, 'kept.json'), JSON.stringify({apiVersion: 'v1', kind: 'List', items}))
    await kubectl('apply', '-f', join(own.directory, 'kept.json'))
    await kubectl('wait', 'daskcluster/demo', '--for=condition=Ready', '--timeout=90s')
    await expect.poll(() => column('status.phase'), {timeout: 30_000}).toBe('Succeeded Running Running')
    // A program that runs may not have written yet.
    await expect.poll(runs, {timeout: 30_000}).toEqual(['done', 'once', 'run'])
    const before = await identity()
    expect(await down('--keep')).toBe('sandbox "life" is down; what it held is kept\n')
    expect((await stat(join(own.home('life'), 'kept.jsonl'))).mode & 0o077).toBe(0)

    expect(await up()).toContain('is up, with what was kept of it')
    await expect.poll(() => column('status.phase'), {timeout: 30_000}).toBe('Succeeded Running Failed')
    expect(await column('status.containerStatuses[0].restartCount')).toBe('0 1 0')
    await expect.poll(runs, {timeout: 30_000}).toEqual(['done', 'once', 'run', 'run'])
    expect(await identity()).toBe(before)
    await kubectl('wait', 'daskcluster/demo', '--for=condition=Ready', '--timeout=90s')
  })

  it('that was killed since begins with what was kept last', async () => {
    await own.kill('life')
    expect(await up()).toContain('is up, with what was kept of it')
    expect(await kubectl('get', 'pvc', '-o', 'name')).toBe('persistentvolumeclaim/data\n')
  })

  it('says so where that cannot be read, and forgets it when it is taken down', async () => {
    await down('--keep')
    await truncate(join(own.home('life'), 'kept.jsonl'), 4096)
    expect(await own.refused(['up', '--name', 'life', '--python', PYTHON])).toMatch(
      /^error: the sandbox did not start: what was kept of the sandbox cannot be read from \S+; "sandbox down" without --keep forgets it, or use another --name; its log is \S+\n$/,
    )
    expect(await down()).toBe('sandbox "life" was not running; what was kept of it is gone\n')
    await up()
    expect(await kubectl('get', 'pvc', '-o', 'name')).toBe('')
    await down()
  })
})
