import {Flags} from '@oclif/core'
import {CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, GROUP} from '../../api/dask.ts'
import {OPERATOR} from '../../api/names.ts'
import type {Kind, KubeObject} from '../../api/object.ts'
import {DaskCommand} from '../../cli/command.ts'
import {confirm} from '../../cli/confirm.ts'
import {hasCrds} from '../../cli/crds.ts'
import {dryRunFlag, dryRunOf, timeoutFlag} from '../../cli/flags.ts'
import {DEPLOYMENTS} from '../../cli/install/kinds.ts'
import {PART_OF} from '../../cli/install/manifests.ts'
import {refuseHelmRelease} from '../../cli/install/preflight.ts'
import {findInstalled, removeLease, removeObject} from '../../cli/install/remove.ts'
import {removeAllObjects} from '../../cli/install/remove-all.ts'
import {answer, qualifiedName, tell} from '../../cli/output.ts'
import {UserError} from '../../cli/user-error.ts'
import {type Look, openWatch} from '../../cli/watch.ts'
import {doneText} from '../../cli/write.ts'
import type {KubeClient} from '../../kube/client.ts'

export default class OperatorUninstall extends DaskCommand {
  static override summary = 'Take the operator away. Clusters go on running without it.'
  static override description =
    'With --all the resource definitions go too, and with them every cluster, group and job of all namespaces.\n'
  static override examples = [
    {description: 'The operator alone', command: 'operator uninstall'},
    {description: 'Everything that has to do with Dask', command: 'operator uninstall --all'},
  ]
  static override flags = {
    all: Flags.boolean({summary: 'The resource definitions too, and every cluster and job with them.'}),
    yes: Flags.boolean({char: 'y', summary: 'Do not ask.'}),
    timeout: timeoutFlag('3m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorUninstall)
    const {client} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    await refuseHelmRelease(client, 'uninstall', this.signal)
    const installed = await findInstalled(client, this.signal)
    const definitions = flags.all ? await ownDefinitions(client, this.signal) : []
    if (installed.length === 0 && definitions.length === 0) return tell('no operator is installed')
    if (dryRun === undefined && !flags.yes) await ask(client, flags.all, this.signal)
    if (flags.all && dryRun === undefined) {
      const count = await removeAllObjects({client, timeoutMs: flags.timeout, signal: this.signal})
      if (count > 0) tell(`deleted ${count} clusters, groups, jobs and autoscalers`)
    }
    // The definitions first: the operator is still there, should somebody make a cluster meanwhile.
    for (const object of [...definitions, ...installed]) {
      if (dryRun === undefined) await removeObject(client, object, this.signal)
      const wait = {timeoutMs: flags.timeout, signal: this.signal}
      if (dryRun === undefined && object.kind === CUSTOM_RESOURCE_DEFINITIONS.kind) await gone(client, [object], wait)
      // It gives its lease back as it ends, which it may as long as it has its rights.
      if (dryRun === undefined && object.kind === DEPLOYMENTS.kind) await operatorEnded(client, object.metadata.namespace ?? '', wait)
      answer(
        `${qualifiedName(object)}${object.metadata.namespace ? ` in ${object.metadata.namespace}` : ''} ${doneText('deleted', dryRun)}\n`,
      )
    }
    if (dryRun !== undefined) return
    const spaces = installed.filter(({kind}) => kind === NAMESPACES.kind)
    await gone(client, spaces, {timeoutMs: flags.timeout, signal: this.signal})
    await removeLease(client, this.signal)
    if (!flags.all && (await hasCrds(client, this.signal)))
      tell(
        `clusters and their definitions stay: "${this.bin} operator install" takes them up again, "${this.bin} operator uninstall --all" removes them`,
      )
  }
}

const ownDefinitions = async (client: KubeClient, signal: AbortSignal): Promise<readonly KubeObject[]> => {
  const {items} = await client.list(CUSTOM_RESOURCE_DEFINITIONS, {signal})
  return items
    .filter(({metadata}) => metadata.name.endsWith(`.${GROUP}`))
    .map((item) => ({...item, apiVersion: CUSTOM_RESOURCE_DEFINITIONS.apiVersion, kind: CUSTOM_RESOURCE_DEFINITIONS.kind}))
}

const ask = async (client: KubeClient, all: boolean, signal: AbortSignal): Promise<void> => {
  const count = async (kind: Kind): Promise<number> =>
    (await hasCrds(client, signal)) ? (await client.list(kind, {signal})).items.length : 0
  const [clusters, jobs] = await Promise.all([count(DASK_CLUSTERS), count(DASK_JOBS)])
  const question = all
    ? `Delete the operator, and with the definitions ${clusters} clusters and ${jobs} jobs of all namespaces?`
    : `Delete the operator? ${clusters} clusters go on without it.`
  if (!(await confirm(question, signal))) throw new UserError('nothing was deleted')
}

interface Wait {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const operatorEnded = async (client: KubeClient, namespace: string, {timeoutMs, signal}: Wait): Promise<void> => {
  const watch = await openWatch(client, signal)
  const pods = watch.see(PODS, {namespace, labelSelector: `${PART_OF}=${OPERATOR}`})
  const look = (): Look<true> => (pods.list(namespace).length > 0 ? {} : {done: true})
  await watch.until(look, {timeoutMs, waitingFor: () => "the operator's pods are still ending"}).finally(watch.close)
}

const gone = async (client: KubeClient, objects: readonly KubeObject[], {timeoutMs, signal}: Wait): Promise<void> => {
  for (const {kind, metadata} of objects) {
    const watch = await openWatch(client, signal)
    const of = kind === NAMESPACES.kind ? NAMESPACES : CUSTOM_RESOURCE_DEFINITIONS
    const cache = watch.see(of, {namespace: '', name: metadata.name})
    const look = (): Look<true> => (cache.get({name: metadata.name}) ? {} : {done: true})
    await watch.until(look, {timeoutMs, waitingFor: () => `${kind} "${metadata.name}" is still being deleted`}).finally(watch.close)
  }
}
