/**
 * `node test/conformance/real-ground.ts DIRECTORY PYTHON`: a real control plane with the sandbox's process node, and the operator beside
 * them, under the roles that an installation gives it; over upstream's definitions where DEFINITIONS says so. Says `ready`, serves until SIGTERM,
 * and leaves nothing.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {readCrds, readDefinitions} from '../../src/cli/crds.ts'
import {applyObject} from '../../src/cli/install/apply.ts'
import {operatorManifests} from '../../src/cli/install/manifests.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {startNode} from '../../src/sandbox/node/node.ts'
import {NODE_ADDRESS, startControlPlane} from '../kubernetes/control-plane.ts'
import {upstreamDefinitions} from '../toolchain/upstream.ts'

/** As a pod has it: pods are reached at their own addresses and in no other way, for which it would have no right. */
const OPERATOR_PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'operator', 'main.ts')

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
// It runs under the very roles of an installation: the rights that it asks for beyond them are refused.
const bundle = Buffer.alloc(0)
const rights = operatorManifests({
  namespace: 'dask-operator',
  replicas: 1,
  nodeImage: '',
  logLevel: 'info',
  version: '0',
  tls: true,
  bundle,
}).filter(({apiVersion}) => apiVersion.startsWith('rbac.'))
const definitions = process.env['DEFINITIONS'] === 'upstream' ? await readDefinitions(await upstreamDefinitions()) : await readCrds()
for (const object of [...definitions, ...rights]) await applyObject(object, {client, dryRun: false, signal: new AbortController().signal})
let isStopping = false
let operator = startOperator()
await says(operator, 'serving all namespaces')
console.log('ready')

await stopped
isStopping = true
const operatorEnded = once(operator, 'exit')
operator.kill('SIGTERM')
await operatorEnded
await node.stop()
await client.close()
await plane.stop()
process.exit()

/**
 * One that ends is started again, as its Deployment would; that is told. It ends so when a slow server has cost it its lease; any other end is a
 * failure of the whole suite, which the ground's own exit code says.
 */
function startOperator(): ChildProcess {
  const child = spawn(process.execPath, ['--no-warnings', OPERATOR_PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {...process.env, KUBECONFIG: plane.operatorKubeconfig, HEALTH_ADDRESS: `${NODE_ADDRESS}:8080`},
  })
  let words = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-500)
  })
  child.once('exit', (code, signal) => {
    if (isStopping) return
    if (!/the lease .* could not be renewed/.test(words)) process.exitCode = 1
    console.error(`operator: ended with ${signal ?? code}, and is started again; its last words: ${words.trim().split('\n').at(-1)}`)
    operator = startOperator()
  })
  return child
}

function says(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    let hasSaid = false
    child.stdout?.on('data', (chunk: Buffer) => {
      if (process.env['DEBUG']) process.stderr.write(chunk)
      // It goes on telling each act for as long as the suite runs.
      if (hasSaid) return
      text += chunk.toString()
      hasSaid = text.includes(words)
      if (hasSaid) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the operator ended with ${code}: ${text}`)))
  })
}
