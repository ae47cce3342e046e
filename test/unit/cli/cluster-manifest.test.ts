import {describe, expect, it} from 'vitest'
import {stringify} from 'yaml'
import {clusterManifest, groupManifest} from '../../../src/cli/cluster-manifest.ts'
import {filesManifest, jobManifest} from '../../../src/cli/job-manifest.ts'

describe('a generated cluster', () => {
  it('is the one of upstream’s generator, with the commands that every Dask has', () => {
    expect(
      stringify(clusterManifest('foo', 'default', {workers: 3, image: 'ghcr.io/dask/dask:latest'})),
    ).toBe(`apiVersion: kubernetes.dask.org/v1
kind: DaskCluster
metadata:
  name: foo
  namespace: default
spec:
  worker:
    replicas: 3
    spec:
      containers:
        - name: worker
          image: ghcr.io/dask/dask:latest
          args:
            - dask
            - worker
            - --name
            - $(DASK_WORKER_NAME)
            - --dashboard
            - --dashboard-address
            - "8788"
          ports:
            - name: http-dashboard
              containerPort: 8788
              protocol: TCP
  scheduler:
    spec:
      containers:
        - name: scheduler
          image: ghcr.io/dask/dask:latest
          args:
            - dask
            - scheduler
            - --host
            - 0.0.0.0
          ports:
            - name: tcp-comm
              containerPort: 8786
              protocol: TCP
            - name: http-dashboard
              containerPort: 8787
              protocol: TCP
          readinessProbe:
            httpGet:
              port: http-dashboard
              path: /health
            periodSeconds: 1
            timeoutSeconds: 300
          livenessProbe:
            httpGet:
              port: http-dashboard
              path: /health
            initialDelaySeconds: 15
            periodSeconds: 20
            timeoutSeconds: 300
    service:
      type: ClusterIP
      selector:
        dask.org/cluster-name: foo
        dask.org/component: scheduler
      ports:
        - name: tcp-comm
          protocol: TCP
          port: 8786
          targetPort: tcp-comm
        - name: http-dashboard
          protocol: TCP
          port: 8787
          targetPort: http-dashboard
`)
  })

  it('has what the flags ask for and nothing besides', () => {
    const env = [{name: 'A', value: 'b=c'}]
    const made = clusterManifest(
      'foo',
      undefined,
      {
        workers: 0,
        image: 'x',
        env,
        resources: {cpu: '2', memory: '4Gi'},
        schedulerResources: {memory: '1Gi'},
        schedulerServiceType: 'NodePort',
        idleTimeout: 60,
      },
      {labels: {team: 'ml'}},
    )
    expect(made.metadata).toEqual({name: 'foo', labels: {team: 'ml'}})
    expect(made.spec).toMatchObject({idleTimeout: 60, worker: {replicas: 0}, scheduler: {service: {type: 'NodePort'}}})
    expect(made.spec.worker.spec.containers[0]).toMatchObject({
      env,
      resources: {requests: {cpu: '2', memory: '4Gi'}, limits: {cpu: '2', memory: '4Gi'}},
    })
    expect(made.spec.scheduler.spec.containers[0]).toMatchObject({env, resources: {requests: {memory: '1Gi'}, limits: {memory: '1Gi'}}})
  })
})

describe('what a generated cluster runs', () => {
  const argsOf = (choices: object): readonly (readonly string[] | undefined)[] => {
    const {worker, scheduler} = clusterManifest('foo', undefined, {workers: 1, image: 'x', ...choices}).spec
    return [worker, scheduler].map(({spec}) => spec.containers[0]?.args)
  }
  it('is another program for its workers, with all that it is to be told', () => {
    const [worker, scheduler] = argsOf({workerCommand: ['dask', 'cuda', 'worker'], workerResources: [['GPU', 1]]})
    expect(worker?.slice(0, 5)).toEqual(['dask', 'cuda', 'worker', '--name', '$(DASK_WORKER_NAME)'])
    expect(worker?.slice(-2)).toEqual(['--resources', 'GPU=1'])
    expect(scheduler).toEqual(argsOf({})[1])
  })
  it('is JupyterLab beside its scheduler', () => {
    expect(argsOf({jupyter: true})[1]).toEqual(['dask', 'scheduler', '--host', '0.0.0.0', '--jupyter'])
  })
})

describe('what guards a generated cluster, and where it runs', () => {
  const choices = {workers: 1, image: 'x', pod: {nodeSelector: {pool: 'spot'}, priorityClassName: 'low', schedulerName: 'volcano'}}
  it('is a policy, with the namespaces that were named', () => {
    expect(clusterManifest('foo', undefined, choices).spec.networkPolicy).toBeUndefined()
    expect(clusterManifest('foo', undefined, {...choices, reachableFrom: []}).spec.networkPolicy).toEqual({})
    expect(clusterManifest('foo', undefined, {...choices, reachableFrom: ['jupyter']}).spec.networkPolicy).toEqual({
      from: [{namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': 'jupyter'}}}],
    })
  })
  it('is the same pool for all pods, or another one for the scheduler', () => {
    const {worker, scheduler} = clusterManifest('foo', undefined, {...choices, schedulerNodeSelector: {pool: 'stable'}}).spec
    expect(worker.spec).toMatchObject(choices.pod)
    expect(scheduler.spec).toMatchObject({...choices.pod, nodeSelector: {pool: 'stable'}})
  })
})

describe('a generated group', () => {
  it('names its cluster and has workers like those of a cluster', () => {
    const choices = {workers: 2, image: 'x'}
    expect(groupManifest('big', 'ns', 'foo', choices)).toEqual({
      apiVersion: 'kubernetes.dask.org/v1',
      kind: 'DaskWorkerGroup',
      metadata: {name: 'big', namespace: 'ns'},
      spec: {cluster: 'foo', worker: clusterManifest('foo', 'ns', choices).spec.worker},
    })
  })
})

describe('a generated job', () => {
  const files = [
    {key: 'sub__a.py', path: 'sub/a.py', content: Buffer.from('print(1)')},
    {key: 'data.bin', path: 'data.bin', content: Buffer.from([0xff, 0x00])},
  ]

  it('starts its command where its files lie', () => {
    const job = jobManifest('j', 'ns', ['python', 'sub/a.py'], files, {workers: 1, image: 'x'})
    expect(job.spec.job.spec).toEqual({
      restartPolicy: 'Never',
      containers: [
        {
          name: 'job',
          image: 'x',
          args: ['python', 'sub/a.py'],
          workingDir: '/workspace',
          volumeMounts: [{name: 'files', mountPath: '/workspace', readOnly: true}],
        },
      ],
      volumes: [
        {
          name: 'files',
          configMap: {
            name: 'j-files',
            items: [
              {key: 'sub__a.py', path: 'sub/a.py'},
              {key: 'data.bin', path: 'data.bin'},
            ],
          },
        },
      ],
    })
    expect(job.spec.cluster?.spec.scheduler.service.selector).toMatchObject({'dask.org/cluster-name': 'j'})
  })

  it('mounts nothing where nothing travels', () => {
    expect(jobManifest('j', 'ns', ['true'], [], {workers: 1, image: 'x'}).spec.job.spec).toEqual({
      restartPolicy: 'Never',
      containers: [{name: 'job', image: 'x', args: ['true']}],
    })
  })

  it('keeps text readable in the ConfigMap and anything else as it is', () => {
    expect(filesManifest('j', 'ns', files)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: 'j-files', namespace: 'ns'},
      data: {'sub__a.py': 'print(1)'},
      binaryData: {'data.bin': '/wA='},
    })
  })
})
