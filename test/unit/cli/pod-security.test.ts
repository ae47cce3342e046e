import {describe, expect, it} from 'vitest'
import {type ChoiceFlags, choicesOf} from '../../../src/cli/choices.ts'
import {clusterManifest, groupManifest} from '../../../src/cli/cluster-manifest.ts'
import {jobManifest} from '../../../src/cli/job-manifest.ts'
import {securedLike} from '../../../src/cli/pod-security.ts'

/** The three kinds of pods that flags make: scheduler, worker, a job's program. */
const podsOf = (flags: ChoiceFlags) => {
  const {job, cluster} = jobManifest('demo', 'ns', ['python', 'a.py'], [], choicesOf(flags)).spec
  if (!cluster) throw new Error('the job has no cluster')
  return [cluster.spec.scheduler.spec, cluster.spec.worker.spec, job.spec]
}

describe('generated pods', () => {
  it('have no right that no image of Dask needs, and run as the image says', () => {
    for (const {securityContext, containers} of podsOf({})) {
      expect(securityContext).toEqual({seccompProfile: {type: 'RuntimeDefault'}})
      expect(containers[0]?.['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        capabilities: {drop: ['AUDIT_WRITE', 'MKNOD', 'NET_RAW', 'SETFCAP', 'SETPCAP', 'SYS_CHROOT']},
      })
      expect(containers[0]?.env).toBeUndefined()
    }
  })

  it.each<[ChoiceFlags, number]>([
    [{'pod-security': 'restricted'}, 1000],
    [{'run-as-user': 5000}, 5000],
    [{'pod-security': 'restricted', 'run-as-user': 5000}, 5000],
  ])('keep the restricted standard by %j, with a home and volumes of their user', (flags, user) => {
    for (const {securityContext, containers} of podsOf({...flags, env: [{name: 'A', value: 'b'}]})) {
      expect(securityContext).toEqual({
        ...{runAsNonRoot: true, runAsUser: user, fsGroup: user, fsGroupChangePolicy: 'OnRootMismatch'},
        seccompProfile: {type: 'RuntimeDefault'},
      })
      expect(containers[0]?.['securityContext']).toEqual({allowPrivilegeEscalation: false, capabilities: {drop: ['ALL']}})
      expect(containers[0]?.env).toEqual([
        {name: 'HOME', value: '/tmp'},
        {name: 'A', value: 'b'},
      ])
    }
  })

  it('keep a home that was named', () => {
    const home = {name: 'HOME', value: '/data'}
    for (const {containers} of podsOf({'run-as-user': 1, env: [home]})) expect(containers[0]?.env).toEqual([home])
  })

  it('say nothing of it where they may do everything', () => {
    expect(JSON.stringify(podsOf({'pod-security': 'privileged'}))).not.toContain('securityContext')
  })

  it('take no user where the level leaves it to the image', () => {
    expect(() => choicesOf({'pod-security': 'baseline', 'run-as-user': 1})).toThrow(
      '--run-as-user and --pod-security baseline exclude each other',
    )
  })
})

describe('a further group', () => {
  const cluster = (flags: ChoiceFlags) => clusterManifest('demo', 'ns', choicesOf(flags)).spec
  const group = (of: ReturnType<typeof cluster>) =>
    JSON.parse(JSON.stringify(groupManifest('big', 'ns', 'demo', securedLike(choicesOf({}), of.worker.spec)).spec.worker))

  it.each<ChoiceFlags>([{}, {'run-as-user': 7}, {'pod-security': 'privileged'}])('may do what its cluster of %j may', (flags) => {
    expect(group(cluster(flags))).toEqual(cluster(flags).worker)
  })
})
