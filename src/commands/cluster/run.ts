import {spawn} from 'node:child_process'
import {constants} from 'node:os'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg} from '../../cli/flags.ts'
import {tell} from '../../cli/output.ts'
import {writeTlsFiles} from '../../cli/tls-files.ts'
import {openTunnel} from '../../cli/tunnel.ts'
import {tunnelFlags, tunnelOptions} from '../../cli/tunnel-flags.ts'
import {Exit, UserError, usageError} from '../../cli/user-error.ts'

export default class ClusterRun extends DaskCommand {
  static override summary = 'Run a local program against a cluster: a script, a notebook, a shell.'
  static override description =
    'DASK_SCHEDULER_ADDRESS leads to the cluster while it runs, so that "Client()" in Python connects without an address, and so does the certificate of one that speaks TLS. Ends with its exit code.\n'
  static override examples = [
    {description: 'A script on this machine, its work on the cluster', command: 'cluster run demo -- python train.py'},
    {description: 'A shell in which every Dask client finds the cluster', command: 'cluster run demo'},
  ]
  static override usage = 'NAME [flags] [-- COMMAND [ARGS...]]'
  static override takesCommand = true
  static override args = {name: nameArg('cluster')}
  static override flags = tunnelFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRun)
    const [program, ...rest] = this.tail ?? [process.env['SHELL'] ?? 'sh']
    if (program === undefined)
      throw usageError('after "--" there is no command', `"${this.bin} cluster run ${args.name} -- python train.py"`)
    const {client, namespace} = await this.connect(flags)
    const end = new AbortController()
    const signal = AbortSignal.any([this.signal, end.signal])
    const tunnel = await openTunnel({client, namespace, cluster: args.name, ...tunnelOptions(flags), signal, bin: this.bin, tell})
    try {
      const tls = tunnel.tlsSecret === undefined ? undefined : await writeTlsFiles(client, {namespace, secret: tunnel.tlsSecret, signal})
      try {
        const env = {DASK_SCHEDULER_ADDRESS: tunnel.schedulerAddress, DASK_DASHBOARD_URL: tunnel.dashboardURL, ...tls?.env}
        const code = await runLocally(program, rest, env)
        if (code !== 0) throw new Exit(code)
      } finally {
        tls?.remove()
      }
    } finally {
      end.abort()
    }
  }
}

/** Its terminal is ours, and so is Ctrl-C, which reaches it by itself: whether that ends it is its own affair. */
const runLocally = (program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {stdio: 'inherit', env: {...process.env, ...env}})
    child.once('error', (error: NodeJS.ErrnoException) => reject(noStart(program, error)))
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })

/** With the exit codes of a shell. */
const noStart = (program: string, error: NodeJS.ErrnoException): Error => {
  if (error.code === 'ENOENT') return new UserError(`there is no program "${program}" on this machine`, {exitCode: 127})
  if (error.code === 'EACCES')
    return new UserError(`"${program}" may not be run on this machine`, {
      next: [`"chmod +x ${program}" makes a file a program`],
      exitCode: 126,
    })
  return error
}
