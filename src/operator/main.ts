/** The operator as a program of its own, as it runs in a pod: settings from the environment, credentials of the pod's service account. */
import {randomUUID} from 'node:crypto'
import {hostname} from 'node:os'
import {loadKubeConfig} from '../kube/config.ts'
import {connect} from '../kube/connect.ts'
import {createHealth, createMetrics, parseAddress, serveHealth} from './health-server.ts'
import {runOperator} from './run.ts'

const DEFAULT_HEALTH = ':8080'

const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`)

const end = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort())

const namespaces = (process.env['WATCH_NAMESPACES'] ?? '').split(',').filter((name) => name !== '')
const scopes: readonly (string | undefined)[] = namespaces.length > 0 ? namespaces : [undefined]

try {
  const client = connect(loadKubeConfig())
  const address = parseAddress(process.env['HEALTH_ADDRESS'] ?? DEFAULT_HEALTH)
  if (!address) throw new Error(`HEALTH_ADDRESS "${process.env['HEALTH_ADDRESS']}" is no address: write it like :8080`)
  const metrics = createMetrics()
  const operators = scopes.map((namespace) => ({namespace, health: createHealth()}))
  await serveHealth(
    operators.map(({health}) => health),
    metrics,
    address,
    end.signal,
  )
  const identity = `${process.env['POD_NAME'] ?? hostname()}_${randomUUID()}`
  await Promise.all(
    operators.map(({namespace, health}) =>
      runOperator({
        ...{client, identity, health, metrics, log, signal: end.signal},
        ...(namespace !== undefined && {namespace}),
        onReady: () => log(`serving ${namespace === undefined ? 'all namespaces' : `namespace "${namespace}"`} as ${identity}`),
      }),
    ),
  )
  await client.close()
  process.exit()
} catch (error) {
  log(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
