import {spawn} from 'node:child_process'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {build, isStale} from '../../../scripts/build.ts'
import {CONFIG_MAPS} from '../../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS} from '../../../src/api/dask.ts'
import {appears, type CliGround, type Ended, exists, podStatus, putPod, ROOT, setStatus, startCliGround} from './ground.ts'

/** What happens to people every day: a pipe that closes, a name mistyped, a file of several things. */

let ground: CliGround
beforeAll(async () => {
  if (await isStale()) await build()
  ground = await startCliGround()
}, 60_000)
afterAll(() => ground?.stop())

const dask = (...args: readonly string[]): Promise<Ended> => ground.run(...args)

describe('a question on a terminal', () => {
  it('is left by Ctrl-C without a word, and Ctrl-D is a no', async () => {
    await dask('cluster', 'create', 'questioned', '--image', 'x')
    const left = await ground.runOnTerminal(['cluster', 'delete', 'questioned'], {after: '[y/N]', keys: '\x03'})
    expect(left.code).toBe(130)
    expect(left.stdout).not.toContain('error')
    const closed = await ground.runOnTerminal(['cluster', 'delete', 'questioned'], {after: '[y/N]', keys: '\x04'})
    expect(closed).toMatchObject({code: 1, stdout: expect.stringContaining('error: nothing was deleted')})
    expect(await exists(ground, DASK_CLUSTERS, 'questioned')).toBe(true)
  })
})

describe('cluster workers', () => {
  it('has the formats of a list, and knows which groups there are', async () => {
    await dask('cluster', 'create', 'busy', '--image', 'x')
    const labels = {'dask.org/cluster-name': 'busy', 'dask.org/component': 'worker', 'dask.org/workergroup-name': 'busy-default'}
    await putPod(ground.client, {name: 'busy-default-worker-a', container: 'worker', labels}, podStatus('worker', 'running'))
    const shown = async (format: string) => (await dask('cluster', 'workers', 'busy', '-o', format)).stdout
    expect(await shown('jsonpath={[*].pod}')).toBe('busy-default-worker-a')
    expect(await shown('custom-columns=POD:.pod,STATUS:.status')).toMatch(/^POD +STATUS\nbusy-default-worker-a +Ready\n$/)
    expect(await dask('cluster', 'workers', 'busy', '--group', 'nope')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no DaskWorkerGroup "nope"'),
    })
  })
})

describe('cluster port-forward', () => {
  it('tells when its cluster is suspended, and ends when that is deleted', async () => {
    await dask('cluster', 'create', 'led', '--image', 'x')
    const labels = {'dask.org/cluster-name': 'led', 'dask.org/component': 'scheduler'}
    await putPod(ground.client, {name: 'led-scheduler', container: 'scheduler', labels}, podStatus('scheduler', 'running'))
    const {child, ended} = ground.start(['cluster', 'port-forward', 'led'])
    const told = (words: string, of = child): Promise<void> =>
      new Promise((resolve) => of.stderr?.on('data', (data: Buffer) => (data.toString().includes(words) ? resolve() : undefined)))
    await told('forwarding')
    const other = ground.start(['cluster', 'port-forward', 'led'])
    await told('forwarding', other.child)
    other.child.kill('SIGINT')
    expect((await other.ended).code).toBe(0)
    const isTold = told('is suspended')
    await ground.client.patch(DASK_CLUSTERS, {namespace: 'default', name: 'led'}, {spec: {suspend: true}}, {type: 'merge'})
    await isTold
    await ground.client.delete(DASK_CLUSTERS, {namespace: 'default', name: 'led'})
    expect(await ended).toMatchObject({code: 3, stderr: expect.stringMatching(/\nerror: DaskCluster "led" was deleted\n$/)})
  })
})

describe('files of this machine', () => {
  it('that are no folder, or in a place where none can be, are told for --download', async () => {
    await dask('cluster', 'create', 'kept', '--image', 'x')
    const labels = {'dask.org/cluster-name': 'kept', 'dask.org/component': 'scheduler'}
    await putPod(ground.client, {name: 'kept-scheduler', container: 'scheduler', labels}, podStatus('scheduler', 'running'))
    ground.logs.set('kept-scheduler', [['2026-11-23T12:00:00.1Z one']])
    await writeFile(join(ground.folder, 'notes.txt'), '')
    const into = (folder: string) => dask('cluster', 'logs', 'kept', '--tail', '-1', '--download', folder)
    expect(await into('notes.txt')).toMatchObject({code: 1, stderr: 'error: "notes.txt" is a file, and no folder; choose another one\n'})
    expect(await into('/proc/x')).toMatchObject({code: 1, stderr: expect.stringContaining('error: the folder "/proc/x" cannot be made')})
    for (const folder of ['a/b', 'a/b', '.']) expect((await into(folder)).stdout).toBe(`${join(folder, 'kept-scheduler.log')}\n`)
    expect(await readFile(join(ground.folder, 'a', 'b', 'kept-scheduler.log'), 'utf8')).toBe('one\n')
  })

  it('that are no programs are told for "cluster run" as by a shell', async () => {
    expect(await dask('cluster', 'run', 'kept', '--', ground.folder)).toMatchObject({
      code: 126,
      stderr: expect.stringContaining('may not be run on this machine'),
    })
  })
})

describe('cluster top', () => {
  it('shows those that there are where another one is missing', async () => {
    await dask('cluster', 'create', 'used', '--image', 'x')
    const {code, stdout, stderr} = await dask('cluster', 'top', 'used', 'nope')
    expect({code, stdout, stderr}).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('used'),
      stderr: expect.stringContaining('"nope"'),
    })
  })
})

describe('manifests', () => {
  const manifest = (name: string, spec: object = {}) => ({
    ...{apiVersion: DASK_CLUSTERS.apiVersion, kind: DASK_CLUSTERS.kind, metadata: {name}},
    spec: {
      scheduler: {spec: {containers: [{name: 'scheduler', image: 'x'}]}, service: {ports: []}},
      worker: {replicas: 1, spec: {containers: [{name: 'worker', image: 'x'}]}},
      ...spec,
    },
  })
  const write = (file: string, ...documents: readonly object[]) =>
    writeFile(join(ground.folder, file), documents.map((document) => JSON.stringify(document)).join('\n---\n'))

  it('are made all but those that the server refuses, each of which is told with its file', async () => {
    await write('one.yaml', manifest('m1'))
    await dask('cluster', 'create', '-f', 'one.yaml')
    await write('four.yaml', manifest('m1'), manifest('m2'), manifest('m3', {foo: 1}), manifest('m4'))
    const {code, stdout, stderr} = await dask('cluster', 'create', '-f', 'four.yaml', '-o', 'name')
    expect({code, stdout}).toEqual({
      code: 1,
      stdout: 'daskcluster.kubernetes.dask.org/m2\ndaskcluster.kubernetes.dask.org/m4\n',
    })
    const [first, second, ...others] = stderr.split('\n')
    expect(first).toContain('error: "four.yaml": DaskCluster "m1" exists already')
    expect(second).toMatch(/^error: "four.yaml": .*unknown field "spec.foo"/)
    expect(others).toEqual([''])
  })

  it('may be the list that is printed of several', async () => {
    await write('two.yaml', manifest('l1'), manifest('l2'))
    await dask('cluster', 'create', '-f', 'two.yaml')
    await writeFile(join(ground.folder, 'all.yaml'), (await dask('cluster', 'list', 'l1', 'l2', '-o', 'yaml')).stdout)
    expect(await dask('cluster', 'delete', '-f', 'all.yaml', '-o', 'name')).toMatchObject({
      code: 0,
      stdout: 'daskcluster.kubernetes.dask.org/l1\ndaskcluster.kubernetes.dask.org/l2\n',
    })
  })

  it('are not said to be deleted by and by before anything is known of them', async () => {
    await dask('cluster', 'create', 'slow', '--image', 'x')
    const {code, stderr} = await dask('cluster', 'delete', 'slow', '--timeout', '1ms')
    expect([0, 124]).toContain(code)
    expect(stderr).not.toMatch(/0 objects|0s/)
  })

  it('of other kinds are not to be made by somebody who deletes', async () => {
    await write('mixed.yaml', manifest('x1'), {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'c'}})
    expect((await dask('cluster', 'delete', '-f', 'mixed.yaml')).stderr).toContain('"kubectl delete -f mixed.yaml" takes them all')
  })
})

describe('credentials that cannot be had', () => {
  const listAs = async (exec: object): Promise<string> => {
    const user = {exec: {apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never', ...exec}}
    const kubeconfig = {
      ...{apiVersion: 'v1', kind: 'Config', 'current-context': 'e'},
      clusters: [{name: 'e', cluster: {server: 'https://127.0.0.1:1'}}],
      contexts: [{name: 'e', context: {cluster: 'e', user: 'e'}}],
      users: [{name: 'e', user}],
    }
    await writeFile(join(ground.folder, 'exec.yaml'), JSON.stringify(kubeconfig))
    const {code, stderr} = await dask('cluster', 'list', '--kubeconfig', 'exec.yaml')
    expect(code).toBe(1)
    return stderr
  }

  it('are told with their plugin, and how it is installed', async () => {
    const none = 'error: no credentials for https://127.0.0.1:1: the credential plugin'
    expect(await listAs({command: 'no-such-login', installHint: 'get it at\nhttps://login.example'})).toBe(
      `${none} "no-such-login" is not installed; get it at https://login.example\n`,
    )
    expect(await listAs({command: 'false'})).toBe(`${none} "false" failed and did not say why\n`)
    expect(await listAs({command: 'sh', args: ['-c', 'echo log in first >&2; exit 1']})).toBe(`${none} "sh" failed: log in first\n`)
    expect(await listAs({command: 'echo', args: ['{}']})).toContain('"echo" answered with something that is no ExecCredential')
  })

  it('are told with the file that is not there', async () => {
    const {code, stderr} = await dask('cluster', 'list', '--certificate-authority', '/nope')
    expect({code, stderr}).toMatchObject({code: 1, stderr: expect.stringMatching(/there is no file "\/nope"\n$/)})
  })
})

describe('words behind "--"', () => {
  it('are names where no command is taken', async () => {
    await dask('cluster', 'create', 'dashed', '--image', 'x')
    expect(await dask('cluster', 'list', '--', 'nope')).toMatchObject({code: 3, stdout: ''})
    expect(await dask('cluster', 'list', '-o', 'name', 'dashed', '--', 'nope')).toMatchObject({
      code: 3,
      stdout: 'daskcluster.kubernetes.dask.org/dashed\n',
    })
    expect(await dask('cluster', 'scale', '--', 'dashed', '2')).toMatchObject({code: 0})
    expect(await dask('cluster', 'describe', '-o', 'name', '--', 'dashed')).toMatchObject({code: 0})
    expect(await dask('job', 'list', '--', '-o')).toMatchObject({code: 3})
  })
})

describe('job run', () => {
  const runner = (job: string) => ({
    name: `${job}-runner`,
    container: 'job',
    labels: {'dask.org/cluster-name': job, 'dask.org/component': 'job-runner'},
  })

  it('--rm whose reader goes takes the job away, and does not end as the job would', async () => {
    ground.logs.set('piped-runner', [Array.from({length: 20_000}, (_, line) => `2026-11-23T12:00:00.1Z line ${line}`)])
    const call = [
      process.execPath,
      join(ROOT, 'bin', 'kubectl-dask.js'),
      'job',
      'run',
      '--rm',
      '--name',
      'piped',
      '--image',
      'x',
      '--',
      'true',
    ]
    const script = '{ "$@"; echo $? >&2; } | head -n 1'
    const child = spawn('sh', ['-c', script, 'sh', ...call], {cwd: ground.folder, env: ground.env, stdio: ['ignore', 'pipe', 'pipe']})
    const told = Promise.all([text(child.stdout), text(child.stderr)])
    await appears(ground.client, DASK_JOBS, 'piped')
    await putPod(ground.client, runner('piped'), podStatus('job', 'running'))
    await setStatus(ground.client, DASK_JOBS, 'piped', {jobStatus: 'Running', jobRunnerPodName: 'piped-runner'})
    const [stdout, stderr] = await told
    expect(stdout).toBe('line 0\n')
    expect(stderr).toMatch(/\n141\n$/)
    expect(await exists(ground, DASK_JOBS, 'piped')).toBe(false)
  })

  it('--rm takes the job away when the reader of its story goes too', async () => {
    const call = [
      process.execPath,
      join(ROOT, 'bin', 'kubectl-dask.js'),
      'job',
      'run',
      '--rm',
      '--name',
      'both',
      '--image',
      'x',
      '--',
      'true',
    ]
    const script = '{ "$@" 2>&1; echo $? >&3; } 3>&2 | head -n 1'
    const child = spawn('sh', ['-c', script, 'sh', ...call], {cwd: ground.folder, env: ground.env, stdio: ['ignore', 'pipe', 'pipe']})
    const told = Promise.all([text(child.stdout), text(child.stderr)])
    await appears(ground.client, DASK_JOBS, 'both')
    await putPod(ground.client, runner('both'), podStatus('job', 'waiting'))
    for (const message of ['one', 'two', 'three']) await setStatus(ground.client, DASK_JOBS, 'both', {jobStatus: 'JobCreated', message})
    ground.logs.set('both-runner', [Array.from({length: 20_000}, (_, line) => `2026-11-23T12:00:00.1Z line ${line}`)])
    await putPod(ground.client, runner('both'), podStatus('job', 'running'))
    expect((await told)[1]).toBe('141\n')
    expect(await exists(ground, DASK_JOBS, 'both')).toBe(false)
  })

  it('of a name that is taken names the job, and not the files that are its own', async () => {
    await writeFile(join(ground.folder, 'etl.py'), '')
    const call = ['job', 'run', '--detach', '--name', 'etl', '--image', 'x', '--', 'python', 'etl.py']
    expect((await dask(...call)).code).toBe(0)
    expect((await dask(...call)).stderr).toContain('error: DaskJob "etl" exists already')
    expect(await exists(ground, CONFIG_MAPS, 'etl-files')).toBe(true)
  })

  it('--rm whose pod cannot start does not advise to delete what it has taken away', async () => {
    const running = dask('job', 'run', '--rm', '--name', 'im', '--image', 'x', '--', 'true')
    await appears(ground.client, DASK_JOBS, 'im')
    const why = {reason: 'ErrImageNeverPull', message: 'no image'}
    await putPod(ground.client, runner('im'), podStatus('job', 'waiting', why))
    expect(await running).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/error: pod im-runner of DaskJob "im" does not start: ErrImageNeverPull: no image\n$/),
    })
  })

  it('--on a cluster that is not there ends at once', async () => {
    const {code, stderr} = await dask('job', 'run', '--name', 'lost', '--image', 'x', '--on', 'nope', '--', 'true')
    expect({code, stderr}).toMatchObject({code: 3, stderr: expect.stringContaining('no DaskCluster "nope"')})
    expect(await exists(ground, DASK_JOBS, 'lost')).toBe(false)
  })

  it('says why the job does not begin', async () => {
    const running = dask('job', 'run', '--name', 'held', '--image', 'x', '--timeout', '3s', '--', 'true')
    await appears(ground.client, DASK_JOBS, 'held')
    await setStatus(ground.client, DASK_JOBS, 'held', {jobStatus: 'JobCreated', message: 'it is not its turn'})
    const {code, stderr} = await running
    expect(code).toBe(124)
    expect(stderr).toContain('program: it is not its turn')
    expect(stderr).toContain('job "held" has not started: it is not its turn')
  })
})
