import {Flags} from '@oclif/core'
import {didYouMean} from './did-you-mean.ts'
import {parseQuantity, parseWorkerCommand, parseWorkerResource} from './pod-flags.ts'
import {usageError} from './user-error.ts'
import {parseWorkerNumber} from './worker-number.ts'

/** A further group of workers, in one word: `highmem=2,memory=64Gi,worker-resource=MEM=1`. */
export interface GroupChoice {
  readonly name: string
  readonly workers: number
  readonly image?: string
  readonly workerCommand?: readonly string[]
  readonly resources: Readonly<Record<string, string>>
  readonly workerResources: readonly (readonly [string, number])[]
}

const WORDS = ['cpu', 'memory', 'gpu', 'image', 'worker-command', 'worker-resource']

/** Throws a usage error that names the word that is wrong. What is not said is as in the cluster's own group. */
export function parseGroup(text: string): GroupChoice {
  const [head = '', ...rest] = text.split(',')
  const [, name, count] = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)=(\d+)$/.exec(head) ?? []
  if (name === undefined) throw usageError(`"${head}" is no NAME=NUMBER of a group`, 'write it like highmem=2,memory=64Gi')
  let group: GroupChoice = {name, workers: parseWorkerNumber(count ?? ''), resources: {}, workerResources: []}
  for (const word of rest) {
    const at = word.indexOf('=')
    const [key, value] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)]
    if (!WORDS.includes(key) || value === '')
      throw usageError(
        `"${word}" is nothing that a group has`,
        ...didYouMean(key || word, WORDS),
        `there are ${WORDS.map((each) => `${each}=…`).join(', ')}`,
      )
    if (key === 'image') group = {...group, image: value}
    else if (key === 'worker-command') group = {...group, workerCommand: parseWorkerCommand(value)}
    else if (key === 'worker-resource') group = {...group, workerResources: [...group.workerResources, parseWorkerResource(value)]}
    else group = {...group, resources: {...group.resources, [key === 'gpu' ? 'nvidia.com/gpu' : key]: parseQuantity(value)}}
  }
  return group
}

export const groupFlag = Flags.custom<GroupChoice>({
  helpValue: 'NAME=N,cpu=…,memory=…',
  multiple: true,
  multipleNonGreedy: true,
  parse: async (text) => parseGroup(text),
  summary:
    'A further group of N workers, called CLUSTER-NAME; cpu, memory, gpu, image, worker-command and worker-resource of its own; may be repeated.',
})

/** `MIN..MAX` of an autoscaler. */
export const boundsFlag = Flags.custom<{readonly minimum: number; readonly maximum: number}>({
  helpValue: 'MIN..MAX',
  parse: async (text) => {
    const [, least, most] = /^(\d+)\.\.(\d+)$/.exec(text) ?? []
    if (least === undefined || most === undefined) throw usageError(`"${text}" is no MIN..MAX`, 'write it like 0..20')
    const [minimum, maximum] = [parseWorkerNumber(least), parseWorkerNumber(most)]
    if (minimum > maximum) throw usageError(`${minimum} is more than ${maximum}`, 'write the smaller number first, like 0..20')
    return {minimum, maximum}
  },
  summary: 'Let the number of workers follow the load between these.',
})
