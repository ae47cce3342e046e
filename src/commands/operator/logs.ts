import {OPERATOR} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {findInstalled} from '../../cli/install/remove.ts'
import {manyLogFlags} from '../../cli/log-flags.ts'
import {printLogs} from '../../cli/print-logs.ts'
import {readableLog} from '../../cli/readable-log.ts'
import {EXIT, UserError} from '../../cli/user-error.ts'

export default class OperatorLogs extends DaskCommand {
  static override summary = 'Print the logs of the installed operator.'
  static override description =
    'It writes a JSON document a line; here they are lines for people, but in the files of --download. "operator install --log-level" says how much it tells.\n'
  static override examples = [
    {description: 'And go on with new lines', command: 'operator logs -f'},
    {description: 'What it said before it crashed', command: 'operator logs --previous'},
  ]
  static override flags = manyLogFlags

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorLogs)
    const {client} = await this.connect(flags)
    const installed = (await findInstalled(client, this.signal)).find(({kind}) => kind === 'Deployment')
    if (!installed)
      throw new UserError('no operator is installed in this cluster', {
        next: [`"${this.bin} operator install" installs one`, `"${this.bin} operator status" shows whether one runs beside a user`],
        exitCode: EXIT.notFound,
      })
    const {namespace = ''} = installed.metadata
    const selector = `app.kubernetes.io/name=${OPERATOR}`
    await printLogs({client, namespace, selector, what: 'the operator', flags, render: readableLog, signal: this.signal})
  }
}
