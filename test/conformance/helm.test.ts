import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {helmPath} from '../kubernetes/kubectl.ts'
import {stand, until} from './ground.ts'

/** Real helm with a chart that has what charts have: a Deployment, a Service, a ConfigMap, and a Job as a hook. */

const {namespace, kubectl, pods} = stand('helm')

const FILES: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: small\nversion: 1.0.0\n',
  'values.yaml': 'edition: one\n',
  'templates/all.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: small}
data: {edition: {{ .Values.edition | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: small}
spec: {selector: {app: small}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: small}
spec:
  selector: {matchLabels: {app: small}}
  template:
    metadata: {labels: {app: small}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - {name: main, image: busybox, command: [sleep, '600'], env: [{name: EDITION, value: {{ .Values.edition | quote }}}]}
`,
  'templates/hook.yaml': `
apiVersion: batch/v1
kind: Job
metadata:
  name: small-before
  annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: busybox, command: ['true']}]}
`,
}

let chart = ''
let program = ''
const helm = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, ['-n', namespace, ...args], {timeout: 90_000})).stdout
const edition = async (): Promise<string> => {
  const [pod] = (await pods('app=small')).filter(({metadata}) => metadata.deletionTimestamp === undefined)
  return `${await kubectl('get', 'configmap', 'small', '-o', 'jsonpath={.data.edition}')} ${pod?.spec.containers[0]?.env?.[0]?.value}`
}

beforeAll(async () => {
  program = await helmPath()
  chart = await mkdtemp(join(tmpdir(), 'small-chart-'))
  await mkdir(join(chart, 'templates'))
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(chart, name), text)
})
afterAll(() => rm(chart, {recursive: true, force: true}))

describe('helm', () => {
  it('installs, runs the hook before, and waits until all is ready', async () => {
    expect(await helm('install', 'small', chart, '--wait', '--timeout', '60s')).toContain('STATUS: deployed')
    expect(await edition()).toBe('one one')
    expect((await kubectl('get', 'jobs', '-o', 'name')).trim()).toBe('')
  })

  it('upgrades, and goes back', async () => {
    expect(await helm('upgrade', 'small', chart, '--set', 'edition=two', '--wait', '--timeout', '60s')).toContain('REVISION: 2')
    await until(async () => (await edition()) === 'two two', 'the upgrade is there')
    expect(await helm('rollback', 'small', '1', '--wait', '--timeout', '60s')).toContain('Rollback was a success')
    await until(async () => (await edition()) === 'one one', 'the first edition is back')
    expect(await helm('history', 'small')).toMatch(/1 .*superseded[\s\S]*2 .*superseded[\s\S]*3 .*deployed/)
  })

  it('uninstalls, and leaves nothing', async () => {
    expect(await helm('uninstall', 'small', '--wait', '--timeout', '60s')).toContain('uninstalled')
    await until(async () => (await kubectl('get', 'all', '-l', 'app=small', '-o', 'name')).trim() === '', 'the pods go')
    expect((await kubectl('get', 'secrets,deployments,services', '-o', 'name')).trim()).toBe('')
  })
})
