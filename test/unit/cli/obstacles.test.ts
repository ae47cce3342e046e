import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {KubeObject} from '../../../src/api/object.ts'
import {refuseMissingNamespaces, rehearse} from '../../../src/cli/install/obstacles.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {json, play, statusBody} from '../kube/scripted-server.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'

const signal = new AbortController().signal

describe('a namespace to watch', () => {
  let ground: Ground
  let client: KubeClient
  beforeAll(async () => {
    ground = await startGround()
    client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  })
  afterAll(async () => {
    await client.close()
    await ground.stop()
  })
  it.each<[string, readonly string[] | undefined, string | undefined]>([
    ['for all namespaces', undefined, undefined],
    ['for one that is there', ['default'], undefined],
    ['for one that is not', ['default', 'nowhere'], '--watch-namespaces names what there is not: nowhere'],
    ["for the operator's own, which is made first", ['team'], undefined],
  ])('an installation %s', async (_, watchNamespaces, message) => {
    const asked = refuseMissingNamespaces(client, {namespace: 'team', watchNamespaces}, signal)
    if (message === undefined) await asked
    else await expect(asked).rejects.toThrow(message)
  })
})

describe('a rehearsal', () => {
  const RBAC = '/apis/rbac.authorization.k8s.io/v1'
  const QUERY = 'dryRun=All&fieldManager=kubectl-dask&force=true'
  const object = (kind: string): KubeObject => ({apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: {name: 'dask-operator'}})
  const missing = json(404, statusBody(404, 'NotFound', 'clusterroles.rbac.authorization.k8s.io "dask-operator" not found'))
  const rehearsed = async (kind: string, plural: string) => {
    await using server = await play(
      {asked: `GET ${RBAC}/${plural}/dask-operator`, answer: missing},
      {asked: `PATCH ${RBAC}/${plural}/dask-operator?${QUERY}`, answer: missing},
    )
    return await rehearse(object(kind), 'team', {client: server.client, signal})
  }
  it('takes a binding as new whose role is not there yet', async () => {
    expect(await rehearsed('ClusterRoleBinding', 'clusterrolebindings')).toBe('created')
  })
  it('refuses what else the server does not find', async () => {
    await expect(rehearsed('ClusterRole', 'clusterroles')).rejects.toThrow('not found')
  })
})
