import {beforeAll, describe, expect, it} from 'vitest'
import {NAMESPACES} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask, pods, python} = stand('pod-security')

/** The level that the namespace demands of its pods. */
const enforce = (level: string) =>
  client.patch(NAMESPACES, {name: namespace}, {metadata: {labels: {'pod-security.kubernetes.io/enforce': level}}}, {type: 'merge'})

const reasons = async (name: string): Promise<Readonly<Record<string, string>>> => {
  const {status} = await client.get(DASK_CLUSTERS, {namespace, name})
  return Object.fromEntries((status?.conditions ?? []).map(({type, reason}) => [type, reason]))
}

const SUM =
  'import sys; from distributed import Client; client = Client(sys.argv[1]); print("sum", sum(client.gather(client.map(int, range(5)))))'
const HOME =
  'import os; from distributed import Client; client = Client(); print(os.environ["HOME"], sum(client.gather(client.map(int, range(5)))))'

beforeAll(() => enforce('restricted'))

describe('in a namespace that enforces the restricted standard', () => {
  it('pods that keep it compute, those of a further group as well', async () => {
    const created = await dask('cluster', 'create', 'demo', '-w', '1', '--pod-security', 'restricted', '--wait', '--timeout', '90s')
    expect(created.code, created.stderr).toBe(0)
    expect(await python(SUM, 'demo')).toContain('sum 10')
    const more = await dask('workergroup', 'create', 'more', '-c', 'demo', '-w', '1', '--wait', '--timeout', '90s')
    expect(more.code, more.stderr).toBe(0)
    const made = await pods('dask.org/cluster-name=demo')
    expect(made.map(({spec}) => spec['securityContext'])).toEqual(
      Array(3).fill(expect.objectContaining({runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: 'RuntimeDefault'}})),
    )
  })

  it('a job’s program does, with a home', async () => {
    const run = await dask('job', 'run', '--name', 'job', '-w', '1', '--run-as-user', '2000', '--', 'python', '-c', HOME)
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toContain('/tmp 10')
  })
})

if (process.env['GROUND'] === 'kubernetes')
  describe('pods that do not keep it', () => {
    it('are refused: the command ends early with the words of the server and the remedy', async () => {
      const created = await dask('cluster', 'create', 'plain', '-w', '1', '--keep', '--wait', '--timeout', '90s')
      expect(created.code).toBe(1)
      expect(created.stderr).toMatch(
        /does not get ready: ViolatesPodSecurity: pods "plain-\S+" is forbidden: violates PodSecurity "restricted:latest": .*runAsNonRoot != true.*--pod-security restricted/,
      )
    })

    it('and so do conditions and the description say', async () => {
      await until(async () => (await reasons('plain'))['Ready'] === 'ViolatesPodSecurity', 'the condition has the reason')
      expect(await reasons('plain')).toMatchObject({Degraded: 'ViolatesPodSecurity'})
      expect((await dask('cluster', 'describe', 'plain')).stdout).toMatch(/ViolatesPodSecurity[\s\S]*--pod-security restricted/)
      const group = await client.get(DASK_WORKER_GROUPS, {namespace, name: 'plain-default'})
      expect(group.status?.conditions?.find(({type}) => type === 'Degraded')).toMatchObject({reason: 'ViolatesPodSecurity'})
    })

    it('are told of a job’s program too', async () => {
      const run = await dask('job', 'run', '--name', 'refused', '--on', 'demo', '--timeout', '90s', '--', 'python', '-c', HOME)
      expect(run.code).toBe(125)
      expect(run.stderr).toMatch(/ViolatesPodSecurity: pods "refused-runner" is forbidden/)
    })

    it('come by themselves once the namespace lets them in', async () => {
      await enforce('baseline')
      await until(async () => (await reasons('plain'))['Ready'] === 'Ready', 'the cluster is ready', 90_000)
      expect(await reasons('plain')).toMatchObject({Degraded: 'AsExpected'})
    })
  })
else
  it('the sandbox keeps the label and holds nobody to it', async () => {
    const created = await dask('cluster', 'create', 'plain', '-w', '1', '--wait', '--timeout', '90s')
    expect(created.code, created.stderr).toBe(0)
  })
