import {expect, it} from 'vitest'
import type {Node, Pod} from '../../../src/api/core.ts'
import type {DaskJob} from '../../../src/api/dask.ts'
import {podCause} from '../../../src/api/pod-cause.ts'
import {repairOf} from '../../../src/api/pod-repair.ts'
import {dashboardPodPort, schedulerPodPort} from '../../../src/api/scheduler-address.ts'
import {tlsSecretOf} from '../../../src/api/tls.ts'
import {workerIdentity} from '../../../src/api/worker-pod.ts'
import {lostBecause} from '../../../src/operator/cluster/lost-node.ts'
import {hasRestartedTooOften} from '../../../src/operator/job/attempts.ts'
import {keptOfPod} from '../../../src/operator/kept-pods.ts'
import {rolloutOf} from '../../../src/operator/workergroup/rollout.ts'
import {ago, makeCluster, makeGroup, NOW} from './objects.ts'

/** As an API server hands it out, with what users write into a spec. */
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'demo-scheduler',
    namespace: 'ns',
    uid: 'pod-1',
    resourceVersion: '9',
    creationTimestamp: ago(60),
    deletionTimestamp: ago(40),
    labels: {a: 'b'},
    annotations: {'kubernetes.dask.org/revision': 'another', 'kubernetes.dask.org/failures': '2'},
    managedFields: [{manager: 'dask-operator'}],
  },
  spec: {
    hostNetwork: true,
    nodeName: 'gone',
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 30,
    tolerations: [{key: 'node.kubernetes.io/unreachable', operator: 'Exists', tolerationSeconds: 7}],
    volumes: [
      {name: 'v', emptyDir: {}},
      {name: 'dask-tls', secret: {secretName: 'demo-tls'}},
    ],
    containers: [
      {
        name: 'worker',
        image: 'an image',
        command: ['dask', 'worker'],
        env: [{name: 'A'}, {name: 'DASK_WORKER_NAME', value: 'mine'}],
        ports: [
          {name: 'tcp-comm', containerPort: 1},
          {name: 'http-dashboard', containerPort: 2},
        ],
        lifecycle: {preStop: {exec: {command: ['python']}}},
      },
      {name: 'beside', image: 'another image'},
    ],
  },
  status: {
    phase: 'Failed',
    podIP: '10.0.0.1',
    startTime: ago(50),
    containerStatuses: [
      {name: 'worker', ready: false, restartCount: 3, image: '', imageID: '', state: {terminated: {exitCode: 7, finishedAt: ago(30)}}},
    ],
  },
} as unknown as Pod

it('answers each question of the operator as the whole pod does, with a fraction of it', () => {
  const service = {
    spec: {
      ports: [
        {name: 'tcp-comm', port: 8786, targetPort: 'tcp-comm'},
        {name: 'http-dashboard', port: 8787, targetPort: 'http-dashboard'},
      ],
    },
  }
  const node = {apiVersion: 'v1', kind: 'Node', metadata: {name: 'gone'}} as Node
  const unready = {...node, status: {conditions: [{type: 'Ready', status: 'False', lastTransitionTime: ago(10)}]}} as Node
  const job = {spec: {backoffLimit: 1}} as DaskJob
  const answers = (one: Pod): unknown => ({
    metadata: {...one.metadata, managedFields: undefined},
    status: one.status,
    identity: workerIdentity(one),
    other: workerIdentity({...one, spec: {...one.spec, hostNetwork: false}}),
    ports: [schedulerPodPort(service, one), dashboardPodPort(service, one)],
    cause: podCause(one),
    tls: tlsSecretOf(one),
    repair: repairOf(one, NOW),
    lost: [undefined, unready].map((each) => lostBecause(each, one, NOW)),
    hasRestartedTooOften: hasRestartedTooOften(job, {...one, status: {...one.status, phase: 'Running'}}),
    isHeld: rolloutOf(makeGroup(), makeCluster(), {...one, metadata: {...one.metadata, deletionTimestamp: undefined} as never}, [], 3)
      .isHeld,
  })
  const kept = keptOfPod(pod)
  expect(answers(kept)).toEqual(answers(pod))
  expect(keptOfPod(kept)).toEqual(kept)
  expect(JSON.stringify(kept)).not.toMatch(/managedFields|preStop|emptyDir|command/)
})
