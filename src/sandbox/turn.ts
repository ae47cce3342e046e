/** One command at a time starts or ends a sandbox: of two servers of one name, the second would be known to nobody. */
import {readlink, rm, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {isDiskFull, SandboxFailure} from './failure.ts'
import {processStart, sandboxDirectory} from './state.ts'

/** Longer than any start or end takes. */
const TURN_TIMEOUT_MS = 90_000

/** Does the work once no other command starts or ends the sandbox of this name. */
export async function inTurn<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const file = join(sandboxDirectory(name), 'turn')
  const isTaken = await takeTurn(name, file, signal)
  try {
    return await work()
  } finally {
    if (isTaken) await rm(file, {force: true})
  }
}

/** Who has the turn stands in a link, which is there at once and whole. `false`: there is no folder or no room, so that nobody starts it either. */
const takeTurn = async (name: string, file: string, signal: AbortSignal | undefined): Promise<boolean> => {
  const own = `${process.pid}:${await processStart(process.pid)}`
  const deadline = performance.now() + TURN_TIMEOUT_MS
  for (;;) {
    signal?.throwIfAborted()
    try {
      await symlink(own, file)
      return true
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || isDiskFull(error)) return false
      if (code !== 'EEXIST') throw error
    }
    const [pid, start] = (await readlink(file).catch(() => '')).split(':')
    // Given back, or left by a command that was killed.
    if ((await processStart(Number(pid))) !== start) await rm(file, {force: true})
    else if (performance.now() > deadline)
      throw new SandboxFailure(`sandbox "${name}" is being started or ended by another command (process ${pid}), which does not get done`, {
        next: ['wait for it', 'end that process'],
      })
    else await pause(20)
  }
}
