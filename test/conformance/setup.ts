/** Makes the ground that GROUND names, once for all product tests, and takes it down again. */
import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {startNode} from '../../src/sandbox/node/node.ts'
import {NODE_ADDRESS, startControlPlane} from '../kubernetes/control-plane.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')

export default async function setup(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const python = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
  const ground = await (process.env['GROUND'] === 'kubernetes' ? realGround(directory, python) : sandboxGround(directory, python))
  process.env['KUBECONFIG'] = ground.kubeconfig
  return async () => {
    await ground.stop()
    await rm(directory, {recursive: true, force: true, maxRetries: 5})
  }
}

interface Ground {
  readonly kubeconfig: string
  stop(): Promise<void>
}

/** The product itself, as its user starts it. */
const sandboxGround = async (directory: string, python: string): Promise<Ground> => {
  process.env['XDG_STATE_HOME'] = directory
  process.env['KUBECONFIG'] = join(directory, 'kubeconfig')
  await run('sandbox', 'up', '--name', 'conformance', '--python', python)
  return {
    kubeconfig: join(directory, 'dask-k8s', 'sandbox', 'conformance', 'kubeconfig'),
    stop: async () => {
      process.env['KUBECONFIG'] = join(directory, 'kubeconfig')
      await run('sandbox', 'down', '--name', 'conformance')
    },
  }
}

/** A real control plane with the sandbox's process node, and the operator beside them as a person would run it. */
const realGround = async (directory: string, python: string): Promise<Ground> => {
  const plane = await startControlPlane(join(directory, 'plane'))
  const client = connect(loadKubeConfig({kubeconfig: plane.kubeconfig}))
  const {certificates} = plane
  const node = await startNode({
    client,
    startInformer,
    name: 'process-node',
    directory: join(directory, 'node'),
    python,
    podAddresses: {kind: 'cidr', prefix: '10.244'},
    kubelet: {address: NODE_ADDRESS, tls: {...certificates.kubelet, clientCa: certificates.ca}},
    log: (line) => console.error(`node: ${line}`),
  })
  const operator = spawn(process.execPath, [BIN, 'operator', 'run', '--apply-crds', '--kubeconfig', plane.kubeconfig], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await says(operator, 'serving all namespaces')
  return {
    kubeconfig: plane.kubeconfig,
    stop: async () => {
      const ended = new Promise((resolve) => operator.once('exit', resolve))
      operator.kill('SIGTERM')
      await ended
      await node.stop()
      await client.close()
      await plane.stop()
    },
  }
}

const says = (child: ChildProcess, words: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (process.env['DEBUG']) process.stderr.write(chunk)
      if (text.includes(words)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the operator ended with ${code}: ${text}`)))
  })

const run = (...args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], {stdio: ['ignore', 'ignore', 'inherit']})
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${code}`))))
  })
