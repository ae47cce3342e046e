import type {PodSpec} from './core.ts'

/**
 * How many Dask workers one pod of this spec starts: what `dask worker --nworkers N` (or `--nprocs N`) says, else one.
 * `auto` and negative numbers depend on the machine: they count as one.
 */
export function workerProcesses({containers}: PodSpec): number {
  const [container] = containers
  const words = [...(container?.command ?? []), ...(container?.args ?? [])].flatMap((word) => word.split(/\s+|=/))
  const at = words.findIndex((word) => word === '--nworkers' || word === '--nprocs')
  const count = at < 0 ? 1 : Number(words[at + 1])
  return Number.isInteger(count) && count > 0 ? count : 1
}
