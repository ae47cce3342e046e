/** The operator as a program of its own, as it runs in a pod: settings from the environment, credentials of the pod's service account. */
import {randomUUID} from 'node:crypto'
import {hostname} from 'node:os'
import {DEFAULT_LOG_LEVEL, isLogLevel, LOG_LEVELS} from '../api/log-levels.ts'
import {loadKubeConfig} from '../kube/config.ts'
import {connect} from '../kube/connect.ts'
import {createLog, gathered} from './engine/log.ts'
import {createHealth, createMetrics, parseAddress, serveHealth} from './health-server.ts'
import {growSparingly} from './heap.ts'
import {runOperator} from './run.ts'

const DEFAULT_HEALTH = ':8080'

growSparingly()
const level = process.env['LOG_LEVEL'] || DEFAULT_LOG_LEVEL
const write = gathered((lines) => process.stdout.write(lines))
const log = createLog(isLogLevel(level) ? level : DEFAULT_LOG_LEVEL, write)

const end = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort())

const namespaces = (process.env['WATCH_NAMESPACES'] ?? '').split(',').filter((name) => name !== '')
const scopes: readonly (string | undefined)[] = namespaces.length > 0 ? namespaces : [undefined]

try {
  if (!isLogLevel(level)) throw new Error(`LOG_LEVEL "${level}" is none of ${LOG_LEVELS.join(', ')}`)
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
        ...{client, identity, health, metrics, log, signal: end.signal, ownNamespace: client.namespace},
        ...(namespace !== undefined && {namespace}),
        onReady: () => log.info({identity}, `serving ${namespace === undefined ? 'all namespaces' : `namespace "${namespace}"`}`),
      }),
    ),
  )
  await client.close()
  process.exit()
} catch (error) {
  log.error({error: error instanceof Error ? error.message : String(error)}, 'the operator ends')
  process.exit(1)
}
