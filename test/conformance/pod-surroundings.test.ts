import {expect, it} from 'vitest'
import {PODS, type PodSpec} from '../../src/api/core.ts'
import {stand, until} from './ground.ts'

/** What a pod's program finds around it: files at their paths, variables by their sources. */
const {client, namespace, kubectl} = stand('surroundings')

/** Resolves with what the pod's container `main` has said when the pod has ended well. */
const said = async (name: string, spec: PodSpec, labels: Readonly<Record<string, string>> = {}): Promise<string> => {
  const metadata = {name, namespace, labels}
  await client.create(PODS, {apiVersion: 'v1', kind: 'Pod', metadata, spec: {restartPolicy: 'Never', ...spec}})
  const phase = async () => (await client.get(PODS, {namespace, name})).status?.phase
  await until(async () => ['Succeeded', 'Failed'].includes((await phase()) ?? ''), `${name} ends`)
  expect(await phase(), await kubectl('logs', name, '-c', 'main')).toBe('Succeeded')
  return kubectl('logs', name, '-c', 'main')
}
const sh = (script: string) => ({image: 'busybox', command: ['sh', '-c', script]})

it('a part of a volume by subPath: one file of a ConfigMap beside what the folder holds, one folder of a volume for each container', async () => {
  await kubectl('create', 'configmap', 'parts', '--from-literal=one=1', '--from-literal=two=2')
  const shared = (subPath: string) => ({name: 'shared', mountPath: '/mine', subPath})
  const text = await said('parts', {
    volumes: [
      {name: 'parts', configMap: {name: 'parts'}},
      {name: 'shared', emptyDir: {}},
    ],
    initContainers: [
      {name: 'red', ...sh('echo red > /mine/file'), volumeMounts: [shared('teams/red')]},
      {name: 'blue', ...sh('test ! -e /mine/file && echo blue > /mine/file'), volumeMounts: [shared('teams/blue')]},
    ],
    containers: [
      {
        ...{name: 'main', ...sh('cat /etc/one /mine/file /all/teams/blue/file; test -e /etc/passwd && test ! -e /etc/two && echo beside')},
        volumeMounts: [
          {name: 'parts', mountPath: '/etc/one', subPath: 'one'},
          shared('teams/red'),
          {name: 'shared', mountPath: '/all', readOnly: true},
        ],
      },
    ],
  })
  expect(text).toBe('1red\nblue\nbeside\n')
})

it('the downward API, config maps and secrets as variables, each in the words of a kubelet', async () => {
  await kubectl('create', 'configmap', 'settings', '--from-literal=LEVEL=high')
  await kubectl('create', 'secret', 'generic', 'access', '--from-literal=password=open')
  const field = (name: string, fieldPath: string) => ({name, valueFrom: {fieldRef: {fieldPath}}})
  const amount = (name: string, resource: string, divisor?: string) => ({
    name,
    valueFrom: {resourceFieldRef: {resource, ...(divisor && {divisor})}},
  })
  const names = ['NAME', 'PLACE', 'TEAM', 'PASSWORD', 'MISSING', 'GREETING', 'app_LEVEL', 'CPUS', 'MILLI', 'BYTES', 'MEGA', 'ASKED']
  const text = await said(
    'variables',
    {
      containers: [
        {
          ...{name: 'main', ...sh(names.map((name) => `echo "\${${name}-none}"`).join('; '))},
          resources: {requests: {cpu: '250m'}, limits: {cpu: '1500m', memory: '64Mi'}},
          envFrom: [{prefix: 'app_', configMapRef: {name: 'settings'}}],
          env: [
            ...[field('NAME', 'metadata.name'), field('PLACE', 'metadata.namespace'), field('TEAM', "metadata.labels['team']")],
            {name: 'PASSWORD', valueFrom: {secretKeyRef: {name: 'access', key: 'password'}}},
            {name: 'MISSING', valueFrom: {configMapKeyRef: {name: 'nowhere', key: 'x', optional: true}}},
            {name: 'GREETING', value: '$(NAME) of $(TEAM), $$(NAME), $(NOBODY)'},
            ...[amount('CPUS', 'limits.cpu'), amount('MILLI', 'limits.cpu', '1m'), amount('BYTES', 'limits.memory')],
            ...[amount('MEGA', 'limits.memory', '1Mi'), amount('ASKED', 'requests.cpu', '1m')],
          ],
        },
      ],
    },
    {team: 'red'},
  )
  expect(text.split('\n')).toEqual([
    ...['variables', namespace, 'red', 'open', 'none', 'variables of red, $(NAME), $(NOBODY)', 'high'],
    ...['2', '1500', '67108864', '64', '250', ''],
  ])
})
