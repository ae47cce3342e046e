import {Flags} from '@oclif/core'
import {DaskCommand} from '../cli/command.ts'
import {documentFlag} from '../cli/flags.ts'
import {answer, formatDocument, tell} from '../cli/output.ts'
import {readVersions} from '../cli/versions.ts'

export default class Version extends DaskCommand {
  static override summary = 'Versions of this program, the API server and the operator.'
  static override examples = [
    {description: 'All of them', command: 'version'},
    {description: 'Without asking a server', command: 'version --client -o json'},
  ]
  static override flags = {
    client: Flags.boolean({summary: 'Of this program only; no server is asked.'}),
    output: documentFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Version)
    const client = {version: this.config.version, node: process.versions.node, platform: `${process.platform}/${process.arch}`}
    const format = flags.output === 'yaml' ? 'yaml' : 'json'
    const asDocument = flags.output !== undefined
    if (!asDocument) answer(`Client Version: v${client.version}\n`)
    if (flags.client) return asDocument ? answer(await formatDocument({client}, format)) : undefined
    const connection = await this.connect(flags)
    const {server, operator, refusal} = await readVersions(connection.client, this.signal)
    if (asDocument)
      return answer(await formatDocument({client, server, operator: operator ?? null, ...(refusal !== undefined && {refusal})}, format))
    const lease = operator?.lease === undefined ? '' : ` (lease ${operator.lease})`
    const none = refusal === undefined ? 'none is running' : 'you may not look'
    answer(`Server Version: ${server.gitVersion}\nOperator: ${operator ? `${operator.holder}${lease}` : none}\n`)
    if (refusal !== undefined) tell(refusal)
  }
}
