import {expect, it} from 'vitest'
import type {Pod} from '../../../src/api/core.ts'
import {insideRows, lookInside} from '../../../src/cli/install/inside.ts'
import type {KubeClient} from '../../../src/kube/client.ts'

const pod: Pod = {
  ...{apiVersion: 'v1', kind: 'Pod', metadata: {name: 'op-1', namespace: 'dask-operator'}},
  spec: {containers: [{name: 'operator', ports: [{name: 'health', containerPort: 8080}]}]},
}
const STATUS = {
  operators: [
    {
      queues: [
        {kind: 'daskclusters', depth: 3, latencyMs: 4000},
        {kind: 'daskjobs', depth: 0, latencyMs: 0},
      ],
      watches: [
        {kind: 'daskclusters', silenceMs: 11_000},
        {kind: 'pods', silenceMs: 900},
      ],
    },
  ],
}
const METRICS = `# TYPE dask_operator_api_requests_total counter
dask_operator_api_requests_total{verb="create",resource="pods",code="201"} 12
dask_operator_api_requests_total{verb="create",resource="events",code="403"} 4
`

/** An API server whose proxy answers so. */
const serverWith = (answer: (page: string) => {readonly status: number; readonly text: string}): KubeClient =>
  ({
    raw: async ({path}: {readonly path: string}) => {
      const [, page = ''] = /^\/api\/v1\/namespaces\/dask-operator\/pods\/op-1%3A8080\/proxy\/(.+)$/.exec(path) ?? []
      const {status, text} = answer(page)
      return {status, headers: {}, body: {text: async () => text}}
    },
  }) as unknown as KubeClient

const rowsOf = async (answer: Parameters<typeof serverWith>[0]) =>
  insideRows(await lookInside(serverWith(answer), pod, new AbortController().signal))

it('the operator tells its queue, when it heard of everything, and what it may not do', async () => {
  expect(await rowsOf((page) => ({status: 200, text: page === 'statusz' ? JSON.stringify(STATUS) : METRICS}))).toEqual([
    ['Queue:', '3 daskclusters; the longest for 4s'],
    ['Last sync:', 'all 2 kinds were heard of within 11s'],
    ['Refused:', 'create events (4 times); by a missing right, a quota or a policy'],
  ])
})

it('who may not ask it is told which right is missing, and who gets no answer why', async () => {
  expect(await rowsOf(() => ({status: 403, text: '{}'}))).toEqual([
    ['Inside:', 'not known: you may not "get pods/proxy" in namespace "dask-operator"'],
  ])
  expect(await rowsOf(() => ({status: 503, text: 'no route to it\n'}))).toEqual([
    ['Inside:', 'not known: it does not answer: 503 no route to it'],
  ])
})
