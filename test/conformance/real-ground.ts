/**
 * `node test/conformance/real-ground.ts DIRECTORY PYTHON`: a real control plane with the sandbox's process node, and the operator beside
 * them as a person would run it. Says `ready`, serves until SIGTERM, and leaves nothing.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {join} from 'node:path'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {startNode} from '../../src/sandbox/node/node.ts'
import {NODE_ADDRESS, startControlPlane} from '../kubernetes/control-plane.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')

const [directory = '', python = ''] = process.argv.slice(2)
const stopped = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))

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
const operatorEnded = new Promise<void>((resolve) => operator.once('exit', () => resolve()))
await says(operator, 'serving all namespaces')
console.log('ready')

await stopped
operator.kill('SIGTERM')
await operatorEnded
await node.stop()
await client.close()
await plane.stop()
process.exit()

function says(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (process.env['DEBUG']) process.stderr.write(chunk)
      if (text.includes(words)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the operator ended with ${code}: ${text}`)))
  })
}
