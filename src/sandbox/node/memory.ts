import type {ContainerRunner} from './container.ts'
import {parseQuantity} from './quantity.ts'
import {allProcesses} from './session.ts'

const PERIOD_MS = 1_000

/** Kills containers that use more memory than their limit, once a second, since there is no cgroup to do it. Ends with the returned function. */
export function watchMemory(containers: () => readonly ContainerRunner[]): () => void {
  let ended = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const limited = containers().flatMap((container) => {
      const limit = parseQuantity(container.spec.resources?.limits?.['memory'])
      const pid = container.pid()
      return limit === undefined || pid === undefined ? [] : [{container, limit, pid}]
    })
    if (limited.length > 0) {
      const used = new Map<number, number>()
      for (const {session, residentBytes} of await allProcesses()) used.set(session, (used.get(session) ?? 0) + residentBytes)
      for (const {container, limit, pid} of limited) if ((used.get(pid) ?? 0) > limit) await container.killForMemory()
    }
    if (!ended) next()
  }
  const next = (): void => {
    timer = setTimeout(() => void look(), PERIOD_MS)
  }
  next()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}
