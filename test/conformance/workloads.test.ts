import {describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'
import {asking, MERGE, refusal} from './wire.ts'

/** Deployments, ReplicaSets and Jobs as charts and people use them. */

const {client, namespace, kubectl, pods} = stand('workloads')
const ask = asking(client)
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${namespace}/deployments`
const JOBS = `/apis/batch/v1/namespaces/${namespace}/jobs`

const template = (app: string, command: readonly string[], spec: object = {}, env = 'one') => ({
  metadata: {labels: {app}},
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{name: 'main', image: 'busybox', command, env: [{name: 'EDITION', value: env}]}],
    ...spec,
  },
})
const deployment = (name: string, extra: object = {}, podSpec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {name},
  spec: {selector: {matchLabels: {app: name}}, template: template(name, ['sleep', '600'], podSpec), ...extra},
})
const job = (name: string, command: readonly string[], extra: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {name},
  spec: {backoffLimit: 0, template: template(name, command, {restartPolicy: 'Never'}), ...extra},
})

describe('a deployment', () => {
  it('gets its defaults, and again none', async () => {
    const {code, body} = await ask('POST', DEPLOYMENTS, deployment('web', {replicas: 2}))
    expect([code, body.spec]).toMatchObject([
      201,
      {
        ...{replicas: 2, revisionHistoryLimit: 10, progressDeadlineSeconds: 600},
        strategy: {type: 'RollingUpdate', rollingUpdate: {maxSurge: '25%', maxUnavailable: '25%'}},
        template: {spec: {restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', containers: [{imagePullPolicy: 'Always'}]}},
      },
    ])
    expect(body.metadata.generation).toBe(1)
  })

  it('rolls out, is shown, and is scaled', async () => {
    expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')).toContain('deployment "web" successfully rolled out')
    expect(await kubectl('get', 'deployments')).toMatch(/NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 /)
    expect(await kubectl('get', 'rs', '-o', 'wide')).toMatch(
      /NAME +DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR\nweb-\w+ +2 +2 +2 /,
    )
    expect(await kubectl('scale', 'deployment/web', '--replicas=1')).toBe('deployment.apps/web scaled\n')
    await until(async () => (await pods('app=web')).length === 1, 'one pod is left')
    const scale = await ask('GET', `${DEPLOYMENTS}/web/scale`)
    expect(scale.body).toMatchObject({spec: {replicas: 1}, status: {selector: 'app=web'}})
  })

  it('changes to another template and back', async () => {
    const uids = async () => (await pods('app=web')).filter((each) => !each.metadata.deletionTimestamp).map(({metadata}) => metadata.uid)
    const before = await uids()
    expect(await kubectl('set', 'env', 'deployment/web', 'EDITION=two')).toContain('env updated')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    const after = await uids()
    expect(after).toHaveLength(1)
    expect(before).not.toContain(after[0])
    expect(await kubectl('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    const [pod] = (await pods('app=web')).filter((each) => !each.metadata.deletionTimestamp)
    expect(pod?.spec.containers[0]?.env).toEqual([{name: 'EDITION', value: 'one'}])
    expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/REVISION +CHANGE-CAUSE\n2 +<none>\n3 +<none>\n/)
    expect(await kubectl('describe', 'deployment', 'web')).toMatch(/NewReplicaSet: +web-\w+ \(1\/1 replicas created\)/)
  })

  it('tells why it does not come up, and keeps what works', async () => {
    await ask('PATCH', `${DEPLOYMENTS}/web`, {spec: {progressDeadlineSeconds: 1}}, MERGE)
    await kubectl('set', 'image', 'deployment/web', 'main=registry.invalid/none')
    await expect(kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')).rejects.toThrow('exceeded its progress deadline')
    const {body} = await ask('GET', `${DEPLOYMENTS}/web`)
    expect(body.status).toMatchObject({availableReplicas: 1, updatedReplicas: 1, replicas: 2})
    const said = body.status.conditions.map(({type, status, reason}: Record<string, string>) => [type, status, reason])
    expect(said).toEqual(
      expect.arrayContaining([
        ['Available', 'True', 'MinimumReplicasAvailable'],
        ['Progressing', 'False', 'ProgressDeadlineExceeded'],
      ]),
    )
  })

  it('replaces pods that go, and goes with all of them', async () => {
    await ask('POST', DEPLOYMENTS, deployment('other', {strategy: {type: 'Recreate'}}))
    await kubectl('rollout', 'status', 'deployment/other', '--timeout=30s')
    const [first] = await pods('app=other')
    await kubectl('delete', 'pod', first?.metadata.name ?? '', '--wait=false')
    await until(async () => (await pods('app=other')).some(({metadata}) => metadata.uid !== first?.metadata.uid), 'another pod comes')
    await kubectl('delete', 'deployment', 'web', 'other')
    await until(async () => (await pods('app in (web,other)')).length === 0, 'the pods go')
    expect((await ask('GET', `/apis/apps/v1/namespaces/${namespace}/replicasets`)).body.items).toEqual([])
  })
})

describe('a job', () => {
  it('runs to its end, and keeps its pods', async () => {
    const {code, body} = await ask('POST', JOBS, job('good', ['true'], {completions: 2, parallelism: 2}))
    expect(code).toBe(201)
    expect(body.spec.selector).toEqual({matchLabels: {'batch.kubernetes.io/controller-uid': body.metadata.uid}})
    expect(body.metadata.labels).toMatchObject({app: 'good', 'job-name': 'good'})
    expect(await kubectl('wait', 'job/good', '--for=condition=Complete', '--timeout=30s')).toContain('condition met')
    expect(await kubectl('get', 'jobs')).toMatch(/NAME +STATUS +COMPLETIONS +DURATION +AGE\ngood +Complete +2\/2 /)
    const {status} = (await ask('GET', `${JOBS}/good`)).body
    expect(status).toMatchObject({succeeded: 2, completionTime: expect.any(String)})
    expect(status.conditions.map(({type, reason}: Record<string, string>) => [type, reason])).toEqual([
      ['SuccessCriteriaMet', 'CompletionsReached'],
      ['Complete', 'CompletionsReached'],
    ])
    expect(await pods('batch.kubernetes.io/job-name=good')).toHaveLength(2)
  })

  it('fails at its limit of failures, and at its deadline', async () => {
    await ask('POST', JOBS, job('bad', ['false']))
    await ask('POST', JOBS, job('late', ['sleep', '600'], {activeDeadlineSeconds: 1}))
    const reason = async (name: string): Promise<string> => {
      await kubectl('wait', `job/${name}`, '--for=condition=Failed', '--timeout=30s')
      return kubectl('get', 'job', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Failed")].reason}')
    }
    expect([await reason('bad'), await reason('late')]).toEqual(['BackoffLimitExceeded', 'DeadlineExceeded'])
    await until(async () => (await pods('job-name=late')).length === 0, 'the pod that is too late goes')
  })

  it('waits while it is suspended, and goes after its time', async () => {
    await ask('POST', JOBS, job('later', ['true'], {suspend: true, ttlSecondsAfterFinished: 0}))
    await kubectl('wait', 'job/later', '--for=condition=Suspended', '--timeout=30s')
    expect(await pods('job-name=later')).toEqual([])
    await ask('PATCH', `${JOBS}/later`, {spec: {suspend: false}}, MERGE)
    await until(async () => (await ask('GET', `${JOBS}/later`)).code === 404, 'the job has ended and is gone')
  })

  it('keeps its template, and wants pods that end', async () => {
    const moved = await ask('PATCH', `${JOBS}/good`, {spec: {completions: 3}}, MERGE)
    expect(refusal(moved)).toEqual([422, 'Invalid', 'Job.batch "good" is invalid: spec.completions: Invalid value: 3: field is immutable'])
    const always = {...job('always', ['true']), spec: {template: template('always', ['true'])}}
    expect((await ask('POST', JOBS, always)).body.message).toBe(
      'Job.batch "always" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    )
  })
})
