/**
 * What schedulers are asked in Python. All of it reads only: their own idle timeout is never touched. The answer is a list as JSON text, since a list of
 * Dask's would come in as many frames as it has items.
 */

/** Whether anything is to be done, and how many steps all tasks have made. */
export const ACTIVITY =
  "lambda dask_scheduler: __import__('json').dumps([bool(dask_scheduler.queued or dask_scheduler.unrunnable or " +
  'any(worker.processing for worker in dask_scheduler.workers.values())), dask_scheduler.transition_counter])'

/**
 * Addresses of the workers of every shuffle. It has its plugin's state beside all tasks. Dask 2022 has it in an extension, under another name, and keeps it of those that are done or have
 * failed.
 */
export const SHUFFLING =
  "lambda dask_scheduler: __import__('json').dumps([worker for plugin in " +
  "[dask_scheduler.plugins.get('shuffle') or dask_scheduler.extensions.get('shuffle')] " +
  "for id, shuffle in list((getattr(plugin, 'active_shuffles', None) or getattr(plugin, 'states', None) or {}).items()) " +
  "if id not in getattr(plugin, 'erred_shuffles', ()) and not getattr(shuffle, 'output_workers', {0}) <= getattr(shuffle, 'completed_workers', set()) " +
  'for worker in shuffle.participating_workers])'

/** First whether the scheduler carries out one retirement after another, as Dask 2022 does; then the keys, at most a hundred. */
export const uniqueKeysOf = (address: string): string =>
  "lambda dask_scheduler: __import__('json').dumps([not hasattr(dask_scheduler, '_replica_lock')] + [str(task.key) for task in " +
  `list(getattr(dask_scheduler.workers.get(${JSON.stringify(address)}), 'has_what', ())) if len(task.who_has or ()) == 1][:100])`
