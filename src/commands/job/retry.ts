import {DASK_JOBS, type DaskJob} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer, tell} from '../../cli/output.ts'
import {giveFiles} from '../../cli/submit-job.ts'
import {UserError} from '../../cli/user-error.ts'
import {type Look, openWatch} from '../../cli/watch.ts'
import {createObject} from '../../cli/write.ts'

export default class JobRetry extends DaskCommand {
  static override summary = 'Run a job that has ended once more, under its own name.'
  static override description = 'Its log and its status go; files that travelled with it travel again.\n'
  static override examples = [{description: 'And look at it', command: 'job retry train-x7k2p'}]
  static override args = {name: nameArg('job')}
  static override flags = {timeout: timeoutFlag('2m')}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobRetry)
    const {client, namespace} = await this.connect(flags)
    const {name} = args
    const before = await client.get(DASK_JOBS, {namespace, name}, {signal: this.signal})
    const {jobStatus} = before.status ?? {}
    if (jobStatus !== 'Successful' && jobStatus !== 'Failed')
      throw new UserError(`job "${name}" has not ended yet`, {
        next: [`"${this.bin} job attach ${name}" waits for it`, `"${this.bin} job delete ${name}" ends it`],
      })
    // The files would go with the job that they belong to.
    const hasFiles = await giveFiles(client, before, undefined, this.signal)
    const watch = await openWatch(client, this.signal)
    const jobs = watch.see(DASK_JOBS, {namespace, name})
    await client.delete(DASK_JOBS, {namespace, name}, {propagationPolicy: 'Background', signal: this.signal})
    const look = (): Look<true> => (jobs.get({namespace, name})?.metadata.uid === before.metadata.uid ? {} : {done: true})
    await watch.until(look, {timeoutMs: flags.timeout, waitingFor: () => `job "${name}" is still being deleted`}).finally(watch.close)
    const {labels, annotations} = before.metadata
    const metadata = {name, namespace, ...(labels && {labels}), ...(annotations && {annotations})}
    const object: DaskJob = {apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata, spec: before.spec}
    const made = await createObject({client, kind: DASK_JOBS, object, dryRun: false, signal: this.signal})
    if (hasFiles) await giveFiles(client, before, made, this.signal)
    answer(`daskjob.kubernetes.dask.org/${name} created\n`)
    tell(`"${this.bin} job attach ${name}" follows it`)
  }
}
