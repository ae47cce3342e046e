import {CUSTOM_RESOURCE_DEFINITIONS} from '../../api/core.ts'
import {DASK_KINDS, GROUP} from '../../api/dask.ts'
import type {Condition, Kind, KubeObject} from '../../api/object.ts'
import {mayI} from '../access-review.ts'
import {readServer} from '../versions.ts'
import {type Check, failed, ok, warning} from './finding.ts'

export const checkServer: Check = async ({client, signal}) => {
  const server = await readServer(client, signal)
  return [ok('server', `${server.gitVersion} at ${client.server}`)]
}

interface Definition extends KubeObject {
  readonly spec?: {
    readonly group?: string
    readonly versions?: readonly {readonly name: string; readonly schema?: unknown; readonly subresources?: unknown}[]
  }
  readonly status?: {readonly conditions?: readonly Pick<Condition, 'type' | 'status' | 'message'>[]}
}

export const checkDefinitions: Check = async ({client, bin, signal}) => {
  const {items} = await client.list(CUSTOM_RESOURCE_DEFINITIONS as Kind<Definition>, {signal})
  const ours = items.filter(({spec}) => spec?.group === GROUP)
  const missing = DASK_KINDS.filter(({plural}) => !ours.some(({metadata}) => metadata.name === `${plural}.${GROUP}`))
  const remedy = `"${bin} operator install" installs them`
  if (missing.length > 0) return [failed('definitions', `missing: ${missing.map(({plural}) => plural).join(', ')}`, remedy)]
  const refused = ours.flatMap(({metadata, status}) =>
    (status?.conditions ?? [])
      .filter(({type, status: is}) => (type === 'Established' || type === 'NamesAccepted') && is === 'False')
      .map(({message}) => failed('definitions', `${metadata.name} is not served: ${message}`, `"kubectl describe crd ${metadata.name}"`)),
  )
  if (refused.length > 0) return refused
  const older = ours.filter(({spec}) => !JSON.stringify(spec?.versions ?? []).includes('"status":{}'))
  return older.length === 0
    ? [ok('definitions', `all ${DASK_KINDS.length} of ${GROUP}`)]
    : [
        warning(
          'definitions',
          `${older.length} are those of the Python operator: suspending and status of their own are missing`,
          remedy.replace('installs', 'upgrades'),
        ),
      ]
}

/** Dask Gateway has a DaskCluster as well; kubectl takes either for the short name. */
export const checkNamesakes: Check = async ({client, signal}) => {
  const {items} = await client.list(CUSTOM_RESOURCE_DEFINITIONS as Kind<Definition>, {signal})
  const others = items.filter(
    ({metadata, spec}) => spec?.group !== GROUP && DASK_KINDS.some(({plural}) => metadata.name.startsWith(`${plural}.`)),
  )
  return others.map(({metadata}) =>
    warning('namesakes', `${metadata.name} is served too`, `in kubectl write the whole name, like "kubectl get daskclusters.${GROUP}"`),
  )
}

const RIGHTS = [
  ...['list', 'create', 'patch', 'delete'].map((verb) => ({
    verb,
    group: GROUP,
    resource: 'daskclusters',
    subresource: '',
    use: `${verb} clusters`,
  })),
  {verb: 'create', group: GROUP, resource: 'daskjobs', subresource: '', use: 'run jobs'},
  {verb: 'list', group: '', resource: 'pods', subresource: '', use: 'see pods'},
  {verb: 'get', group: '', resource: 'pods', subresource: 'log', use: 'read logs'},
  {verb: 'create', group: '', resource: 'pods', subresource: 'portforward', use: 'forward ports'},
]

export const checkRights: Check = async ({client, namespace, signal}) => {
  const answers = await Promise.all(
    RIGHTS.map(async ({use, ...right}) => ((await mayI(client, {namespace, ...right}, signal)) ? [] : [use])),
  )
  const refused = answers.flat()
  if (refused.length === 0) return [ok('permissions', `all that the commands need in namespace "${namespace}"`)]
  return [
    failed(
      'permissions',
      `you may not ${refused.join(', ')} in namespace "${namespace}"`,
      'ask for the role dask-edit, or the rights one by one',
    ),
  ]
}
