import {type ChildProcess, execFile, spawn} from 'node:child_process'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, it} from 'vitest'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {stand, until} from './ground.ts'

const {kubectl, namespace} = stand('kubectl')
const EXAMPLES = join(import.meta.dirname, '..', '..', 'manifests', 'examples')

/** kubectl in the background; `text` is what it has printed. */
const start = (...args: readonly string[]): {readonly text: () => string; readonly stop: () => void} => {
  let text = ''
  let child: ChildProcess | undefined
  let isStopped = false
  void kubectlPath().then((program) => {
    if (isStopped) return
    child = spawn(program, ['-n', namespace, ...args], {stdio: ['ignore', 'pipe', 'pipe']})
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  })
  return {
    text: () => text,
    stop: () => {
      isStopped = true
      child?.kill()
    },
  }
}

const kubectlWith = async (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<void> => {
  const program = await kubectlPath()
  await promisify(execFile)(program, ['-n', namespace, ...args], {env: {...process.env, ...env}})
}

describe('everyday kubectl', () => {
  it('applies the example of a cluster and waits for it', async () => {
    expect(await kubectl('apply', '-f', join(EXAMPLES, 'cluster.yaml'))).toContain('daskcluster.kubernetes.dask.org/example created')
    await kubectl('wait', 'daskcluster/example', '--for=condition=Ready', '--timeout=90s')
    expect(await kubectl('apply', '-f', join(EXAMPLES, 'cluster.yaml'))).toContain('unchanged')
  })

  it('shows tables with our columns, by short name too', async () => {
    await kubectl('wait', 'daskcluster/example', '--for=jsonpath={.status.phase}=Running', '--timeout=60s')
    const table = await kubectl('get', 'dsk')
    expect(table.split('\n')[0]?.split(/\s{2,}/)).toEqual(expect.arrayContaining(['NAME', 'WORKERS', 'STATUS', 'READY', 'AGE']))
    expect(table).toMatch(/example\s+3\s+Running\s+True/)
    expect(await kubectl('get', 'daskworkergroups', '-o', 'name')).toContain('daskworkergroup.kubernetes.dask.org/example-default')
  })

  it('describes, explains, and reads logs', async () => {
    expect(await kubectl('describe', 'daskcluster', 'example')).toContain('Conditions')
    expect(await kubectl('explain', 'daskcluster.spec.worker.replicas')).toContain('integer')
    expect(await kubectl('logs', 'example-scheduler')).toContain('Scheduler at')
  })

  it('watches, follows a log, and edits', async () => {
    const watching = start('get', 'daskcluster', 'example', '-w', '-o', 'custom-columns=WORKERS:.spec.worker.replicas', '--no-headers')
    const following = start('logs', '-f', 'example-scheduler')
    await until(() => following.text().includes('Scheduler at') && /3/.test(watching.text()), 'both tell what there is')
    const editor = 'sed -i s/replicas:.3/replicas:\\ 2/'
    await kubectlWith({KUBE_EDITOR: editor}, 'edit', 'daskcluster', 'example')
    await until(() => /2/.test(watching.text()), 'the watch tells the edit')
    await until(
      async () => (await kubectl('get', 'daskcluster', 'example', '-o', 'jsonpath={.status.readyReplicas}')) === '2',
      'it is followed',
    )
    await until(
      () => following.text().includes('example-default-worker') || following.text().includes('Remove worker'),
      'the log tells of it',
    )
    watching.stop()
    following.stop()
  })

  it('labels, annotates, patches and replaces', async () => {
    expect(await kubectl('label', 'daskcluster', 'example', 'team=red')).toContain('labeled')
    expect(await kubectl('annotate', 'daskcluster', 'example', 'note=x')).toContain('annotated')
    await kubectl(
      'patch',
      'daskcluster',
      'example',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/metadata/labels/team","value":"blue"}]',
    )
    expect(await kubectl('get', 'dsk', '-l', 'team=blue', '-o', 'name')).toContain('example')
    expect(await kubectl('diff', '-f', join(EXAMPLES, 'job.yaml')).catch((error: Error) => error.message)).toContain('example-job')
    expect(await kubectl('auth', 'can-i', 'create', 'daskclusters.kubernetes.dask.org')).toContain('yes')
    expect(await kubectl('api-resources', '--api-group=kubernetes.dask.org', '-o', 'name')).toContain('daskjobs.kubernetes.dask.org')
  })

  it('applies the other examples; the job succeeds', async () => {
    await kubectl('apply', '--server-side', '-f', join(EXAMPLES, 'autoscaler.yaml'))
    await kubectl('apply', '-f', join(EXAMPLES, 'job.yaml'))
    await kubectl('wait', 'daskjob/example-job', '--for=jsonpath={.status.jobStatus}=Successful', '--timeout=90s')
    expect(await kubectl('logs', 'example-job-runner')).toContain('328350')
  })

  it('deletes', async () => {
    await kubectl('delete', 'daskjob/example-job', 'daskcluster/example')
    await until(async () => (await kubectl('get', 'pods', '-o', 'name')).trim() === '', 'every pod goes')
    await until(async () => (await kubectl('get', 'daskautoscalers', '-o', 'name')).trim() === '', 'the autoscaler goes with its cluster')
  })
})
