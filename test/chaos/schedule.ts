/** What a seed means: the same seed always gives the same acts and the same faults in the same order. */
import fc from 'fast-check'

/** What happens to one request of the operator to the API server. */
export type RequestFault =
  | {readonly do: 'pass'}
  | {readonly do: 'delay'; readonly ms: number}
  /** The connection breaks: before the server has seen the request, or after it has carried it out and before it has answered. */
  | {readonly do: 'drop'; readonly isCarriedOut: boolean}
  /** A write is carried out twice, the second answer is told. */
  | {readonly do: 'repeat'}
  /** The server answers with an error and carries nothing out. */
  | {readonly do: 'refuse'; readonly status: 409 | 410 | 429 | 500 | 503}
  /** The operator is killed (SIGKILL): before its request is carried out, or after it and before it is answered. */
  | {readonly do: 'kill'; readonly isCarriedOut: boolean}

/** What happens to one watch. */
export type WatchFault =
  | {readonly do: 'pass'}
  /** The connection breaks after so many bytes: as a rule in the middle of a line. */
  | {readonly do: 'cut'; readonly afterBytes: number}
  /** Each event comes that much later: the cache is stale. */
  | {readonly do: 'hold'; readonly ms: number}
  /** It ends as a server ends it. */
  | {readonly do: 'end'; readonly afterMs: number}
  /** Its version has expired (410 as an ERROR event inside of a 200). */
  | {readonly do: 'expire'; readonly afterMs: number}

/** What happens to one connection to a scheduler. */
export type DialFault =
  | {readonly do: 'pass'}
  | {readonly do: 'delay'; readonly ms: number}
  | {readonly do: 'cut'; readonly afterBytes: number}
  | {readonly do: 'refuse'}
  /** Connected, and never a word. */
  | {readonly do: 'silence'}

/** What a person does. */
export type Act =
  | {readonly do: 'scale'; readonly replicas: number}
  /** A changed variable of the workers: they are rolled. */
  | {readonly do: 'roll'}
  /** A worker pod that nobody needs is deleted by hand: only on the cluster without work. */
  | {readonly do: 'lose-worker'}
  | {readonly do: 'suspend'}
  | {readonly do: 'resume'}
  /** Deleted and made again under the same name at once. */
  | {readonly do: 'remake'}

export interface Step {
  readonly afterMs: number
  readonly act: Act
}

export interface JobPlan {
  /** How the attempts of its program end, one after another. */
  readonly exits: readonly number[]
  readonly backoffLimit: number
}

export interface Schedule {
  readonly seed: number
  readonly replicas: number
  /** On the cluster that computes all the time. */
  readonly busy: readonly Step[]
  /** On one that does not, beside it; absent in some schedules. */
  readonly calm?: readonly Step[]
  readonly job?: JobPlan
  /** Taken one after another, and from the beginning again when they are used up. */
  readonly requests: readonly RequestFault[]
  readonly watches: readonly WatchFault[]
  readonly dials: readonly DialFault[]
}

const ms = (most: number): fc.Arbitrary<number> => fc.integer({min: 1, max: most})

const requestFault = fc.oneof(
  {weight: 70, arbitrary: fc.constant<RequestFault>({do: 'pass'})},
  {weight: 10, arbitrary: fc.record({do: fc.constant('delay' as const), ms: ms(300)})},
  {weight: 6, arbitrary: fc.record({do: fc.constant('drop' as const), isCarriedOut: fc.boolean()})},
  {weight: 3, arbitrary: fc.constant<RequestFault>({do: 'repeat'})},
  {weight: 8, arbitrary: fc.record({do: fc.constant('refuse' as const), status: fc.constantFrom(409, 410, 429, 500, 503)})},
  {weight: 3, arbitrary: fc.record({do: fc.constant('kill' as const), isCarriedOut: fc.boolean()})},
) as fc.Arbitrary<RequestFault>

const watchFault = fc.oneof(
  {weight: 4, arbitrary: fc.constant<WatchFault>({do: 'pass'})},
  {weight: 2, arbitrary: fc.record({do: fc.constant('cut' as const), afterBytes: fc.integer({min: 1, max: 20_000})})},
  {weight: 2, arbitrary: fc.record({do: fc.constant('hold' as const), ms: ms(1_000)})},
  {weight: 1, arbitrary: fc.record({do: fc.constant('end' as const), afterMs: ms(1_000)})},
  {weight: 1, arbitrary: fc.record({do: fc.constant('expire' as const), afterMs: ms(1_000)})},
) as fc.Arbitrary<WatchFault>

const dialFault = fc.oneof(
  {weight: 8, arbitrary: fc.constant<DialFault>({do: 'pass'})},
  {weight: 3, arbitrary: fc.record({do: fc.constant('delay' as const), ms: ms(200)})},
  {weight: 4, arbitrary: fc.record({do: fc.constant('cut' as const), afterBytes: fc.integer({min: 1, max: 4_000})})},
  {weight: 2, arbitrary: fc.constant<DialFault>({do: 'refuse'})},
  {weight: 1, arbitrary: fc.constant<DialFault>({do: 'silence'})},
) as fc.Arbitrary<DialFault>

const step = (act: fc.Arbitrary<Act>): fc.Arbitrary<Step> => fc.record({afterMs: ms(900), act})

const scale = (least: number): fc.Arbitrary<Act> =>
  fc.record({do: fc.constant('scale' as const), replicas: fc.integer({min: least, max: 5})})

const busyStep = step(fc.oneof({weight: 4, arbitrary: scale(1)}, {weight: 1, arbitrary: fc.constant<Act>({do: 'roll'})}))

const calmStep = step(
  fc.oneof(
    {weight: 3, arbitrary: scale(0)},
    {weight: 1, arbitrary: fc.constantFrom<Act>({do: 'roll'}, {do: 'lose-worker'}, {do: 'suspend'}, {do: 'resume'}, {do: 'remake'})},
  ),
)

const job = fc.record({
  exits: fc.array(fc.constantFrom(0, 0, 1, 3), {minLength: 4, maxLength: 4}),
  backoffLimit: fc.integer({min: 0, max: 2}),
})

const schedule = (seed: number): fc.Arbitrary<Schedule> =>
  fc.record(
    {
      seed: fc.constant(seed),
      replicas: fc.integer({min: 1, max: 5}),
      busy: fc.array(busyStep, {minLength: 2, maxLength: 4}),
      calm: fc.array(calmStep, {minLength: 2, maxLength: 4}),
      job,
      requests: fc.array(requestFault, {minLength: 300, maxLength: 300}),
      watches: fc.array(watchFault, {minLength: 60, maxLength: 60}),
      dials: fc.array(dialFault, {minLength: 60, maxLength: 60}),
    },
    {requiredKeys: ['seed', 'replicas', 'busy', 'requests', 'watches', 'dials']},
  )

export function scheduleOf(seed: number): Schedule {
  const [made] = fc.sample(schedule(seed), {seed, numRuns: 1})
  if (!made) throw new Error(`no schedule was made of seed ${seed}`)
  return made
}
