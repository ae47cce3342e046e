import {once} from 'node:events'
import {DaskCommand} from '../../cli/command.ts'
import {documentFlag, nameArg} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {openTunnel} from '../../cli/tunnel.ts'
import {tunnelFlags, tunnelOptions} from '../../cli/tunnel-flags.ts'

export default class ClusterPortForward extends DaskCommand {
  static override summary = "Lead local ports to a cluster's scheduler and dashboard until Ctrl-C."
  static override description = 'Connections follow a scheduler that was replaced. Ends when the cluster is deleted.\n'
  static override examples = [
    {description: 'Any free ports', command: 'cluster port-forward demo'},
    {
      description: "Dask's own ports, for a script that expects them",
      command: 'cluster port-forward demo --port 8786 --dashboard-port 8787',
    },
    {description: 'For another program to read', command: 'cluster port-forward demo -o json'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {output: documentFlag, ...tunnelFlags}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterPortForward)
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
    if (flags.output === 'json' || flags.output === 'yaml') answer(await formatDocument(tunnel, flags.output))
    else {
      answer(`DASK_SCHEDULER_ADDRESS=${tunnel.schedulerAddress}\n`)
      tell(`dashboard: ${tunnel.dashboardURL}`)
      if (tunnel.tlsSecret !== undefined)
        tell(
          `clients have to show the certificate of Secret "${tunnel.tlsSecret}"; "${this.bin} cluster run ${args.name} -- …" does it for a program`,
        )
      tell('forwarding until Ctrl-C')
    }
    await Promise.race([once(this.signal, 'abort'), untilLost()])
  }
}
