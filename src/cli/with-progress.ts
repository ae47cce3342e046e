import type {Step} from '../ui/progress/model.ts'
import {modeFor, showProgress} from '../ui/progress/show.ts'

/** Shows what `work` reports on stderr, under this title, until it ends. `isDocument`: the answer is one document, and nothing else is told. */
export async function withProgress<T>(title: string, work: (report: (step: Step) => void) => Promise<T>, isDocument = false): Promise<T> {
  const progress = await showProgress({title, stream: process.stderr, mode: modeFor(process.stderr, isDocument)})
  return work(progress.report).finally(progress.close)
}
