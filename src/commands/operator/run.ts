import {randomUUID} from 'node:crypto'
import {hostname} from 'node:os'
import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {applyCrds, hasCrds} from '../../cli/crds.ts'
import {parseDuration} from '../../cli/duration.ts'
import {logLevelFlag} from '../../cli/log-level-flag.ts'
import {tell} from '../../cli/output.ts'
import {readableLog} from '../../cli/readable-log.ts'
import {UserError, usageError} from '../../cli/user-error.ts'
import {createHealth, createMetrics, parseAddress, serveHealth} from '../../operator/health-server.ts'
import {growSparingly} from '../../operator/heap.ts'
import {createLog, gathered, runOperator} from '../../operator/run.ts'

const leaseDurationFlag = Flags.custom<number>({
  parse: async (given) => {
    const durationMs = parseDuration(given)
    // Leases count in whole seconds.
    if (durationMs < 3000 || durationMs % 1000 !== 0)
      throw usageError(`"${given}" is no duration of a lease`, 'give whole seconds, 3s or more')
    return durationMs
  },
})

export default class OperatorRun extends DaskCommand {
  static override summary = 'Run the operator here, in the foreground, for the cluster that the kubeconfig leads to.'
  static override description =
    'It serves all namespaces, or the one that -n names. Beside another operator it waits as a standby. Ctrl-C stops it; clusters go on without it.\n'
  static override examples = [
    {description: 'Install the resource definitions, then serve', command: 'operator run --apply-crds'},
    {description: 'Serve one namespace of another cluster', command: 'operator run --context staging -n team-a'},
  ]
  static override flags = {
    'apply-crds': Flags.boolean({summary: 'First install or upgrade the resource definitions of Dask.'}),
    'log-level': logLevelFlag,
    'log-format': Flags.option({options: ['text', 'json'] as const})({
      default: 'text' as const,
      summary: 'Lines for people, or one JSON document a line as the installed operator writes them.',
    }),
    'health-address': Flags.string({helpValue: '[HOST]:PORT', summary: 'Answer /healthz, /readyz and /statusz there.'}),
    'leader-election': Flags.boolean({allowNo: true, default: true, summary: 'Take turns with other operators (that is the default).'}),
    'lease-duration': leaseDurationFlag({
      helpValue: 'TIME',
      summary: 'How long a leader that no longer answers stays the leader (15s where it is not given; 3s at least).',
    }),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorRun)
    const {client} = await this.connect(flags, true)
    if (flags['apply-crds']) {
      const names = await applyCrds(client, this.signal)
      tell(`applied ${names.join(', ')}`)
    } else if (!(await hasCrds(client, this.signal)))
      throw new UserError(`the Kubernetes API (context "${client.context}") does not know the resources of Dask`, {
        next: [`"${this.bin} operator run --apply-crds" installs their definitions first`],
      })
    growSparingly()
    const health = createHealth()
    const write = gathered((lines) => process.stderr.write(lines))
    const log = createLog(flags['log-level'], flags['log-format'] === 'json' ? write : (line) => write(`${readableLog(line)}\n`))
    const metrics = flags['health-address'] === undefined ? undefined : createMetrics()
    if (metrics && flags['health-address'] !== undefined) {
      const address = parseAddress(flags['health-address'])
      if (!address) throw usageError(`"${flags['health-address']}" is no address`, 'write it like :8080 or 127.0.0.1:8080')
      tell(`health and metrics on port ${await serveHealth([health], metrics, address, this.signal)}`)
    }
    await runOperator({
      client,
      health,
      ...(metrics && {metrics}),
      identity: `${hostname()}_${randomUUID()}`,
      leaderElection: flags['leader-election'],
      ...(flags['lease-duration'] !== undefined && {leaseDurationMs: flags['lease-duration']}),
      outside: true,
      signal: this.signal,
      log,
      onReady: () =>
        log.info(
          `serving ${flags.namespace === undefined ? 'all namespaces' : `namespace "${flags.namespace}"`} of context "${client.context}"`,
        ),
      ...(flags.namespace !== undefined && {namespace: flags.namespace}),
    })
  }
}
