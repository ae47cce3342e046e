/** The processes of a container: all of one session, whatever they have forked. Source: proc(5). */
import {readdir, readFile} from 'node:fs/promises'

export interface Member {
  readonly pid: number
  readonly session: number
  readonly residentBytes: number
}

const PAGE = 4096

export async function allProcesses(): Promise<readonly Member[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const members = await Promise.all(
    pids.map(async (pid): Promise<Member | undefined> => {
      // Gone since the folder was read.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
      const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields && {pid: Number(pid), session: Number(fields[3]), residentBytes: Number(fields[21]) * PAGE}
    }),
  )
  return members.filter((member) => member !== undefined)
}

/** Kills whatever is left of a session. */
export async function killSession(session: number): Promise<void> {
  for (const {pid, session: of} of await allProcesses()) if (of === session) killIfThere(pid)
}

/** What every process of a node's pods has in its environment: the node's directory is its own. */
export const markOf = (directory: string): string => `SANDBOX_NODE=${directory}`

/** The processes that carry a mark in their environment. */
export async function marked(mark: string): Promise<readonly number[]> {
  const pids = (await allProcesses()).map(({pid}) => pid)
  // Of another user, or gone.
  const environs = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => environs[index]?.split('\0').includes(mark))
}

/** Kills the processes that an earlier node of this directory has left behind. */
export async function killLeftOvers(mark: string): Promise<number> {
  const left = await marked(mark)
  for (const pid of left) killIfThere(pid)
  return left.length
}

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
