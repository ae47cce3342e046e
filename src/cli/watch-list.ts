import type {KubeObject} from '../api/object.ts'
import {startInformer} from '../kube/start-informer.ts'
import {brokenWatch} from './broken-watch.ts'
import type {ListCall} from './list.ts'
import {answer} from './output.ts'
import {tellSelector} from './selector-failure.ts'

/**
 * Prints the objects, and then each one anew whenever it changes or goes, as `kubectl get --watch` does.
 * Goes on until the signal is aborted; rejects when the first list fails or a named object does not exist.
 */
export async function watchList<T extends KubeObject>(
  {client, kind, namespace, names, flags, keep = () => true, signal}: ListCall<T>,
  format: (objects: readonly T[], isFirst: boolean) => Promise<string>,
): Promise<void> {
  const [name] = names
  if (name !== undefined) await client.get(kind, {namespace, name}, {signal})
  const failed = Promise.withResolvers<never>()
  let isSynced = false
  const broken = brokenWatch('the watch is broken off, and tried again')
  let printing = Promise.resolve()
  const print = (objects: readonly T[], isFirst: boolean): void => {
    printing = printing.then(async () => answer(await format(objects, isFirst))).catch(failed.reject)
  }
  const fieldSelector = name === undefined ? flags['field-selector'] : `metadata.name=${name}`
  const informer = startInformer<T>({
    ...{client, kind, signal},
    ...(flags['all-namespaces'] !== true && {namespace}),
    ...(flags.selector !== undefined && {labelSelector: flags.selector}),
    ...(fieldSelector !== undefined && {fieldSelector}),
    onChange: (before, after) => {
      broken.heard()
      const object = after ?? before
      if (isSynced && object && keep(object)) print([object], false)
    },
    // The first list tells whether it can work at all.
    onError: (error) => (isSynced ? broken.tell(error) : failed.reject(error)),
  })
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), {once: true}))
  await Promise.race([informer.synced, failed.promise, aborted]).catch(tellSelector(flags))
  isSynced = true
  print(informer.list().filter(keep), true)
  await Promise.race([failed.promise, aborted])
}
