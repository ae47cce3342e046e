/** What a container leaves as the message of its end. Source: Kubernetes, "Determine the Reason for Pod Failure". */
import {readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Container} from '../../api/core.ts'
import {type LogFile, readLog} from './log-file.ts'
import type {Mount} from './volumes.ts'

const USUAL_PATH = '/dev/termination-log'
const MOST_BYTES = 4096
/** Of a log, where the file is empty and the policy says so. */
const LOG = {tailLines: 80, bytes: 2048} as const

export interface LastWords {
  /** The empty file under the path where the program finds it. */
  place(): Promise<readonly Mount[]>
  read(exitCode: number, log: LogFile): Promise<string | undefined>
}

/** `folder`: the container's own. */
export function lastWordsOf(container: Container, folder: string): LastWords {
  const file = join(folder, 'last-words')
  const path = container.terminationMessagePath || USUAL_PATH
  // A mount namespace of its own is what a container without volumes starts quicker without; the usual path is hardly ever written to.
  const isPlaced = path !== USUAL_PATH || (container.volumeMounts ?? []).length > 0
  return {
    place: async () => {
      if (!isPlaced) return []
      await rm(file, {force: true})
      await writeFile(file, '', {mode: 0o666})
      return [[file, path, false]]
    },
    read: async (exitCode, log) => {
      const said = isPlaced ? (await readFile(file).catch(() => Buffer.alloc(0))).subarray(0, MOST_BYTES).toString() : ''
      if (said !== '') return said
      if (exitCode === 0 || container['terminationMessagePolicy'] !== 'FallbackToLogsOnError') return undefined
      const logged = Buffer.from(await readLog(log.path, {tailLines: LOG.tailLines}))
      return logged.length === 0 ? undefined : logged.subarray(-LOG.bytes).toString()
    },
  }
}
