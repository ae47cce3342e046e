/** An empty Kubernetes with a node that runs pods as processes, for whoever installs something into it. */
import {execFile} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {startNode} from '../../src/sandbox/node/node.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {NODE_ADDRESS, startControlPlane} from './control-plane.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')
/** The Python of the node's pods, and of programs beside them. */
export const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface EmptyKubernetes {
  readonly client: KubeClient
  /** A folder that goes with it. */
  readonly directory: string
  /** A program with this Kubernetes as its own, whatever its exit code. */
  run(program: string, ...args: readonly string[]): Promise<Output>
  /** Our own command. */
  dask(...args: readonly string[]): Promise<Output>
  stop(): Promise<void>
}

export async function startEmptyKubernetes(): Promise<EmptyKubernetes> {
  const directory = await mkdtemp(join(tmpdir(), 'install-'))
  const plane = await startControlPlane(join(directory, 'plane'))
  const client = connect(loadKubeConfig({kubeconfig: plane.kubeconfig}))
  const {certificates} = plane
  const node = await startNode({
    ...{client, startInformer, name: 'process-node', directory: join(directory, 'node'), python: PYTHON, log: () => undefined},
    podAddresses: {kind: 'cidr', prefix: '10.244'},
    kubelet: {address: NODE_ADDRESS, tls: {...certificates.kubelet, clientCa: certificates.ca}},
  })
  const run = (program: string, ...args: readonly string[]): Promise<Output> =>
    new Promise((resolve) => {
      const env = {...process.env, KUBECONFIG: plane.kubeconfig, HELM_CACHE_HOME: directory, HELM_CONFIG_HOME: directory}
      execFile(program, args, {timeout: 100_000, maxBuffer: 2 ** 24, env}, (error, stdout, stderr) =>
        resolve({code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr}),
      )
    })
  return {
    client,
    directory,
    run,
    dask: (...args) => run(process.execPath, BIN, ...args),
    stop: async () => {
      await node.stop()
      await client.close()
      await plane.stop()
      await rm(directory, {recursive: true, force: true, maxRetries: 5})
    },
  }
}
