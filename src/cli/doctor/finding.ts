import type {KubeClient} from '../../kube/client.ts'

export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'failed'
  readonly found: string
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string
}

export interface DoctorCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly bin: string
  readonly version: string
  readonly signal: AbortSignal
}

export type Check = (call: DoctorCall) => Promise<readonly Finding[]>

export const ok = (check: string, found: string): Finding => ({check, result: 'ok', found})
export const warning = (check: string, found: string, remedy: string): Finding => ({check, result: 'warning', found, remedy})
export const failed = (check: string, found: string, remedy: string): Finding => ({check, result: 'failed', found, remedy})

/** Whether something began longer ago than this. */
export const isOlder = (timestamp: string | undefined, ms: number): boolean => Date.now() - Date.parse(timestamp ?? '') > ms
