import {expect, it} from 'vitest'
import {ANNOTATION_REVISION} from '../../../src/api/names.ts'
import {revisionOf, workerTarget} from '../../../src/api/revision.ts'
import {schedulerPod} from '../../../src/operator/cluster/parts.ts'
import {workerPod} from '../../../src/operator/workergroup/pods.ts'
import {makeCluster, makeGroup} from '../operator/objects.ts'

const spec = {initContainers: [{name: 'fetch'}], containers: [{name: 'main'}, {name: 'quiet', terminationMessagePolicy: 'File'}]}
const {spec: given, ...others} = makeCluster()
const cluster = {...others, spec: {...given, scheduler: {...given.scheduler, spec}}}
const group = {...makeGroup(), spec: {cluster: 'demo', worker: {spec}}}
const pods = [schedulerPod(cluster), workerPod(group, cluster, {id: '0123456789', target: workerTarget(group, cluster)})]

it('has a container’s end told by its log, unless its spec says otherwise', () => {
  for (const {spec: of} of pods)
    expect([...(of.initContainers ?? []), ...of.containers].map((each) => each['terminationMessagePolicy'])).toEqual([
      'FallbackToLogsOnError',
      'FallbackToLogsOnError',
      'File',
    ])
})

it('makes no pod one of another revision: those of before it stay', () => {
  for (const {metadata} of pods) expect(metadata.annotations?.[ANNOTATION_REVISION]).toBe(revisionOf(spec))
})
