import {PODS} from '../../api/core.ts'
import {DASK_JOBS} from '../../api/dask.ts'
import {runnerName} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg} from '../../cli/flags.ts'
import {followJob} from '../../cli/follow-job.ts'
import {beginOf, logFlags} from '../../cli/log-flags.ts'
import {answer} from '../../cli/output.ts'
import {UserError} from '../../cli/user-error.ts'
import {isNotFound, KubeError} from '../../kube/errors.ts'

export default class JobLogs extends DaskCommand {
  static override summary = "Print what a job's program has said."
  static override examples = [
    {description: 'All of it', command: 'job logs train-x7k2p'},
    {description: 'And go on until the program ends', command: 'job logs train-x7k2p -f'},
  ]
  static override args = {name: nameArg('job')}
  static override flags = logFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobLogs)
    const {client, namespace} = await this.connect(flags)
    const {name} = args
    const job = await client.get(DASK_JOBS, {namespace, name}, {signal: this.signal})
    const print = (line: string): void => answer(`${line}\n`)
    if (flags.follow) {
      const quiet = {report: () => undefined, onStart: () => undefined}
      const limits = {timeoutMs: Number.POSITIVE_INFINITY, signal: this.signal, bin: this.bin}
      await followJob({client, namespace, name, ...quiet, ...limits, ...beginOf(flags), onLine: print})
      return
    }
    const {streamLogs} = await import('../../kube/logs.ts')
    const pod = job.status?.jobRunnerPodName ?? runnerName(name)
    const runner = await client.get(PODS, {namespace, name: pod}, {signal: this.signal}).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
      throw new UserError(`job "${name}" has no program running yet (${job.status?.jobStatus ?? 'no operator has taken it up'})`, {
        next: [`"${this.bin} job logs ${name} -f" waits for it`],
      })
    })
    const container = runner.spec.containers[0]?.name
    const options = {namespace, name: pod, previous: flags.previous, timestamps: flags.timestamps, ...beginOf(flags), signal: this.signal}
    try {
      for await (const line of streamLogs(client, {...options, ...(container !== undefined && {container})})) print(line)
    } catch (error) {
      if (!flags.previous || !(error instanceof KubeError) || !/^previous terminated container/.test(error.message)) throw error
      throw new UserError(`job "${name}" has no log of an attempt before this one`, {
        next: [`"${this.bin} job logs ${name}" shows this one's`],
        cause: error,
      })
    }
  }
}
