import type {Everyday} from './cli/run-command.ts'

/**
 * The program as the build puts it into one file, `dist/program.cjs`: what every call needs, and the commands that people call
 * all the time. Each module of it is evaluated when it is first used; all other commands are files of their own (docs/decisions/0007-lean-start.md).
 */

const EVERYDAY: Everyday = {
  'autoscaler:list': () => import('./commands/autoscaler/list.ts'),
  'cluster:list': () => import('./commands/cluster/list.ts'),
  'job:list': () => import('./commands/job/list.ts'),
  'workergroup:list': () => import('./commands/workergroup/list.ts'),
}

/** `kubectl dask` and `dask-k8s`; never rejects. */
export const start = async (bin: string): Promise<void> => (await import('./cli/main.ts')).start(bin, EVERYDAY)

/** `kubectl_complete-dask`; never rejects. */
export const complete = async (): Promise<void> => (await import('./cli/complete.ts')).start()
