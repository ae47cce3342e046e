import {expect, it} from 'vitest'
import {stand} from './ground.ts'
import {asking, map, pod, refusal} from './wire.ts'

/** Names, keys and paths of which a node makes folders and files: those that would lead elsewhere are refused, in the real server's words and order. */

const {client, namespace} = stand('volumes-refused')
const ask = asking(client)
const PODS = `/api/v1/namespaces/${namespace}/pods?dryRun=All`

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const KEY =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
const NO_WAY_UP = "must not contain '..'"
const RELATIVE = 'must be a relative path'
const NO_DOTS_FIRST = "must not start with '..'"
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive'
const AT = 'spec.volumes[0]'
const MAIN = 'spec.containers[0]'

const emptyDir = {}
const volume = (source: object) => ({volumes: [{name: 'v', ...source}]})
const items = (...paths: readonly string[]) => paths.map((path) => ({key: 'k', path}))
const projected = (...sources: readonly object[]) => ({serviceAccountName: 'default', ...volume({projected: {sources}})})
const field = {fieldRef: {fieldPath: 'metadata.name'}}
const main = (extra: object) => ({containers: [{name: 'main', image: 'busybox', ...extra}]})
const mounted = (mount: object) => ({...volume({emptyDir}), ...main({volumeMounts: [{name: 'v', mountPath: '/v', ...mount}]})})
const from = (ref: object) => main({env: [{name: 'A', valueFrom: ref}]})

const invalid = (where: string, value: unknown, why: string) => `${where}: Invalid value: ${JSON.stringify(value)}: ${why}`

it.each<readonly [string, object, readonly string[]]>([
  ['a name that leads out of its folder', {volumes: [{name: '../../victim', emptyDir}]}, [invalid(`${AT}.name`, '../../victim', LABEL)]],
  ['a name with dots', {volumes: [{name: 'a.b', emptyDir}]}, [invalid(`${AT}.name`, 'a.b', 'must not contain dots')]],
  [
    'a name that is too long',
    {volumes: [{name: 'a'.repeat(64), emptyDir}]},
    [invalid(`${AT}.name`, 'a'.repeat(64), 'must be no more than 63 characters')],
  ],
  ['no name', {volumes: [{name: '', emptyDir}]}, [`${AT}.name: Required value`]],
  [
    'the name of another one',
    {
      volumes: [
        {name: 'v', emptyDir},
        {name: 'v', emptyDir},
      ],
    },
    ['spec.volumes[1].name: Duplicate value: "v"'],
  ],
  [
    'a wrong name that is mounted',
    {volumes: [{name: '..', emptyDir}], ...main({volumeMounts: [{name: '..', mountPath: '/v'}]})},
    [invalid(`${AT}.name`, '..', LABEL), `${MAIN}.volumeMounts[0].name: Not found: ".."`],
  ],
  [
    'paths of a ConfigMap that lead out of it',
    volume({configMap: {name: 'm', items: items('../x', 'a/../../x', '/x', '..x')}}),
    [
      invalid(`${AT}.configMap.items[0].path`, '../x', NO_WAY_UP),
      invalid(`${AT}.configMap.items[1].path`, 'a/../../x', NO_WAY_UP),
      invalid(`${AT}.configMap.items[2].path`, '/x', RELATIVE),
      invalid(`${AT}.configMap.items[3].path`, '..x', NO_DOTS_FIRST),
    ],
  ],
  [
    'paths of a Secret that lead out of it',
    volume({secret: {secretName: 's', items: items('..', '/../x')}}),
    [
      invalid(`${AT}.secret.items[0].path`, '..', NO_WAY_UP),
      invalid(`${AT}.secret.items[0].path`, '..', NO_DOTS_FIRST),
      invalid(`${AT}.secret.items[1].path`, '/../x', RELATIVE),
      invalid(`${AT}.secret.items[1].path`, '/../x', NO_WAY_UP),
    ],
  ],
  [
    'neither key nor path, and no mode that there is',
    volume({configMap: {name: 'm', defaultMode: 512, items: [{key: '', path: '', mode: -1}]}}),
    [
      `${AT}.configMap.defaultMode: Invalid value: 512: ${MODE}`,
      `${AT}.configMap.items[0].key: Required value`,
      `${AT}.configMap.items[0].path: Required value`,
      `${AT}.configMap.items[0].mode: Invalid value: -1: ${MODE}`,
    ],
  ],
  [
    'sources without a name',
    {
      volumes: [
        {name: 'a', configMap: {}},
        {name: 'b', secret: {}},
        {name: 'c', persistentVolumeClaim: {claimName: ''}},
      ],
    },
    [
      `${AT}.configMap.name: Required value`,
      'spec.volumes[1].secret.secretName: Required value',
      'spec.volumes[2].persistentVolumeClaim.claimName: Required value',
    ],
  ],
  [
    'files of the downward API outside of it',
    volume({
      downwardAPI: {
        items: [
          {path: '../x', ...field},
          {path: '', ...field},
        ],
      },
    }),
    [invalid(`${AT}.downwardAPI.path`, '../x', NO_WAY_UP), `${AT}.downwardAPI.path: Required value`],
  ],
  [
    'projected files outside of it',
    projected(
      {configMap: {name: 'm', items: items('../a')}},
      {secret: {name: 's', items: items('../b')}},
      {downwardAPI: {items: [{path: '../c', ...field}]}},
      {serviceAccountToken: {path: '../d'}},
      {serviceAccountToken: {path: ''}},
    ),
    [
      invalid(`${AT}.projected.sources[0].configMap.items[0].path`, '../a', NO_WAY_UP),
      invalid(`${AT}.projected.sources[1].secret.items[0].path`, '../b', NO_WAY_UP),
      invalid(`${AT}.projected.sources[2].downwardAPI.path`, '../c', NO_WAY_UP),
      invalid(`${AT}.projected.path`, '../d', NO_WAY_UP),
      `${AT}.projected.path: Required value`,
    ],
  ],
  ['a subPath that leads out of it', mounted({subPath: '../..'}), [invalid(`${MAIN}.volumeMounts.subPath`, '../..', NO_WAY_UP)]],
  ['an absolute subPath', mounted({subPath: '/etc'}), [invalid(`${MAIN}.volumeMounts.subPath`, '/etc', RELATIVE)]],
  [
    'a subPathExpr that leads out of it',
    mounted({subPathExpr: '../$(A)'}),
    [invalid(`${MAIN}.volumeMounts.subPathExpr`, '../$(A)', NO_WAY_UP)],
  ],
  [
    'a variable from a key that there cannot be',
    from({configMapKeyRef: {name: 'm', key: '../k'}}),
    [
      invalid(`${MAIN}.env[0].valueFrom.configMapKeyRef.key`, '../k', KEY),
      invalid(`${MAIN}.env[0].valueFrom.configMapKeyRef.key`, '../k', NO_DOTS_FIRST),
    ],
  ],
  ['a variable without a key', from({secretKeyRef: {name: 's', key: ''}}), [`${MAIN}.env[0].valueFrom.secretKeyRef.key: Required value`]],
])('a pod with %s is refused', async (_, spec, why) => {
  const message = `Pod "wrong" is invalid: ${why.length === 1 ? why[0] : `[${why.join(', ')}]`}`
  expect(refusal(await ask('POST', PODS, pod('wrong', {spec})))).toEqual([422, 'Invalid', message])
})

it('paths and names that stay inside are taken', async () => {
  const spec = {
    volumes: [
      {name: 'a', configMap: {name: 'm', defaultMode: 511, items: items('deep/a', '.hidden', 'x..', 'a/..b')}},
      {name: '0-b', emptyDir},
    ],
    ...main({volumeMounts: [{name: '0-b', mountPath: '/v', subPath: './a/..b'}]}),
  }
  expect((await ask('POST', PODS, pod('right', {spec}))).code).toBe(201)
})

it.each<readonly [key: string, why: readonly string[]]>([
  ['.', ["must not be '.'"]],
  ['..', ["must not be '..'"]],
  ['..data', [NO_DOTS_FIRST]],
  ['../x', [KEY, NO_DOTS_FIRST]],
  ['/x', [KEY]],
  ['x'.repeat(254), ['must be no more than 253 characters']],
])('the key %.9s is refused in ConfigMaps and Secrets', async (key, why) => {
  const said = (kind: string, data: string): readonly unknown[] => {
    const told = why.map((each) => invalid(`${data}[${key}]`, key, each))
    return [422, 'Invalid', `${kind} "wrong" is invalid: ${told.length === 1 ? told[0] : `[${told.join(', ')}]`}`]
  }
  const post = async (kind: string, body: object) =>
    refusal(await ask('POST', `/api/v1/namespaces/${namespace}/${kind}?dryRun=All`, {metadata: {name: 'wrong'}, ...body}))
  expect(await post('configmaps', map('wrong', {[key]: ''}))).toEqual(said('ConfigMap', 'data'))
  expect(await post('configmaps', {binaryData: {[key]: ''}})).toEqual(said('ConfigMap', 'binaryData'))
  expect(await post('secrets', {data: {[key]: ''}})).toEqual(said('Secret', 'data'))
  expect(await post('secrets', {stringData: {[key]: ''}})).toEqual(said('Secret', 'data'))
})
