import {mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {SECRETS, type Secret} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {issueAuthority, issueCertificate} from '../../src/operator/cluster/certificates.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {isReady, stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods, python} = stand('tls')
const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tls-'))
})
afterAll(() => rm(directory, {recursive: true, force: true}))

/** Goes on until it is told to end; each task that starts says so. */
const LOAD = `
import os, sys, time
from distributed import Client
directory = sys.argv[1]
def task(i):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(0.3)
    return i
with Client(timeout=20) as client:
    futures = []
    while not os.path.exists(os.path.join(directory, "enough")):
        futures += [client.submit(task, len(futures) + i, pure=False) for i in range(4)]
        while sum(future.status == "pending" for future in futures) > 12:
            time.sleep(0.05)
    print(client.gather(futures) == list(range(len(futures))))
`

interface Load {
  /** Resolves when more tasks have started: the cluster goes on. */
  readonly goesOn: () => Promise<void>
  /** Rejects where a result was wrong, or a task has started twice. */
  readonly end: () => Promise<void>
}

const startLoad = async (cluster: string): Promise<Load> => {
  const folder = await mkdtemp(join(directory, 'load-'))
  const running = dask('cluster', 'run', cluster, '--', PYTHON, '-c', LOAD, folder)
  const starts = async (): Promise<readonly string[]> => {
    const lines = await readFile(join(folder, 'starts'), 'utf8').catch(() => '')
    return lines.split('\n').filter((line) => line !== '')
  }
  return {
    goesOn: async () => {
      const before = (await starts()).length
      await until(async () => (await starts()).length > before + 3, 'tasks start')
    },
    end: async () => {
      await writeFile(join(folder, 'enough'), '')
      expect(await running).toMatchObject({code: 0, stdout: 'True\n'})
      const started = await starts()
      expect(started.filter((key, index) => started.indexOf(key) !== index)).toEqual([])
    },
  }
}

const text = (secret: Secret, key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
const base64 = (data: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))

const workers = (cluster: string) => pods(`dask.org/cluster-name=${cluster},dask.org/component=worker`)
const reasonOf = async (cluster: string, type: string): Promise<string | undefined> =>
  (await client.get(DASK_CLUSTERS, {namespace, name: cluster})).status?.conditions?.find((each) => each.type === type)?.reason

describe('a cluster with a certificate of its own', () => {
  const secret = () => client.get(SECRETS, {namespace, name: 'safe-tls'})

  it('is made by one word, and says how it is reached', async () => {
    const {code, stderr} = await dask('cluster', 'create', 'safe', '--tls', '-w', '3', '--wait', '--timeout', '90s')
    expect(code, stderr).toBe(0)
    const {status} = await client.get(DASK_CLUSTERS, {namespace, name: 'safe'})
    expect(status?.schedulerAddress).toBe(`tls://safe-scheduler.${namespace}.svc:8786`)
    expect((await secret()).metadata.ownerReferences).toMatchObject([{kind: 'DaskCluster', name: 'safe', controller: true}])
    const connected = async (): Promise<number> =>
      (await dask('cluster', 'workers', 'safe', '--no-headers')).stdout.match(/ running /g)?.length ?? 0
    await until(async () => (await connected()) === 3, 'all workers are connected')
    expect((await dask('cluster', 'describe', 'safe')).stdout).toMatch(/Certificate: +Secret safe-tls, issued/)
  })

  it('takes in nobody who speaks in the clear', async () => {
    const program = 'import sys; from distributed import Client; Client(sys.argv[1], timeout=2)'
    await expect(python(program, 'safe')).rejects.toThrow(/OSError: Timed out|TLS|closed/)
  })

  it('gives a local program its certificate, in files for its user alone, and takes them away again', async () => {
    const program = [
      'import os, stat',
      'file = os.environ["DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"]',
      'folder = os.path.dirname(file)',
      'print(folder, *[oct(stat.S_IMODE(os.stat(path).st_mode)) for path in (folder, file)])',
    ].join('; ')
    const {stdout} = await dask('cluster', 'run', 'safe', '--', PYTHON, '-c', program)
    const [folder = '', ...modes] = stdout.trim().split(' ')
    expect(modes).toEqual(['0o700', '0o600'])
    await expect(stat(folder)).rejects.toThrow('ENOENT')
  })

  it('lets workers go and replaces them under load, and no task starts twice', async () => {
    const {goesOn, end} = await startLoad('safe')
    await goesOn()
    expect(await dask('cluster', 'scale', 'safe', '2', '--wait', '--timeout', '60s')).toMatchObject({code: 0})
    await goesOn()
    // By somebody else: the worker's own hook hands over.
    const [victim] = await workers('safe')
    await kubectl('delete', 'pod', victim?.metadata.name ?? '', '--wait=true')
    await until(async () => (await workers('safe')).filter(isReady).length === 2, 'another worker takes its place')
    await goesOn()
    await end()
  })

  it('renews its certificate under load, and no task starts twice', async () => {
    const {goesOn, end} = await startLoad('safe')
    await goesOn()
    const before = await secret()
    const authority = {cert: text(before, 'ca.crt'), key: text(before, 'ca.key')}
    const short = issueCertificate('safe', authority, Date.now(), 24 * 3_600_000)
    await client.patch(SECRETS, before.metadata, {data: base64({'tls.crt': short.cert, 'tls.key': short.key})}, {type: 'merge'})
    const old = (await workers('safe')).map(({metadata}) => metadata.uid)
    // Nobody watches Secrets: it is looked at while a pod is on its way.
    expect(await dask('cluster', 'scale', 'safe', '3')).toMatchObject({code: 0})
    await until(async () => text(await secret(), 'tls.crt') !== short.cert, 'the certificate is renewed')
    const isNew = async (): Promise<boolean> => {
      const now = await workers('safe')
      return now.filter(isReady).length === 3 && now.length === 3 && now.every(({metadata}) => !old.includes(metadata.uid))
    }
    await until(isNew, 'workers of before the renewal have left')
    expect(await reasonOf('safe', 'Progressing')).toBe('CertificateRunsOut')
    expect(text(await secret(), 'ca.crt')).toBe(authority.cert)

    await goesOn()
    await end()
  })

  it('leaves no Secret when it goes', async () => {
    expect((await dask('cluster', 'delete', 'safe', '--yes')).code).toBe(0)
    await until(
      async () => (await client.list(SECRETS, {namespace})).items.every(({metadata}) => metadata.name !== 'safe-tls'),
      'the Secret goes',
    )
  })
})

describe('a cluster with somebody else’s certificate', () => {
  it('waits for the Secret, says so, and begins when it is there', async () => {
    expect((await dask('cluster', 'create', 'given', '--tls-secret', 'given-cert', '-w', '1')).code).toBe(0)
    await until(async () => (await reasonOf('given', 'Ready')) === 'CertificateMissing', 'the reason is told')
    expect(await client.list(DASK_WORKER_GROUPS, {namespace, labelSelector: 'dask.org/cluster-name=given'})).toMatchObject({items: []})
    const authority = issueAuthority('a company', Date.now())
    const {cert, key} = issueCertificate('given', authority, Date.now())
    const data = base64({'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key})
    await client.create(SECRETS, {apiVersion: 'v1', kind: 'Secret', metadata: {namespace, name: 'given-cert'}, data} as Secret)
    expect(await dask('cluster', 'wait', 'given', '--timeout', '60s')).toMatchObject({code: 0})
    const program = 'from distributed import Client; c = Client(timeout=20); print(c.submit(sum, [1, 2, 3]).result()); c.close()'
    expect(await dask('cluster', 'run', 'given', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '6\n'})
  })
})

it('a job’s program finds its cluster over TLS', async () => {
  const program =
    'from distributed import Client; c = Client(timeout=30); print(c.scheduler.address[:6], c.submit(sum, [1, 2]).result()); c.close()'
  const {code, stdout, stderr} = await dask('job', 'run', '--name', 'safejob', '--tls', '-w', '1', '--', 'python', '-c', program)
  expect({code, stdout}, stderr).toMatchObject({code: 0, stdout: expect.stringContaining('tls:// 3')})
})
