import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'

const {kubectl} = stand('kubectl')
const EXAMPLES = join(import.meta.dirname, '..', '..', 'manifests', 'examples')

describe('everyday kubectl', () => {
  it('applies the example of a cluster and waits for it', async () => {
    expect(await kubectl('apply', '-f', join(EXAMPLES, 'cluster.yaml'))).toContain('daskcluster.kubernetes.dask.org/example created')
    await kubectl('wait', 'daskcluster/example', '--for=condition=Ready', '--timeout=90s')
    expect(await kubectl('apply', '-f', join(EXAMPLES, 'cluster.yaml'))).toContain('unchanged')
  })

  it('shows tables with our columns, by short name too', async () => {
    await kubectl('wait', 'daskcluster/example', '--for=jsonpath={.status.phase}=Running', '--timeout=10s')
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
