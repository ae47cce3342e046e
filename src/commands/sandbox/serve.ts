import {writeSync} from 'node:fs'
import {hostname} from 'node:os'
import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {applyCrds} from '../../cli/crds.ts'
import {readableLog} from '../../cli/readable-log.ts'
import {ownOperator, sandboxName} from '../../cli/sandbox-flags.ts'
import {createLog, gathered, runOperator} from '../../operator/run.ts'
import {isDiskFull} from '../../sandbox/failure.ts'
import {type Sandbox, startSandbox} from '../../sandbox/serve.ts'
import {inUsersWords} from './up.ts'

/** A line of its log, which is lost where the disk is full: that must not end the sandbox. */
const note = (line: string): void => {
  try {
    writeSync(process.stderr.fd, `${line}\n`)
  } catch (error) {
    if (!isDiskFull(error)) throw error
  }
}

export default class SandboxServe extends DaskCommand {
  static override summary = 'Serve a sandbox in the foreground.'
  static override hidden = true
  static override examples = [{description: 'What "sandbox up" starts', command: 'sandbox serve --python python3'}]
  static override flags = {
    name: sandboxName,
    python: Flags.string({required: true, helpValue: 'PATH', summary: 'Python that has dask and distributed, for all pods.'}),
    operator: ownOperator,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxServe)
    const {name, python, operator: hasOperator} = flags
    const log = (line: string): void => note(`${new Date().toISOString()} ${line}`)
    const sandbox = await inUsersWords(startSandbox({name, python, hasOperator, log}))
    try {
      await (hasOperator ? this.serveWithOperator(sandbox) : this.serveAlone(sandbox))
    } finally {
      await sandbox.stop()
    }
  }

  private async serveWithOperator(sandbox: Sandbox): Promise<void> {
    await applyCrds(sandbox.client, this.signal)
    const announcing = Promise.withResolvers<void>()
    const write = gathered((lines) => note(lines.trimEnd()))
    const serving = runOperator({
      client: sandbox.client,
      identity: `${hostname()}-${process.pid}`,
      // The sandbox holds the lease for it (sandbox/lead.ts).
      leaderElection: false,
      outside: true,
      signal: this.signal,
      log: createLog('info', (line) => write(`${readableLog(line)}\n`)),
      onReady: () => announcing.resolve(sandbox.announce()),
    })
    await Promise.race([announcing.promise, serving])
    await serving
  }

  /** As an empty Kubernetes: without an operator, and without the definitions that come with one. */
  private async serveAlone(sandbox: Sandbox): Promise<void> {
    const ended = new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve(), {once: true}))
    await sandbox.announce()
    if (!this.signal.aborted) await ended
  }
}
