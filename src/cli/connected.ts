import type {Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import type {StepNews} from './cluster-progress.ts'
import {formatDuration} from './duration.ts'
import {askWorkers, callRoll, type RollCall} from './roll-call.ts'
import {EXIT, UserError} from './user-error.ts'
import type {Look, Watch} from './watch.ts'

/** Between two questions to a scheduler whose workers are still on their way: at first, and at most. */
const ASK_MS = 250
const ASK_SELDOM_MS = 2_000

export interface ConnectedWait<T> {
  readonly client: KubeClient
  readonly place: {readonly namespace: string; readonly cluster: string; readonly signal: AbortSignal}
  readonly timeoutMs: number
  readonly report: (step: StepNews) => void
  /** `roll`: what the scheduler said last, where it has been asked. */
  readonly look: (roll: RollCall | undefined) => Look<T>
  /** How many workers have to be connected at this end; none where it is a bad one. */
  readonly wanted: (end: T) => number
  readonly pods: () => readonly Pod[]
  readonly waitingFor: (roll: RollCall | undefined) => string
}

/** Looks until there is an end, and its workers are connected with their scheduler as far as that can be asked. */
export async function untilConnected<T>(
  watch: Watch,
  {client, place, timeoutMs, report, look, wanted, pods, waitingFor}: ConnectedWait<T>,
): Promise<T> {
  const started = performance.now()
  const left = (): number => timeoutMs - (performance.now() - started)
  let roll: RollCall | undefined
  const options = {ofMs: timeoutMs, waitingFor: () => waitingFor(roll)}
  for (let pause = ASK_MS; ; pause = Math.min(ASK_SELDOM_MS, 2 * pause)) {
    const end = await watch.until(() => look(roll), {...options, timeoutMs: Math.max(0, left())})
    const before = roll
    const workers = wanted(end) === 0 ? undefined : await askWorkers(client, place)
    roll = workers && callRoll(wanted(end), pods(), workers)
    const isComplete = !roll || roll.connected >= roll.wanted
    if (roll && (before || !isComplete)) report({name: 'connected', state: isComplete ? 'done' : 'working', detail: connectedWords(roll)})
    if (isComplete) return end
    if (left() <= 0) throw new UserError(`after ${formatDuration(timeoutMs)}, ${waitingFor(roll)}`, {exitCode: EXIT.timedOut})
    await watch.change(Math.min(pause, left()), () => false)
  }
}

export const connectedWords = ({wanted, connected, missing: [first]}: RollCall): string =>
  `${connected} of ${wanted} workers are connected with its scheduler${first && connected < wanted ? `; ${first.metadata.name} is not` : ''}`
