/** All benchmarks, in the network namespace of this process; started by `npm run bench`. */
import {execFile} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startControlPlane} from '../kubernetes/control-plane.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {benchCommands, packageSize} from './commands.ts'
import {type Row, table} from './figures.ts'
import {benchLife} from './life.ts'
import {benchMany} from './many.ts'
import {benchOperators} from './operators.ts'
import {benchBeside, benchPods} from './pods.ts'
import {soak} from './soak.ts'

const SHAPES = [
  {clusters: 1, workers: 500},
  {clusters: 50, workers: 20},
]

const directory = await mkdtemp(join(tmpdir(), 'bench-'))
const plane = await startControlPlane(directory)
process.env['KUBECONFIG'] = plane.kubeconfig
const client = connect(loadKubeConfig())
try {
  const definitions = join(import.meta.dirname, '..', '..', 'manifests', 'crds')
  const [kubectl, run] = [await kubectlPath(), promisify(execFile)]
  await run(kubectl, ['apply', '--server-side', '-f', definitions])
  await run(kubectl, ['wait', '--for=condition=Established', '-f', definitions, '--timeout=30s'])
  if (process.argv.includes('many')) {
    const many = await benchMany(plane, client, directory)
    const rows = [...(await benchLife(client, {clusters: 100, workers: 100}, 1)), await benchPods(client, {clusters: 1, workers: 2000})]
    const waits = await benchBeside(client, {large: 2000, small: 10})
    const beside = `a cluster of 10 workers, asked for while one of 2,000 is made, is there after ${waits.map((ms) => ms.toFixed(0)).join(', ')} ms`
    console.log(`${table(rows)}\n\n${beside}\n\n${many}`)
  } else if (process.argv.includes('soak')) {
    console.log(await soak(plane, client, directory, Number(process.argv.at(-1)) || 60))
  } else if (process.argv.includes('commands')) {
    console.log(`${table(await benchCommands(client))}\n\n${await packageSize()}`)
  } else {
    const rows: Row[] = []
    // The control plane's own first seconds are nobody's figure.
    console.error('warming up …')
    await benchPods(client, {clusters: 2, workers: 50})
    for (const shape of SHAPES) {
      console.error(`${shape.clusters} × ${shape.workers} workers …`)
      rows.push(await benchPods(client, shape))
    }
    console.error('commands …')
    rows.push(...(await benchCommands(client)))
    console.error('against the Python operator …')
    const against = await benchOperators(plane, client, directory)
    console.log(`${table(rows)}\n\n${await packageSize()}\n\n${against}`)
  }
} finally {
  await client.close()
  await plane.stop()
  await rm(directory, {recursive: true, force: true, maxRetries: 5})
}
