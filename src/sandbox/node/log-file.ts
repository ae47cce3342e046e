/** A container's log: one file a start, each line with the time it came (RFC 3339, as the kubelet keeps it). */
import {closeSync, openSync, writeSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import type {Readable} from 'node:stream'
import {isDiskFull} from '../failure.ts'

export interface LogFile {
  readonly path: string
  /** Takes the lines of a stream as they come. */
  attach(stream: Readable): void
  /** Calls `listener` for each further line, until the returned function is called. */
  follow(listener: (line: string) => void, onEnd: () => void): () => void
  end(): void
}

/** Nothing is opened before the first line. Lines for which the disk has no room are lost, and are counted in the log once there is some. */
export function openLogFile(path: string): LogFile {
  let file: number | undefined
  let lost = 0
  /** Ends a line of which only a part has found room. */
  let cut = ''
  const listeners = new Set<{readonly line: (line: string) => void; readonly end: () => void}>()
  let open = true
  const take = (text: string): void => {
    if (!open) return
    const time = new Date().toISOString().replace('Z', '000000Z')
    const line = `${time} ${text}`
    try {
      file ??= openSync(path, 'a', 0o600)
      // Written at once: whoever reads the file after a line was told finds it there.
      const bytes = Buffer.from(`${cut}${lost > 0 ? `${time} (${lost} lines are lost: the disk was full)\n` : ''}${line}\n`)
      const isWhole = writeSync(file, bytes) === bytes.length
      cut = isWhole ? '' : '\n'
      lost = isWhole ? 0 : lost + 1
    } catch (error) {
      if (!isDiskFull(error)) throw error
      lost += 1
    }
    for (const each of listeners) each.line(line)
  }
  return {
    path,
    attach: (stream) => {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) take(line)
      })
      stream.on('end', () => {
        if (rest !== '') take(rest)
        rest = ''
      })
    },
    follow: (line, end) => {
      const listener = {line, end}
      if (!open) {
        end()
        return () => {}
      }
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    end: () => {
      if (!open) return
      open = false
      if (file !== undefined) closeSync(file)
      for (const each of listeners) each.end()
      listeners.clear()
    },
  }
}

export interface LogSelection {
  readonly tailLines?: number
  readonly sinceSeconds?: number
  readonly timestamps?: boolean
  readonly limitBytes?: number
}

/** The selected lines of a log file, each with its newline. */
export async function readLog(path: string, selection: LogSelection): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const since = selection.sinceSeconds === undefined ? '' : new Date(Date.now() - selection.sinceSeconds * 1000).toISOString()
  const lines = text.split('\n').filter((line) => line !== '' && line >= since)
  const tail = selection.tailLines === undefined ? lines : selection.tailLines === 0 ? [] : lines.slice(-selection.tailLines)
  const shown = tail.map((line) => `${presented(line, selection.timestamps)}\n`).join('')
  return selection.limitBytes === undefined ? shown : Buffer.from(shown).subarray(0, selection.limitBytes).toString()
}

export const presented = (line: string, timestamps = false): string => (timestamps ? line : line.slice(line.indexOf(' ') + 1))
