import {hostname} from 'node:os'
import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {applyCrds} from '../../cli/crds.ts'
import {tell} from '../../cli/output.ts'
import {readableLog} from '../../cli/readable-log.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {createLog, runOperator} from '../../operator/run.ts'
import {startSandbox} from '../../sandbox/serve.ts'
import {inUsersWords} from './up.ts'

export default class SandboxServe extends DaskCommand {
  static override summary = 'Serve a sandbox in the foreground.'
  static override hidden = true
  static override examples = [{description: 'What "sandbox up" starts', command: 'sandbox serve --python python3'}]
  static override flags = {
    name: sandboxName,
    python: Flags.string({required: true, helpValue: 'PATH', summary: 'Python that has dask and distributed, for all pods.'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxServe)
    const log = (line: string): void => tell(`${new Date().toISOString()} ${line}`)
    const sandbox = await inUsersWords(startSandbox({name: flags.name, python: flags.python, log}))
    const announcing = Promise.withResolvers<void>()
    try {
      await applyCrds(sandbox.client, this.signal)
      const serving = runOperator({
        client: sandbox.client,
        identity: `${hostname()}-${process.pid}`,
        // Nobody else serves this API server.
        leaderElection: false,
        outside: true,
        signal: this.signal,
        log: createLog('info', (line) => tell(readableLog(line))),
        onReady: () => announcing.resolve(sandbox.announce()),
      })
      await Promise.race([announcing.promise, serving])
      await serving
    } finally {
      await sandbox.stop()
    }
  }
}
