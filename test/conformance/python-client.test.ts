/** The official Python client, unmodified: what contract 3.10 asks of whoever stands behind it. */
import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import {describe, expect, it} from 'vitest'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {isNotFound} from '../../src/kube/errors.ts'
import {clientPython} from '../toolchain/pythons.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask, pods} = stand('python')
const run = promisify(execFile)

/** The client would first try for 20 s to resolve a name that is only known inside of a cluster. */
const ENV = {DASK_KUBERNETES__PORT_FORWARD_CLUSTER_IP: 'True', DASK_KUBERNETES__NAMESPACE: namespace, PYTHONWARNINGS: 'ignore'}

const PRELUDE = `
import asyncio, sys, time, yaml
from dask_kubernetes.operator import KubeCluster, make_cluster_spec
from distributed import Client
namespace = ${JSON.stringify(namespace)}
def eventually(condition, what):
    deadline = time.time() + 60
    while not condition():
        assert time.time() < deadline, what
        time.sleep(0.1)
`

const python = async (program: string): Promise<string> =>
  (await run(clientPython(), ['-c', `${PRELUDE}${program}`], {env: {...process.env, ...ENV}, timeout: 100_000})).stdout

const hasGone = async (name: string): Promise<boolean> =>
  client.get(DASK_CLUSTERS, {namespace, name}).then(
    () => false,
    (error: unknown) => isNotFound(error),
  )
const leftOf = async (cluster: string): Promise<number> => (await pods(`dask.org/cluster-name=${cluster}`)).length

describe('the official Python client', () => {
  it('KubeCluster() is there, computes, and leaves nothing when it is closed', async () => {
    await python(`
with KubeCluster(name="plain", n_workers=2, quiet=True) as cluster:
    assert cluster.dashboard_link.startswith("http://"), cluster.dashboard_link
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        assert client.submit(sum, [1, 2, 3]).result() == 6
`)
    expect(await hasGone('plain')).toBe(true)
    await until(async () => (await leftOf('plain')) === 0, 'its pods have gone')
  })

  it('works asynchronously', async () => {
    await python(`
async def main():
    async with KubeCluster(name="later", n_workers=1, asynchronous=True, quiet=True) as cluster:
        async with Client(cluster, asynchronous=True) as client:
            assert await client.submit(lambda: 42) == 42
            await cluster.scale(2)
            await client.wait_for_workers(2)
asyncio.run(main())
`)
    expect(await hasGone('later')).toBe(true)
  })

  it('custom_cluster_spec is taken as it is, with what the client does not know of', async () => {
    await python(`
spec = make_cluster_spec("custom", n_workers=1, env={"GREETING": "hello"}, resources={"limits": {"memory": "512Mi"}})
spec["spec"]["worker"]["spec"]["terminationGracePeriodSeconds"] = 5
spec["spec"]["worker"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]
spec["spec"]["worker"]["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {}}]
assert spec["spec"]["worker"]["spec"]["containers"][0]["args"][0] == "dask-worker"
with KubeCluster(custom_cluster_spec=spec, quiet=True) as cluster, Client(cluster) as client:
    client.wait_for_workers(1, timeout=60)
    import os
    assert client.submit(lambda: os.environ["GREETING"]).result() == "hello"
    assert client.submit(os.path.isdir, "/scratch").result()
`)
  })

  it('from_name finds what the command line has made, and its close leaves it alone', async () => {
    expect((await dask('cluster', 'create', 'shared', '--workers', '2', '--wait')).code).toBe(0)
    await python(`
with KubeCluster.from_name("shared", quiet=True) as cluster:
    assert cluster.n_workers == 2, cluster.n_workers
    with Client(cluster) as client:
        assert client.submit(lambda: 1).result() == 1
`)
    expect(await hasGone('shared')).toBe(false)
  })

  it('scale, adapt and scale again are followed', async () => {
    await python(`
with KubeCluster.from_name("shared", quiet=True) as cluster, Client(cluster) as client:
    cluster.scale(3)
    client.wait_for_workers(3, timeout=60)
    cluster.adapt(minimum=1, maximum=2)
    eventually(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) <= 2, "the maximum holds")
    cluster.adapt(minimum=2, maximum=4)
    eventually(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 2, "the minimum holds")
    cluster.scale(1)
    eventually(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 1, "one is left")
`)
    expect((await client.list(DASK_AUTOSCALERS, {namespace})).items).toEqual([])
    expect((await client.get(DASK_WORKER_GROUPS, {namespace, name: 'shared-default'})).spec.worker.replicas).toBe(1)
  })

  it('worker groups are adopted, scaled and deleted', async () => {
    await python(`
with KubeCluster.from_name("shared", quiet=True) as cluster, Client(cluster) as client:
    cluster.add_worker_group("more", n_workers=1)
    client.wait_for_workers(2, timeout=60)
    cluster.scale(2, worker_group="more")
    client.wait_for_workers(3, timeout=60)
    cluster.delete_worker_group("more")
    eventually(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 1, "its workers have gone")
`)
    await until(async () => (await pods('dask.org/workergroup-name=shared-more')).length === 0, 'its pods have gone')
  })

  it('get_logs shows the scheduler and each worker', async () => {
    const names = await python(`
with KubeCluster.from_name("shared", quiet=True) as cluster:
    logs = cluster.get_logs()
    assert all("distributed" in log for log in logs.values()), logs
    print(*sorted(logs))
`)
    expect(names.trim()).toMatch(/^shared-default-worker-\w+ shared-scheduler$/)
  })

  it('dask-ctl discovers the clusters of all namespaces', async () => {
    await python(`
from dask_kubernetes.operator import discover
async def main():
    assert "shared" in [name async for name, _ in discover()]
asyncio.run(main())
`)
  })

  it('a second scheduler never runs beside the first while that is replaced', async () => {
    const seen: number[] = []
    let isOver = false
    const selector = 'dask.org/cluster-name=shared,dask.org/component=scheduler'
    const looking = (async () => {
      while (!isOver) seen.push((await pods(selector)).filter(({status}) => status?.phase === 'Running').length)
    })()
    const restarted = await dask('cluster', 'restart', 'shared', '--wait')
    isOver = true
    await looking
    expect(restarted).toMatchObject({code: 0})
    expect(Math.max(...seen)).toBe(1)
    await python(`
with KubeCluster.from_name("shared", quiet=True) as cluster, Client(cluster) as client:
    assert client.submit(lambda: 2).result() == 2
`)
  })

  it('idle_timeout deletes the cluster, and never the scheduler under it', async () => {
    // Long enough for a busy machine: it counts from the start of the scheduler on, and the client has yet to come.
    await python(`
cluster = KubeCluster(name="idle", n_workers=1, idle_timeout=15, quiet=True, shutdown_on_close=False)
client = Client(cluster)
assert client.submit(lambda: 3).result() == 3
client.close()
cluster.close()
`)
    await until(() => hasGone('idle'), 'it has gone')
  })
})
