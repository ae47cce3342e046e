/** The scheduler's numbers over HTTP, where reading is enough (contract 4.1). */
import {request} from 'node:http'
import type {Dial} from './dial.ts'

/** `json/counts.json`; `desired_workers` is the adaptive target. */
export interface Counts {
  readonly workers: number
  readonly tasks: number
  readonly processing: number
  readonly unrunnable: number
  readonly desired_workers: number
  readonly [name: string]: number
}

/** Resolves with the counts; rejects when the dashboard's port does not answer in time or answers anything else. */
export async function readCounts(dial: Dial, port: number, timeoutMs: number): Promise<Counts> {
  const signal = AbortSignal.timeout(timeoutMs)
  const socket = await dial(port, signal)
  return new Promise((resolve, reject) => {
    const call = request({path: '/json/counts.json', headers: {host: 'scheduler'}, createConnection: () => socket, signal}, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        socket.destroy()
        if (response.statusCode !== 200) {
          reject(new Error(`the scheduler's dashboard answered with HTTP status ${response.statusCode}`))
          return
        }
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()) as Counts)
        } catch (error) {
          reject(error)
        }
      })
    })
    call.on('error', reject)
    call.end()
  })
}
