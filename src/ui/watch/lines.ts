import {formatBytes} from '../bytes.ts'
import {type Board, type ClusterCard, type JobCard, keyOf, rateOf, waitingOf} from './model.ts'
import {inOneLine, short} from './spans.ts'

/** What is new since the board before, a line for each cluster and job of which something has changed. */
export function newLines(before: Board | undefined, after: Board): readonly string[] {
  const told = new Set(before ? linesOf(before) : [])
  const gone = (before?.clusters ?? []).filter((card) => !after.clusters.some((other) => keyOf(other) === keyOf(card)))
  const wasAway = before?.trouble !== undefined && after.trouble === undefined
  return [
    ...(wasAway ? ['connected again'] : []),
    ...linesOf(after).filter((line) => !told.has(line)),
    ...gone.map((card) => `cluster ${keyOf(card)}: gone`),
  ]
}

const linesOf = ({clusters, jobs, trouble}: Board): readonly string[] => [
  ...(trouble === undefined ? [] : [`${trouble}: what is told may be old`]),
  ...[...clusters.map(clusterText), ...jobs.map(jobText)].map(inOneLine),
]

const clusterText = (card: ClusterCard): string => {
  const {load, tasks, isReady, message} = card
  const waiting = waitingOf(card)
  const rate = rateOf(card)
  return [
    `cluster ${keyOf(card)}: ${card.status}`,
    `${card.ready}/${card.wanted} workers`,
    ...(load.connected > 0
      ? [
          `memory ${formatBytes(load.memory)}${load.memoryLimit > 0 ? `/${formatBytes(load.memoryLimit)}` : ''}`,
          `cpu ${Math.round(load.cpu)}%/${load.threads * 100}%`,
          `${short(load.running)} running`,
        ]
      : []),
    ...(waiting === undefined ? [] : [`${short(waiting)} waiting`]),
    ...(tasks && tasks.erred > 0 ? [`${short(tasks.erred)} erred`] : []),
    ...(rate === undefined ? [] : [`${short(rate)} tasks/s`]),
    ...(isReady || message === undefined ? [] : [message]),
  ].join(', ')
}

const jobText = (card: JobCard): string =>
  `job ${keyOf(card)}: ${card.status}${card.exitCode === undefined ? '' : `, exit code ${card.exitCode}`}${card.message ? `, ${card.message}` : ''}`
