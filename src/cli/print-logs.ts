import {mkdir, rm, stat, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {styleText} from 'node:util'
import {PODS, type Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound, KubeError} from '../kube/errors.ts'
import {beginOf, type LogFlags} from './log-flags.ts'
import {followMany} from './many-logs.ts'
import {answer, tell} from './output.ts'
import {EXIT, UserError} from './user-error.ts'

export interface LogsCall {
  readonly client: KubeClient
  readonly namespace: string
  /** Label selector of the pods. */
  readonly selector: string
  /** What the pods are, for the sentence that says that there are none. */
  readonly what: string
  readonly flags: LogFlags
  /** How a line is shown, where it is not shown as it is; files get it as it is. */
  readonly render?: (line: string) => string
  readonly signal: AbortSignal
}

/** Prints the logs of pods, each line behind its pod's name where there may be several; with `follow`, pods that come later join in. */
export const printLogs = (call: LogsCall): Promise<void> =>
  call.flags.follow ? followAll(call) : call.flags.download === undefined ? printAll(call) : downloadAll(call, call.flags.download)

const listPods = async ({client, namespace, selector, what, signal}: LogsCall): Promise<readonly Pod[]> => {
  const {items} = await client.list(PODS, {namespace, labelSelector: selector, signal})
  if (items.length === 0) throw new UserError(`${what} has no pods`, {exitCode: EXIT.notFound})
  return items
}

/** The lines of a pod's log that were asked for. */
async function* linesOf({client, namespace, flags, signal, render = asIs}: LogsCall, pod: Pod, previous: boolean): AsyncGenerator<string> {
  const {streamLogs} = await import('../kube/logs.ts')
  const {name} = pod.metadata
  const options = {namespace, name, previous, timestamps: flags.timestamps, signal, ...containerOf(pod), ...beginOf(flags)}
  for await (const raw of streamLogs(client, options)) {
    const line = render(raw)
    if (isWanted(flags, line)) yield line
  }
}

const asIs = (line: string): string => line

const isWanted = ({grep}: LogFlags, line: string): boolean => grep === undefined || grep.test(line)

const printAll = async (call: LogsCall): Promise<void> => {
  const pods = await listPods(call)
  const prefix = pods.length > 1 ? prefixes() : () => ''
  for (const pod of pods) {
    const {name} = pod.metadata
    try {
      for await (const line of linesOf(call, pod, call.flags.previous)) answer(`${prefix(name)}${line}\n`)
    } catch (error) {
      if (!hasNoLog(error) || pods.length === 1) throw error
      tell(`[${name}] no log: ${error.message}`)
    }
  }
}

/** A file for each pod, named after it, and another one where its container was restarted. */
const downloadAll = async (call: LogsCall, directory: string): Promise<void> => {
  const pods = await listPods(call)
  await makeFolder(directory)
  for (const pod of pods) {
    const {name} = pod.metadata
    const restarts = pod.status?.containerStatuses?.[0]?.restartCount ?? 0
    for (const previous of call.flags.previous ? [true] : restarts > 0 ? [true, false] : [false]) {
      const file = join(directory, `${name}${previous ? '.previous' : ''}.log`)
      try {
        await writeFile(file, withBreaks(linesOf({...call, render: asIs}, pod, previous)))
        answer(`${file}\n`)
      } catch (error) {
        if (!hasNoLog(error)) throw error
        await rm(file, {force: true})
        tell(`[${name}] no ${previous ? 'previous ' : ''}log: ${error.message}`)
      }
    }
  }
}

/** Node.js' own `recursive` never ends where a file system (/proc, say) misses a folder that is there. */
const makeFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(path)
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException
    const isThere = await stat(path).catch(() => undefined)
    if (isThere?.isDirectory()) return
    const parent = dirname(path)
    if (code === 'ENOENT' && (await stat(parent).catch(() => undefined)) === undefined) {
      await makeFolder(parent)
      return await makeFolder(path)
    }
    throw new UserError(isThere ? `"${path}" is a file, and no folder` : `the folder "${path}" cannot be made: ${message}`, {
      next: ['choose another one'],
    })
  }
}

async function* withBreaks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

const COLOURS = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'cyanBright',
  'yellowBright',
  'greenBright',
  'magentaBright',
  'blueBright',
] as const

/** `[name] `, on a terminal in a colour of its own for each. */
const prefixes = (): ((name: string) => string) => {
  const known = new Map<string, string>()
  return (name) => {
    const prefix = known.get(name) ?? `${styleText(COLOURS[known.size % COLOURS.length] ?? 'cyan', `[${name}]`)} `
    known.set(name, prefix)
    return prefix
  }
}

const followAll = async ({client, namespace, selector, flags, signal, render = asIs}: LogsCall): Promise<void> => {
  const prefix = prefixes()
  const onLine = (pod: string, raw: string): void => {
    const line = render(raw)
    if (isWanted(flags, line)) answer(`${prefix(pod)}${line}\n`)
  }
  await followMany({client, namespace, selector, timestamps: flags.timestamps, ...beginOf(flags), signal, onLine})
}

/** A container that has not started, or has no predecessor (400), or a pod that has just gone (404). */
const hasNoLog = (error: unknown): error is KubeError => error instanceof KubeError && (error.status === 400 || isNotFound(error))

const containerOf = ({spec}: Pod): {readonly container?: string} => (spec.containers[0] ? {container: spec.containers[0].name} : {})
