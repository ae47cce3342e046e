/** `npm run quickstart` as a person stops it: by Ctrl-C, at any moment. */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readdir, readFile, readlink, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
/** Moments of one run, spread over the whole of it, each a little off its place. */
const STOPS = Number(process.env['STOPS'] ?? 6)
const WHOLE_MS = 9_000

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stopped-'))
})
afterAll(() => rm(directory, {recursive: true, force: true, maxRetries: 5}))

/** All that runs with our state folder among its arguments, in its environment or as its place: sandbox, pods and commands. */
const processes = async (): Promise<readonly string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const told = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
      const place = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      const all = [await read('cmdline'), await read('environ'), place]
      return all.some((text) => text.includes(directory)) ? [`${pid} ${all[0]?.replaceAll('\0', ' ')}`] : []
    }),
  )
  return told.flat()
}

it.each(Array.from({length: STOPS}, (_, index) => Math.round(((index + Math.random()) / STOPS) * WHOLE_MS)))(
  'leaves no process when it is stopped after %i ms',
  async (ms) => {
    const child = spawn(process.execPath, ['scripts/quickstart.ts'], {
      cwd: ROOT,
      stdio: 'ignore',
      // A terminal sends Ctrl-C to the whole process group.
      detached: true,
      env: {...process.env, CI: '', XDG_STATE_HOME: directory},
    })
    const ended = once(child, 'exit')
    await pause(ms)
    const isRunning = child.exitCode === null
    if (isRunning) process.kill(-(child.pid ?? 0), 'SIGINT')
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
    // Before the program has begun Node.js itself ends by the signal.
    expect(isRunning ? [130, 0, 'SIGINT'] : [0]).toContain(code ?? signal)
    await expect.poll(processes, {timeout: 10_000}).toEqual([])
  },
)
