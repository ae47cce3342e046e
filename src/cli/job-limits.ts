import {Flags} from '@oclif/core'
import type {DaskJobSpec} from '../api/dask.ts'
import {parseDuration} from './duration.ts'

const time = Flags.custom<number>({helpValue: 'TIME', parse: async (text) => parseDuration(text)})

/** On which cluster a job runs, how often and how long, and what stays after it. */
export const limitFlags = {
  on: Flags.string({
    helpValue: 'CLUSTER',
    summary: 'Run on this cluster, which exists, instead of one of its own.',
    exclusive: ['workers', 'keep-cluster'],
  }),
  retries: Flags.integer({min: 0, helpValue: 'N', summary: 'Try a program that has failed so often again.'}),
  deadline: time({summary: 'Fail the job after this long, like 2h.'}),
  ttl: time({summary: 'Delete the job this long after its end.'}),
  'keep-cluster': Flags.string({
    options: ['always', 'on-failure'],
    helpValue: 'always|on-failure',
    summary: "Keep the job's own cluster after its end, to look at it.",
  }),
}

export interface LimitFlags {
  readonly on?: string | undefined
  readonly retries?: number | undefined
  readonly deadline?: number | undefined
  readonly ttl?: number | undefined
  readonly 'keep-cluster'?: string | undefined
}

export type JobLimits = Pick<
  DaskJobSpec,
  'clusterName' | 'backoffLimit' | 'activeDeadlineSeconds' | 'ttlSecondsAfterFinished' | 'clusterDeletionPolicy'
>

export const limitsOf = ({on, retries, deadline, ttl, 'keep-cluster': keep}: LimitFlags): JobLimits => ({
  ...(on !== undefined && {clusterName: on}),
  ...(retries !== undefined && {backoffLimit: retries}),
  ...(deadline !== undefined && {activeDeadlineSeconds: Math.ceil(deadline / 1000)}),
  ...(ttl !== undefined && {ttlSecondsAfterFinished: Math.ceil(ttl / 1000)}),
  ...(keep !== undefined && {clusterDeletionPolicy: keep === 'always' ? 'Never' : 'OnSuccess'}),
})
