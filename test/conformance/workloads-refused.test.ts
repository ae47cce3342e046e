import {expect, it} from 'vitest'
import {stand} from './ground.ts'
import {asking, MERGE, refusal} from './wire.ts'

/** What no Deployment may say: all that is wrong with it, in the real server's words and order. */

const {client, namespace} = stand('workloads-refused')
const ask = asking(client)
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${namespace}/deployments`

const CONTAINER = {name: 'main', image: 'busybox'}
const deployment = (extra: object = {}, podSpec: object = {}) => ({
  ...{apiVersion: 'apps/v1', kind: 'Deployment', metadata: {name: 'wrong'}},
  spec: {
    ...{replicas: 0, selector: {matchLabels: {app: 'x'}}},
    template: {metadata: {labels: {app: 'x'}}, spec: {containers: [CONTAINER], ...podSpec}},
    ...extra,
  },
})
const rolling = (rollingUpdate: object) => ({strategy: {rollingUpdate}})

const AT = 'spec.strategy.rollingUpdate'
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
const NEGATIVE = 'must be greater than or equal to 0'
const STILL = 'may not be 0 when `maxSurge` is 0'
const MISMATCH = 'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'
const TEMPLATE = 'spec.template.spec'
const ONLY_ALWAYS = (policy: string) => `${TEMPLATE}.restartPolicy: Unsupported value: "${policy}": supported values: "Always"`

type Wrong = readonly [what: string, extra: object, podSpec: object, why: readonly string[]]
const AMOUNTS: readonly Wrong[] = [
  ['a surge that is no amount', rolling({maxSurge: 'abc'}), {}, [`${AT}.maxSurge: Invalid value: "abc": ${PERCENT}`]],
  ['a number in quotes', rolling({maxSurge: '3'}), {}, [`${AT}.maxSurge: Invalid value: "3": ${PERCENT}`]],
  ['a part of a per cent', rolling({maxUnavailable: '2.5%'}), {}, [`${AT}.maxUnavailable: Invalid value: "2.5%": ${PERCENT}`]],
  ['a surge below nothing', rolling({maxSurge: -1}), {}, [`${AT}.maxSurge: Invalid value: -1: ${NEGATIVE}`]],
  [
    'a share below nothing, and nothing beside it',
    rolling({maxSurge: '-5%', maxUnavailable: 0}),
    {},
    [`${AT}.maxSurge: Invalid value: "-5%": ${PERCENT}`, `${AT}.maxUnavailable: Invalid value: 0: ${STILL}`],
  ],
  [
    'nobody to go and nobody to come',
    rolling({maxSurge: 0, maxUnavailable: '0%'}),
    {},
    [`${AT}.maxUnavailable: Invalid value: "0%": ${STILL}`],
  ],
  [
    'both amounts wrong',
    rolling({maxSurge: -2, maxUnavailable: -1}),
    {},
    [`${AT}.maxUnavailable: Invalid value: -1: ${NEGATIVE}`, `${AT}.maxSurge: Invalid value: -2: ${NEGATIVE}`],
  ],
  ['more than all', rolling({maxUnavailable: '101%'}), {}, [`${AT}.maxUnavailable: Invalid value: "101%": must not be greater than 100%`]],
  [
    'amounts for a strategy without any',
    {strategy: {type: 'Recreate', rollingUpdate: {maxSurge: 1}}},
    {},
    [`${AT}: Forbidden: may not be specified when strategy \`type\` is 'Recreate'`],
  ],
  [
    'a strategy that there is not',
    {strategy: {type: 'Slowly'}},
    {},
    ['spec.strategy: Unsupported value: {"Type":"Slowly","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"'],
  ],
  ['fewer than no pods', {replicas: -1}, {}, [`spec.replicas: Invalid value: -1: ${NEGATIVE}`]],
  [
    'times below nothing',
    {minReadySeconds: -1, revisionHistoryLimit: -2},
    {},
    [`spec.minReadySeconds: Invalid value: -1: ${NEGATIVE}`, `spec.revisionHistoryLimit: Invalid value: -2: ${NEGATIVE}`],
  ],
  [
    'a deadline before anything can be ready',
    {minReadySeconds: 10, progressDeadlineSeconds: 10},
    {},
    ['spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds'],
  ],
]
const PODS: readonly Wrong[] = [
  ['no selector', {selector: undefined}, {}, ['spec.selector: Required value', MISMATCH]],
  ['an empty selector', {selector: {}}, {}, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
  ['a selector of other pods', {selector: {matchLabels: {app: 'y'}}}, {}, [MISMATCH]],
  [
    'a selector that cannot be read',
    {selector: {matchExpressions: [{key: 'app', operator: 'In', values: []}]}},
    {containers: []},
    [
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"In"}]}: invalid label selector',
    ],
  ],
  [
    'no template',
    {template: undefined},
    {},
    [
      'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
      `${TEMPLATE}.containers: Required value`,
    ],
  ],
  ['no container', {}, {containers: []}, [`${TEMPLATE}.containers: Required value`]],
  [
    'a container without a name and an image',
    {},
    {containers: [{command: ['true']}]},
    [`${TEMPLATE}.containers[0].name: Required value`, `${TEMPLATE}.containers[0].image: Required value`],
  ],
  ['pods that end', {}, {restartPolicy: 'Never'}, [ONLY_ALWAYS('Never')]],
  [
    'a policy that there is not',
    {},
    {restartPolicy: 'Sometimes'},
    [
      `${TEMPLATE}.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"`,
      ONLY_ALWAYS('Sometimes'),
    ],
  ],
  [
    'pods with a deadline',
    {},
    {activeDeadlineSeconds: 5},
    [`${TEMPLATE}.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported`],
  ],
  [
    'all of it wrong',
    {replicas: -1, selector: {matchLabels: {app: 'y'}}, minReadySeconds: -1, ...rolling({maxSurge: -1})},
    {containers: [{name: 'main'}]},
    [
      ...[`spec.replicas: Invalid value: -1: ${NEGATIVE}`, MISMATCH, `${TEMPLATE}.containers[0].image: Required value`],
      ...[`${AT}.maxSurge: Invalid value: -1: ${NEGATIVE}`, `spec.minReadySeconds: Invalid value: -1: ${NEGATIVE}`],
    ],
  ],
]

const AMOUNT = 'Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate'
const sentence = (why: readonly string[]): string =>
  `Deployment.apps "wrong" is invalid: ${why.length === 1 ? why[0] : `[${why.join(', ')}]`}`

it.each([...AMOUNTS, ...PODS])('a deployment with %s is refused', async (_, extra, podSpec, why) => {
  expect(refusal(await ask('POST', DEPLOYMENTS, deployment(extra, podSpec)))).toEqual([422, 'Invalid', sentence(why)])
})

it.each([
  ['replicas', {replicas: 'two'}, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
  ['replicas', {replicas: 1.5}, 'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'],
  ['amounts', rolling({maxSurge: true}), `json: cannot unmarshal bool into ${AMOUNT}.maxSurge of type int32`],
  ['amounts', rolling({maxSurge: 0.5}), `json: cannot unmarshal number 0.5 into ${AMOUNT}.maxSurge of type int32`],
  ['amounts', rolling({maxUnavailable: [1]}), `json: cannot unmarshal array into ${AMOUNT}.maxUnavailable of type int32`],
])('a deployment whose %s are of another type is refused', async (_, extra, why) => {
  const message = `Deployment in version "v1" cannot be handled as a Deployment: ${why}`
  expect(refusal(await ask('POST', DEPLOYMENTS, deployment(extra)))).toEqual([400, 'BadRequest', message])
})

it('a deployment with a field that there is not is refused, where that is asked for', async () => {
  const why = 'strict decoding error: unknown field "spec.replica"'
  expect(refusal(await ask('POST', `${DEPLOYMENTS}?fieldValidation=Strict`, deployment({replica: 1})))).toEqual([
    ...[400, 'BadRequest', `Deployment in version "v1" cannot be handled as a Deployment: ${why}`],
  ])
})

it('a deployment keeps its selector, and is refused changes as it is refused at first', async () => {
  expect((await ask('POST', DEPLOYMENTS, deployment())).code).toBe(201)
  const change = (spec: object) => ask('PATCH', `${DEPLOYMENTS}/wrong`, {spec}, MERGE)
  const moved = {selector: {matchLabels: {app: 'y'}}, template: {metadata: {labels: {app: 'y'}}}}
  const immutable = 'spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable'
  expect(refusal(await change(moved))).toEqual([422, 'Invalid', sentence([immutable])])
  expect(refusal(await change(rolling({maxSurge: 0, maxUnavailable: 0})))).toEqual([
    ...[422, 'Invalid', sentence([`${AT}.maxUnavailable: Invalid value: 0: ${STILL}`])],
  ])
})
