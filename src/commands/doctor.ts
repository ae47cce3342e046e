import {DaskCommand} from '../cli/command.ts'
import {diagnose} from '../cli/doctor/diagnose.ts'
import type {Finding} from '../cli/doctor/finding.ts'
import {documentFlag} from '../cli/flags.ts'
import {answer, formatDocument} from '../cli/output.ts'
import {EXIT, Exit} from '../cli/user-error.ts'

const SIGNS: Readonly<Record<Finding['result'], string>> = {ok: '✔', warning: '!', failed: '✘'}

export default class Doctor extends DaskCommand {
  static override summary = 'Check everything that clusters need, with a remedy for what is wrong.'
  static override description =
    'Looks at the server, the definitions, the operator, your permissions, and the clusters of one namespace: whether schedulers answer, are found by name, and have the packages of their workers. Changes nothing. ' +
    'Ends with exit code 1 when something fails.\n'
  static override examples = [
    {description: 'What is wrong here?', command: 'doctor'},
    {description: 'For a script', command: 'doctor -o json'},
  ]
  static override flags = {output: documentFlag}

  async run(): Promise<void> {
    const {flags} = await this.parse(Doctor)
    const {client, namespace} = await this.connect(flags)
    const format = flags.output as 'json' | 'yaml' | undefined
    const report = (finding: Finding): void => (format ? undefined : answer(line(finding)))
    const findings = await diagnose({client, namespace, bin: this.bin, version: this.config.version, signal: this.signal}, report)
    if (format) answer(await formatDocument({findings}, format))
    if (findings.some(({result}) => result === 'failed')) throw new Exit(EXIT.failed)
  }
}

const line = ({check, result, found, remedy}: Finding): string =>
  `${SIGNS[result]} ${check}: ${found}\n${remedy === undefined ? '' : `    → ${remedy}\n`}`
