import {beforeAll, describe, expect, it} from 'vitest'
import {PODS} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import {isNotFound} from '../../src/kube/errors.ts'
import {stand, until} from './ground.ts'

/** What somebody is told who may have clusters and see nothing else. */
const {client, namespace, kubectl, dask, pods} = stand('rights')
const AS = `system:serviceaccount:${namespace}:guest`
const asGuest = (...args: readonly string[]) => dask(...args, '--as', AS)

beforeAll(async () => {
  await kubectl('create', 'serviceaccount', 'guest')
  const resources = 'daskclusters.kubernetes.dask.org,daskworkergroups.kubernetes.dask.org'
  await kubectl('create', 'role', 'guest', '--verb=get,list,watch,create,patch,delete', `--resource=${resources}`)
  await kubectl('create', 'rolebinding', 'guest', '--role=guest', `--serviceaccount=${namespace}:guest`)
  await until(
    async () => (await kubectl('auth', 'can-i', 'create', 'daskclusters', '--as', AS).catch(() => '')).includes('yes'),
    'the role holds',
  )
})

if (process.env['GROUND'] === 'kubernetes')
  describe('without the right to see pods', () => {
    it('a cluster is waited for by what its operator tells, and says that once', async () => {
      const {code, stdout, stderr} = await asGuest('cluster', 'create', 'demo', '-w', '1', '--wait', '--timeout', '90s')
      expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/demo is ready\n'})
      expect(stderr.match(/^Warning: what its pods wait for cannot be seen, .*: pods is forbidden: User /gm)).toHaveLength(1)
      const failed = await asGuest('cluster', 'create', 'bad', '--image', 'registry.invalid/dask', '--wait', '--timeout', '90s')
      expect(failed).toMatchObject({code: 1, stderr: expect.stringContaining('does not get ready: ImagePullBackOff: bad-scheduler: ')})
    })

    it('it is described as far as there is something to see', async () => {
      const {code, stdout, stderr} = await asGuest('cluster', 'describe', 'demo')
      expect(code).toBe(0)
      expect(stdout).toMatch(/^Status: +Ready$[\s\S]*^Pods: you may not look$/m)
      expect(stderr).toContain('Warning: pods is forbidden: ')
    })

    it('doctor and version say what they may not look at, each once, and nothing that is not so', async () => {
      expect((await asGuest('version')).stdout).toContain('Operator: you may not look\n')
      const {code, stdout} = await asGuest('doctor')
      expect(code).toBe(1)
      expect(stdout).toContain('✘ permissions: you may not run jobs, see pods, read logs, forward ports in namespace')
      expect(stdout.match(/cannot list resource "pods"/g)).toHaveLength(1)
      expect(stdout).not.toMatch(/none is running|does not answer/)
    })

    it('it is deleted, and its pods are not waited for', async () => {
      const {code, stdout, stderr} = await asGuest('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')
      expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/demo deleted\n'})
      expect(stderr).toContain('Warning: whether its pods are gone cannot be seen, and is not waited for: ')
      await expect(client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).rejects.toSatisfy(isNotFound)
      await until(async () => (await pods('dask.org/cluster-name=demo')).length === 0, 'its pods go all the same')
    })

    const refused = /is forbidden: User ".*" cannot .*; ask the administrator of the cluster for this permission\n$/
    it.each([
      [3, /no DaskCluster "none"/, ['cluster', 'logs'], ['none']],
      [125, refused, ['job', 'run'], ['--', 'python', '-c', '']],
      [1, refused, ['cluster', 'prune'], ['--dry-run=client']],
    ])('ends with %i and %s: %s', async (exitCode, words, verb, rest) => {
      const {code, stderr} = await dask(...verb, '--as', AS, ...rest)
      expect(code).toBe(exitCode)
      expect(stderr).toMatch(words)
    })
  })
else
  it('the sandbox keeps roles, and holds nobody to them', async () => {
    expect((await asGuest('cluster', 'list')).code).toBe(0)
    expect((await client.list(PODS, {namespace})).items).toEqual([])
  })
