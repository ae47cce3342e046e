import {once} from 'node:events'
import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {documentFlag, nameArg} from '../../cli/flags.ts'
import {openBrowser} from '../../cli/open-browser.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {openTunnel} from '../../cli/tunnel.ts'
import {tunnelFlags, tunnelOptions} from '../../cli/tunnel-flags.ts'

export default class ClusterDashboard extends DaskCommand {
  static override summary = "Open a cluster's dashboard in the browser."
  static override description = 'The way to it stays open until Ctrl-C, and follows a scheduler that was replaced.\n'
  static override examples = [
    {description: 'In the browser', command: 'cluster dashboard demo'},
    {description: 'Only its address', command: 'cluster dashboard demo --no-open'},
    {description: 'For another program to read', command: 'cluster dashboard demo --no-open -o json'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    open: Flags.boolean({default: true, allowNo: true, summary: 'Open it in the browser.'}),
    output: documentFlag,
    ...tunnelFlags,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterDashboard)
    const {client, namespace} = await this.connect(flags)
    const {untilLost, ...tunnel} = await openTunnel({
      client,
      namespace,
      cluster: args.name,
      ...tunnelOptions(flags),
      signal: this.signal,
      bin: this.bin,
      tell,
    })
    const isDocument = flags.output === 'json' || flags.output === 'yaml'
    answer(isDocument ? await formatDocument(tunnel, flags.output === 'yaml' ? 'yaml' : 'json') : `${tunnel.dashboardURL}\n`)
    if (flags.open)
      await openBrowser(tunnel.dashboardURL).catch((error: Error) =>
        tell(`no browser could be opened (${error.message}); open the address yourself`),
      )
    tell('forwarding until Ctrl-C')
    await Promise.race([once(this.signal, 'abort'), untilLost()])
  }
}
