import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import {build, isStale} from '../../../scripts/build.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../../src/api/dask.ts'
import {groupManifest} from '../../../src/cli/cluster-manifest.ts'
import {endLead, takeLead} from '../../../src/sandbox/lead.ts'
import {appears, type CliGround, type Ended, exists, podStatus, putPod, schedulerOf, setStatus, startCliGround, workerOf} from './ground.ts'

let ground: CliGround
beforeAll(async () => {
  if (await isStale()) await build()
  ground = await startCliGround()
}, 60_000)
afterAll(() => ground?.stop())

const dask = (...args: readonly string[]): Promise<Ended> => ground.run(...args)

describe('cluster create', () => {
  it('makes a cluster, and tells the image where none was chosen', async () => {
    const {code, stdout, stderr} = await dask('cluster', 'create', 'plain', '-w', '2')
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/plain created\n'})
    expect(stderr).toBe('image: ghcr.io/dask/dask:latest (--image takes another)\n')
    const made = await ground.client.get(DASK_CLUSTERS, {namespace: 'default', name: 'plain'})
    expect(made.spec.worker.replicas).toBe(2)
  })

  it('never touches one that is there', async () => {
    await dask('cluster', 'create', 'twice', '--image', 'x')
    const {code, stdout, stderr} = await dask('cluster', 'create', 'twice', '--image', 'y')
    expect({code, stdout}).toEqual({code: 1, stdout: ''})
    expect(stderr).toBe('error: DaskCluster "twice" exists already (context "test"); choose another name, or delete that one first\n')
    const kept = await ground.client.get(DASK_CLUSTERS, {namespace: 'default', name: 'twice'})
    expect(kept.spec.worker.spec.containers[0]?.image).toBe('x')
  })

  it('makes nothing with --dry-run=server', async () => {
    const {code, stdout} = await dask('cluster', 'create', 'dry', '--image', 'x', '--dry-run=server')
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/dry created (server dry run)\n'})
    expect(await exists(ground, DASK_CLUSTERS, 'dry')).toBe(false)
  })

  it('says the next step so that it can be pasted, wherever it was called', async () => {
    const nobody = async (...flags: readonly string[]) => (await dask('cluster', 'describe', 'nobody', ...flags)).stderr
    expect(await nobody('--context', 'test', '-n', "a b'c")).toContain(
      `"kubectl dask --context test --namespace 'a b'\\''c' cluster list -A"`,
    )
    await dask('cluster', 'create', 'far', '--image', 'x')
    const {stdout} = await dask('cluster', 'describe', 'far', '--context=test', '-n', 'default')
    expect(stdout).toContain('Next: nothing has taken this cluster up: "kubectl dask --context test operator run" starts an operator')
  })

  it('--wait ends when the cluster is ready, with its progress in lines', async () => {
    const waiting = dask('cluster', 'create', 'ready', '--image', 'x', '-w', '1', '--wait')
    await appears(ground.client, DASK_CLUSTERS, 'ready')
    await putPod(ground.client, schedulerOf('ready'), podStatus('scheduler', 'running'))
    await putPod(ground.client, workerOf('ready', 'a'), podStatus('worker', 'running'))
    const condition = {type: 'Ready', status: 'True', reason: 'AllReady', message: '', lastTransitionTime: '2026-11-23T12:00:00Z'}
    await setStatus(ground.client, DASK_CLUSTERS, 'ready', {phase: 'Running', replicas: 1, readyReplicas: 1, conditions: [condition]})
    const {code, stdout, stderr} = await waiting
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/ready is ready\n'})
    expect(stderr).toContain('✔ scheduler: ready\n')
    expect(stderr).toContain('✔ workers: 1/1 ready\n')
  })

  it('--wait ends early with the reason why a pod cannot start', async () => {
    const waiting = dask('cluster', 'create', 'stuck', '--image', 'x.invalid/no', '--wait')
    await appears(ground.client, DASK_CLUSTERS, 'stuck')
    await setStatus(ground.client, DASK_CLUSTERS, 'stuck', {phase: 'Running'})
    await putPod(
      ground.client,
      schedulerOf('stuck'),
      podStatus('scheduler', 'waiting', {reason: 'ImagePullBackOff', message: 'no such image'}),
    )
    const {code, stderr} = await waiting
    expect(code).toBe(1)
    expect(stderr.split('\n').at(-2)).toBe(
      'error: pod stuck-scheduler of DaskCluster "stuck" does not start: ImagePullBackOff: no such image; ' +
        'it was taken away again: --keep keeps it to look at',
    )
    expect(await exists(ground, DASK_CLUSTERS, 'stuck')).toBe(false)
  })

  it('--wait ends with the last words of a pod that crashes', async () => {
    ground.logs.set('crash-scheduler', [['2026-11-23T12:00:00Z Traceback', '2026-11-23T12:00:01Z ImportError: no dask']])
    const waiting = dask('cluster', 'create', 'crash', '--image', 'x', '--wait', '--keep')
    await appears(ground.client, DASK_CLUSTERS, 'crash')
    await putPod(ground.client, schedulerOf('crash'), podStatus('scheduler', 'waiting', {reason: 'CrashLoopBackOff'}))
    const {code, stderr} = await waiting
    expect(code).toBe(1)
    expect(stderr).toContain('its last words: Traceback | ImportError: no dask')
    expect(await exists(ground, DASK_CLUSTERS, 'crash')).toBe(true)
  })

  it('--wait ends with exit code 124 when the time is up, and says what is missing', async () => {
    const waiting = dask('cluster', 'create', 'late', '--image', 'x', '--wait', '--timeout', '5s')
    await appears(ground.client, DASK_CLUSTERS, 'late')
    await setStatus(ground.client, DASK_CLUSTERS, 'late', {phase: 'Created'})
    const {code, stderr} = await waiting
    expect(code).toBe(124)
    expect(stderr).toContain('error: after 5s, DaskCluster "late" is not ready: scheduler not created, workers 0/3 ready')
    const unserved = await dask('cluster', 'create', 'alone', '--image', 'x', '--wait', '--timeout', '2s')
    expect(unserved.stderr).toContain('no operator has taken it up yet: is one running?')
  })

  it('--wait -o json prints one document and nothing else', async () => {
    const waiting = dask('cluster', 'create', 'quiet', '--image', 'x', '-w', '0', '--wait', '-o', 'json')
    await appears(ground.client, DASK_CLUSTERS, 'quiet')
    await putPod(ground.client, schedulerOf('quiet'), podStatus('scheduler', 'running'))
    await setStatus(ground.client, DASK_CLUSTERS, 'quiet', {phase: 'Running'})
    const {code, stdout, stderr} = await waiting
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(JSON.parse(stdout)).toMatchObject({kind: 'DaskCluster', status: {phase: 'Running'}})
  })

  it('--wait draws its progress on a terminal', async () => {
    const waiting = ground.runOnTerminal(['cluster', 'create', 'drawn', '--image', 'x', '-w', '0', '--wait'])
    await appears(ground.client, DASK_CLUSTERS, 'drawn')
    await putPod(ground.client, schedulerOf('drawn'), podStatus('scheduler', 'running'))
    await setStatus(ground.client, DASK_CLUSTERS, 'drawn', {phase: 'Running'})
    const {code, stdout} = await waiting
    expect(code).toBe(0)
    // The cursor is hidden while frames are drawn, and comes back.
    expect(stdout).toMatch(/\u001B\[\?25l.*✔ scheduler +ready.*\u001B\[\?25h/s)
    expect(stdout).toContain('daskcluster.kubernetes.dask.org/drawn is ready')
  })

  it('is left by Ctrl-C with exit code 130, and the cluster stays', async () => {
    const {child, ended} = ground.start(['cluster', 'create', 'left', '--image', 'x', '--wait'])
    await appears(ground.client, DASK_CLUSTERS, 'left')
    child.kill('SIGINT')
    const {code, stderr} = await ended
    expect(code).toBe(130)
    expect(stderr).toContain('the cluster stays; "kubectl dask cluster delete left" takes it away')
    expect(await exists(ground, DASK_CLUSTERS, 'left')).toBe(true)
  })
})

describe('cluster list and describe', () => {
  beforeAll(async () => {
    await dask('cluster', 'create', 'seen', '--image', 'x', '--label', 'team=ml')
  })

  it('show tables, documents and names', async () => {
    // New at first; that nobody serves it is said after a while.
    await expect
      .poll(async () => (await dask('cluster', 'list', '-l', 'team=ml', '--no-headers')).stdout, {timeout: 15_000})
      .toMatch(/^seen {3}NotServed {3}\?\/3 {3}\d+s\n$/)
    expect((await dask('get', 'clusters', '-l', 'team=ml', '-A')).stdout).toMatch(/^NAMESPACE {3}NAME {3}STATUS/)
    expect((await dask('cluster', 'list', 'seen', '-o', 'name')).stdout).toBe('daskcluster.kubernetes.dask.org/seen\n')
    expect(JSON.parse((await dask('cluster', 'list', '-l', 'team=ml', '-o', 'json')).stdout)).toMatchObject({
      kind: 'List',
      items: [{kind: 'DaskCluster'}],
    })
    expect(parse((await dask('cluster', 'list', 'seen', '-o', 'yaml')).stdout)).toMatchObject({
      kind: 'DaskCluster',
      metadata: {name: 'seen'},
    })
  })

  it('take names with their type, as they print them', async () => {
    const {stdout} = await dask('cluster', 'list', 'seen', '-o', 'name')
    expect(await dask('cluster', 'list', stdout.trim(), 'dsk/seen', '-o', 'name')).toMatchObject({code: 0, stdout: stdout.repeat(2)})
    expect((await dask('describe', 'cluster/seen')).stdout).toMatch(/^Name: +seen$/m)
    expect(await dask('cluster', 'describe', 'job/seen')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"job/seen" is no cluster'),
    })
  })

  it('show those that there are where another one is missing', async () => {
    expect(await dask('cluster', 'list', 'seen', 'nobody', '-o', 'name')).toMatchObject({
      code: 3,
      stdout: 'daskcluster.kubernetes.dask.org/seen\n',
      stderr: expect.stringContaining('no DaskCluster "nobody"'),
    })
  })

  it('are not sorted by what none of them has', async () => {
    expect(await dask('cluster', 'list', '--sort-by=.metadata.nmae')).toMatchObject({
      ...{code: 2, stdout: ''},
      stderr: expect.stringContaining('none of them has a field .metadata.nmae'),
    })
  })

  it('tell a selector that is none with its flag', async () => {
    for (const args of [['list'], ['list', '--watch'], ['delete']])
      expect(await dask('cluster', ...args, '-l', 'a in (b')).toMatchObject({
        ...{code: 2, stdout: ''},
        stderr: expect.stringMatching(/^error: --selector: "a in \(b" is no selector of labels: .*; write it like team=ml,tier!=test\n$/),
      })
    expect(await dask('cluster', 'list', '-l', 'a=b', '--field-selector', 'spec.x=1')).toMatchObject({
      ...{code: 2, stdout: ''},
      stderr: expect.stringMatching(/^error: --field-selector: "spec.x=1" cannot be used: .*; write it like metadata.name=demo\n$/),
    })
  })

  it('say on stderr that there is nothing', async () => {
    expect(await dask('cluster', 'list', '-n', 'kube-system')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No resources found in kube-system namespace.\n',
    })
  })

  it('end with exit code 3 where one does not exist', async () => {
    for (const verb of ['list', 'describe']) {
      const {code, stdout, stderr} = await dask('cluster', verb, 'nobody')
      expect({code, stdout}).toEqual({code: 3, stdout: ''})
      expect(stderr).toBe(
        'error: no DaskCluster "nobody" in namespace "default" (context "test"); "kubectl dask cluster list -A" shows those that there are\n',
      )
    }
  })

  it('say what to do next', async () => {
    const {code, stdout} = await dask('cluster', 'describe', 'seen')
    expect(code).toBe(0)
    expect(stdout).toContain('Next: nothing has taken this cluster up: "kubectl dask operator run" starts an operator')
  })
})

describe('scale', () => {
  it('sets the number in the cluster and in its default group, and waits until the others are gone', async () => {
    await dask('cluster', 'create', 'big', '--image', 'x', '-w', '2')
    await ground.client.create(DASK_WORKER_GROUPS, groupManifest('big-default', 'default', 'big', {workers: 5, image: 'x'}))
    for (const id of ['a', 'b']) await putPod(ground.client, workerOf('big', id), podStatus('worker', 'running'))
    const scaling = dask('cluster', 'scale', 'big', '1', '--wait')
    await appears(ground.client, DASK_WORKER_GROUPS, 'big-default', ({spec}) => spec.worker.replicas === 1)
    expect((await ground.client.get(DASK_CLUSTERS, {namespace: 'default', name: 'big'})).spec.worker.replicas).toBe(1)
    await ground.client.delete(
      {apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true},
      {namespace: 'default', name: workerOf('big', 'b').name},
      {gracePeriodSeconds: 0},
    )
    const {code, stdout, stderr} = await scaling
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/big scaled from 5 to 1 workers\n'})
    expect(stderr).toContain('✔ workers of big-default: 1 of 1 ready')
  })

  it('prints the name alone with -o name', async () => {
    await dask('cluster', 'create', 'named', '--image', 'x', '-w', '2')
    const cluster = {code: 0, stdout: 'daskcluster.kubernetes.dask.org/named\n', stderr: ''}
    for (const args of [['--dry-run=server'], []])
      expect(await dask('cluster', 'scale', 'named', '1', '-o', 'name', ...args)).toEqual(cluster)
    await dask('workergroup', 'create', 'named-more', '-c', 'named', '-w', '1')
    expect((await dask('workergroup', 'scale', 'named-more', '0', '-o', 'name')).stdout).toBe(
      'daskworkergroup.kubernetes.dask.org/named-more\n',
    )
    expect((await dask('workergroup', 'list', 'named-more', '--show-labels')).stdout).toMatch(/^NAME .* LABELS\nnamed-more .* <none>\n$/)
    expect(await dask('cluster', 'list', '--show-labels', '-o', 'custom-columns=A:.b')).toMatchObject({
      ...{code: 2, stdout: ''},
      stderr: expect.stringContaining('error: --show-labels is for tables, and not for -o custom-columns; '),
    })
  })

  it('refuses a group that does not exist, with exit code 3', async () => {
    expect((await dask('workergroup', 'scale', 'nobody', '1')).code).toBe(3)
  })
})

describe('delete', () => {
  it('deletes several and waits until they are gone', async () => {
    await Promise.all(['gone-a', 'gone-b'].map((name) => dask('cluster', 'create', name, '--image', 'x')))
    const {code, stdout} = await dask('cluster', 'delete', 'gone-a', 'gone-b')
    expect({code, stdout}).toEqual({
      code: 0,
      stdout: 'daskcluster.kubernetes.dask.org/gone-a deleted\ndaskcluster.kubernetes.dask.org/gone-b deleted\n',
    })
    expect(await exists(ground, DASK_CLUSTERS, 'gone-a')).toBe(false)
  })

  it('asks on a terminal, and deletes nothing without a yes', async () => {
    await dask('cluster', 'create', 'asked', '--image', 'x')
    const no = await ground.runOnTerminal(['cluster', 'delete', 'asked'], '\n')
    expect(no.stdout).toContain('Delete DaskCluster "asked" in namespace "default"? [y/N]')
    expect(no).toMatchObject({code: 1, stdout: expect.stringContaining('error: nothing was deleted')})
    expect(await exists(ground, DASK_CLUSTERS, 'asked')).toBe(true)
    expect((await ground.runOnTerminal(['cluster', 'delete', 'asked'], 'y\n')).code).toBe(0)
    expect(await exists(ground, DASK_CLUSTERS, 'asked')).toBe(false)
  })

  it('says nothing of a name that may be missing, and on stderr that nothing matches', async () => {
    expect(await dask('cluster', 'delete', 'nobody', '--ignore-not-found')).toEqual({code: 0, stdout: '', stderr: ''})
    const none = {code: 0, stdout: '', stderr: 'No resources found in default namespace.\n'}
    expect(await dask('cluster', 'delete', '-l', 'of=nobody')).toEqual(none)
    expect(await dask('cluster', 'delete', '--all', '-n', 'kube-public', '-o', 'name')).toMatchObject({code: 0, stdout: ''})
  })

  it('deletes nothing when one of the names does not exist', async () => {
    await dask('cluster', 'create', 'stays', '--image', 'x')
    expect((await dask('cluster', 'delete', 'stays', 'nobody')).code).toBe(3)
    expect(await exists(ground, DASK_CLUSTERS, 'stays')).toBe(true)
    expect((await dask('cluster', 'delete', 'stays', 'nobody', '--ignore-not-found', '--dry-run=server')).stdout).toBe(
      'daskcluster.kubernetes.dask.org/stays deleted (server dry run)\n',
    )
    expect(await exists(ground, DASK_CLUSTERS, 'stays')).toBe(true)
  })
})

describe('logs', () => {
  it('of a cluster name their pods', async () => {
    await dask('cluster', 'create', 'chatty', '--image', 'x')
    await putPod(ground.client, schedulerOf('chatty'), podStatus('scheduler', 'running'))
    await putPod(ground.client, workerOf('chatty', 'a'), podStatus('worker', 'running'))
    ground.logs.set('chatty-scheduler', [['2026-11-23T12:00:00Z hello']])
    ground.logs.set('chatty-default-worker-a', [['2026-11-23T12:00:00Z there']])
    expect((await dask('cluster', 'logs', 'chatty')).stdout.split('\n').toSorted()).toEqual([
      '',
      '[chatty-default-worker-a] there',
      '[chatty-scheduler] hello',
    ])
    expect((await dask('cluster', 'logs', 'chatty', '--scheduler')).stdout).toBe('hello\n')
  })
})

describe('version', () => {
  it('tells the server’s, and whether a sandbox has an operator of its own', async () => {
    await takeLead(ground.client)
    const {code, stdout} = await dask('version')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Client Version: v\S+\nServer Version: v1\.\d+\.\d+\S*\nOperator: the sandbox's own\n$/)
    await endLead(ground.client)
    expect((await dask('version')).stdout).toMatch(/\nOperator: none is running\n$/)
  })
})

describe('completion', () => {
  it('knows the names of clusters', async () => {
    await dask('cluster', 'create', 'tabbed', '--image', 'x')
    const {stdout} = await ground.start(['cluster', 'describe', 'tab'], 'kubectl_complete-dask.js').ended
    expect(stdout).toBe('tabbed\n:4\n')
  })
})
