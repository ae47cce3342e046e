import {SANDBOX_OPERATOR} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {outputFlag} from '../../cli/flags.ts'
import {insideRows} from '../../cli/install/inside.ts'
import {type OperatorStatus, readOperatorStatus} from '../../cli/install/status.ts'
import {answer, formatDocument} from '../../cli/output.ts'
import {alignCells} from '../../cli/table.ts'
import {EXIT, Exit} from '../../cli/user-error.ts'

export default class OperatorStatusCommand extends DaskCommand {
  static override summary = 'Show whether an operator works, which one leads, and what it has under its care.'
  static override description = 'Ends with exit code 1 when nobody leads.\n'
  static override examples = [
    {description: 'For a person', command: 'operator status'},
    {description: 'For a script', command: 'operator status -o json'},
  ]
  static override flags = {output: outputFlag}

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorStatusCommand)
    const {client} = await this.connect(flags)
    const status = await readOperatorStatus(client, Date.now(), this.signal)
    answer(flags.output === 'json' || flags.output === 'yaml' ? await formatDocument(status, flags.output) : render(status, this.bin))
    if (status.leaders.length === 0) throw new Exit(EXIT.failed)
  }
}

const render = ({installed, leaders, definitions, objects, inside}: OperatorStatus, bin: string): string => {
  const rows: readonly (readonly [string, string])[] = [
    ['Installed:', installed ? `${installed.ready} of ${installed.wanted} pods ready in namespace "${installed.namespace}"` : 'no'],
    ...(installed ? ([['Version:', installed.version]] as const) : []),
    ...(installed?.pods ?? []).map(({name, ready, restarts, cause}) => {
      const words = [ready ? 'ready' : (cause ?? 'starting'), restarts > 0 ? `${restarts} restarts` : ''].filter(Boolean).join(', ')
      return ['Pod:', `${name}: ${words}`] as const
    }),
    ...(leaders.length > 0
      ? leaders.map(
          ({holder, namespace, secondsSinceRenewal}) =>
            [
              'Leader:',
              holder === SANDBOX_OPERATOR ? holder : `${holder} (lease in "${namespace}", ${secondsSinceRenewal} s ago)`,
            ] as const,
        )
      : ([['Leader:', 'nobody: clusters are not looked after']] as const)),
    ['Definitions:', definitions.length > 0 ? `${definitions.length} installed` : 'none'],
    [
      'Objects:',
      Object.entries(objects)
        .map(([plural, count]) => `${count} ${plural}`)
        .join(', '),
    ],
    ...(inside ? insideRows(inside) : []),
  ]
  const isRefused = inside !== undefined && 'refused' in inside && inside.refused.length > 0
  if (isRefused) return `${alignCells(rows)}Next: ${bin} operator logs\n`
  const next = leaders.length === 0 ? `Next: ${installed ? `${bin} operator logs` : `${bin} operator install`}\n` : ''
  return alignCells(rows) + next
}
