/** Stands where a scheduler's pod has its address, and does to each connection of the operator what the schedule says. */
import {once} from 'node:events'
import {connect, createServer, type Socket} from 'node:net'
import type {DialFault} from './schedule.ts'

export interface SchedulerProxy {
  /** The scheduler's real port, once it listens; before that every connection is refused. */
  leadTo(port: number): void
  calm(): void
  stop(): Promise<void>
}

export async function startSchedulerProxy(
  {host, port}: {readonly host: string; readonly port: number},
  nextFault: () => DialFault,
  note: (what: string) => void,
): Promise<SchedulerProxy> {
  let target: number | undefined
  let isCalm = false
  const open = new Set<Socket>()

  const lead = (near: Socket): void => {
    open.add(near)
    near.on('close', () => open.delete(near))
    near.on('error', () => near.destroy())
    const fault: DialFault = isCalm ? {do: 'pass'} : nextFault()
    if (fault.do !== 'pass') note(`dial ${host}: ${JSON.stringify(fault)}`)
    if (target === undefined || fault.do === 'refuse') {
      near.destroy()
      return
    }
    if (fault.do === 'silence') return
    const far = connect(target, '127.0.0.1')
    far.on('error', () => near.destroy())
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
    let left = fault.do === 'cut' ? fault.afterBytes : Number.POSITIVE_INFINITY
    const carry = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, left)
        left -= chunk.length
        const send = (): void => {
          if (!to.destroyed) to.write(part)
          if (left <= 0) near.destroy()
        }
        // Timers of the same length fire in the order in which they were set.
        if (fault.do === 'delay') setTimeout(send, fault.ms)
        else send()
      })
    }
    carry(near, far)
    carry(far, near)
  }

  const listener = createServer(lead)
  listener.listen(port, host)
  await once(listener, 'listening')
  return {
    leadTo: (found) => {
      target = found
    },
    calm: () => {
      isCalm = true
      // What was met with silence is answered by nobody any more.
      for (const socket of open) socket.destroy()
    },
    stop: async () => {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
