import {Flags} from '@oclif/core'
import {LEASE_NAMESPACE} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import {DaskCommand} from '../../cli/command.ts'
import {readCrds, refuseNewerCrds} from '../../cli/crds.ts'
import {dryRunFlag, dryRunOf, timeoutFlag} from '../../cli/flags.ts'
import {applyObject} from '../../cli/install/apply.ts'
import {operatorManifests} from '../../cli/install/manifests.ts'
import {refuseMissingNamespaces, refuseOldServer, refuseOwnOperator, refuseRefused, rehearse} from '../../cli/install/obstacles.ts'
import {installFlags, installOptions} from '../../cli/install/options.ts'
import {
  checkRights,
  findPythonOperator,
  refuseHelmRelease,
  refusePythonOperator,
  rightsToApply,
  stopPythonOperator,
} from '../../cli/install/preflight.ts'
import {RIGHTS_TO_TAKE_OVER, takeOverPods} from '../../cli/install/take-over.ts'
import {waitForOperator} from '../../cli/install/wait-operator.ts'
import {answer, answerManifests, qualifiedName, tell} from '../../cli/output.ts'
import {withProgress} from '../../cli/with-progress.ts'

export default class OperatorInstall extends DaskCommand {
  static override summary = 'Install the operator in the cluster, or upgrade it in place.'
  static override description =
    'It needs no image of its own: it travels in a ConfigMap and runs in a stock image of Node.js. Running workers are not touched.\n'
  static override examples = [
    {description: 'For all namespaces', command: 'operator install'},
    {description: 'For two namespaces, with rights in these alone', command: 'operator install --watch-namespaces team-a,team-b'},
    {description: 'In the place of the Python operator, whose clusters go on', command: 'operator install --take-over'},
    {description: 'What would change?', command: 'operator install --dry-run=server'},
  ]
  static override flags = {
    ...installFlags,
    'take-over': Flags.boolean({summary: 'Stop the Python operator first, and carry its clusters on as they run.'}),
    wait: Flags.boolean({allowNo: true, default: true, summary: 'Wait until it works (that is the default).'}),
    timeout: timeoutFlag('3m'),
    'dry-run': dryRunFlag,
    export: Flags.boolean({
      exclusive: ['dry-run', 'take-over'],
      summary: 'Print what would be applied, as "operator manifests" does; no server is asked.',
    }),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorInstall)
    const options = await installOptions(flags, this.config.version)
    const definitions = await readCrds()
    const objects = operatorManifests(options)
    if (flags.export) return await answerManifests([...definitions, ...objects])
    const {client} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const rights = [...rightsToApply([...definitions, ...objects]), ...(flags['take-over'] ? RIGHTS_TO_TAKE_OVER : [])]
    await checkRights(client, rights, this.signal)
    await refuseHelmRelease(client, 'upgrade', this.signal)
    await refuseOldServer(client, this.signal)
    await refuseNewerCrds(client, definitions, this.signal)
    await refuseMissingNamespaces(client, options, this.signal)
    const python = await findPythonOperator(client, this.signal)
    if (python.length > 0 && !flags['take-over']) throw refusePythonOperator(python, this.bin)

    const apply = async (object: KubeObject): Promise<void> => {
      if (dryRun === 'client') return answer(`${placed(object)} (dry run)\n`)
      const call = {client, signal: this.signal}
      const change = await (dryRun === 'server' ? rehearse(object, options.namespace, call) : applyObject(object, {...call, dryRun: false}))
      answer(`${placed(object)} ${change}${dryRun === 'server' ? ' (server dry run)' : ''}\n`)
    }
    if (dryRun === undefined) await refuseOwnOperator(client, this.config.bin, this.signal)
    if (dryRun === undefined) await refuseRefused([...definitions, ...objects], options.namespace, {client, signal: this.signal})
    for (const object of definitions) await apply(object)
    const call = {client, timeoutMs: flags.timeout, signal: this.signal}
    if (python.length > 0 && dryRun === undefined) {
      await stopPythonOperator(call, python)
      tell(`stopped the Python operator: ${python.map(({metadata}) => `${metadata.namespace}/${metadata.name}`).join(', ')}`)
    }
    if (flags['take-over'] && dryRun === undefined) {
      const count = await takeOverPods(call)
      if (count > 0) tell(`took over ${count} running pods of its clusters`)
    }
    for (const object of objects) await apply(object)
    if (dryRun !== undefined || !flags.wait) return
    const title = `operator in namespace "${options.namespace}"`
    const leaseNamespace = options.watchNamespaces?.[0] ?? LEASE_NAMESPACE
    const wait = {client, namespace: options.namespace, leaseNamespace, timeoutMs: flags.timeout, signal: this.signal, bin: this.bin}
    await withProgress(title, (report) => waitForOperator({...wait, report}))
    tell(`next: ${this.bin} cluster create demo --wait`)
  }
}

const placed = (object: KubeObject): string =>
  `${qualifiedName(object)}${object.metadata.namespace === undefined ? '' : ` in ${object.metadata.namespace}`}`
