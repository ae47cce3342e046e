/**
 * `npm test`: the rings of docs/testing.md, most of them two at a time, and one plain line with the counts of all of them.
 * A ring that cannot run on this machine says why and counts as skipped; where CI is set that is a failure.
 * `npm test -- unit sandbox` runs the named rings alone.
 */
import {spawn} from 'node:child_process'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, relative} from 'node:path'
import {httpRouteDefinition} from '../test/kubernetes/gateway-api.ts'
import {kueueBuild} from '../test/kubernetes/kueue.ts'
import {ensureClient, ensureDask, MIDDLE_DASK, NEWEST_DASK, OLDEST_DASK} from '../test/toolchain/pythons.ts'
import {upstreamDefinitions} from '../test/toolchain/upstream.ts'

interface Ring {
  readonly name: string
  readonly promise: string
  /** Rejects with the reason why the ring cannot run on this machine. */
  readonly prepare: readonly (() => Promise<unknown>)[]
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Outcome extends Counts {
  /** One text for each failure: where it stands, its name, what it said. They are told once more at the end, where nobody has to look for them. */
  readonly failures: readonly string[]
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

/** What of a failure is told at the end: its first lines; all of it stands above. */
const FAILURE_LINES = 30

const story = (line: string): void => console.error(line)

/** Runs a program with its output on ours, or where `write` puts it; rejects when it ends in failure. */
const program = (
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
  write?: (chunk: Buffer) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = command
    const out = write ? 'pipe' : 'inherit'
    const child = spawn(file, args, {stdio: ['ignore', out, out], env: {...process.env, ...env}})
    for (const stream of write ? [child.stdout, child.stderr] : []) stream?.on('data', write ?? (() => {}))
    child.on('error', reject)
    child.on('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`${command.join(' ')} ended with ${signal ?? code}`))))
  })

const bundle = (): Promise<void> => program(['node', 'scripts/build.ts'])
const dasks = (): Promise<unknown> => Promise.all([NEWEST_DASK, MIDDLE_DASK, OLDEST_DASK].map((version) => ensureDask(version, story)))
const officialClient = (): Promise<unknown> => ensureClient(story)
const controlPlane = (): Promise<void> => program(['node', 'test/kubernetes/build.ts'])
/** There is no network in the ring itself. Where it cannot be had one test is skipped, and not the ring. */
const gatewayApi = (): Promise<unknown> => httpRouteDefinition().catch((error: Error) => story(`no Gateway API here: ${error.message}`))
const kueue = (): Promise<unknown> => kueueBuild(story).catch((error: Error) => story(`no Kueue here: ${error.message}`))
const namespace = (): Promise<void> => program(['node', 'test/kubernetes/netns.ts', 'true'])

const RINGS: readonly Ring[] = [
  {name: 'unit', promise: 'plans, protocols and parts', prepare: [bundle], command: ['vitest', 'run', '--project', 'unit']},
  {name: 'dask', promise: 'real Dask, newest and oldest', prepare: [dasks], command: ['vitest', 'run', '--project', 'dask']},
  {
    name: 'chaos',
    promise: 'the operator among faults, by 100 seeds',
    prepare: [dasks],
    command: ['vitest', 'run', '--project', 'chaos'],
  },
  {
    name: 'sandbox',
    promise: 'the whole product on the sandbox',
    prepare: [bundle, dasks, officialClient],
    command: ['vitest', 'run', '--project', 'conformance*', '--project', 'sandbox'],
    env: {GROUND: 'sandbox'},
  },
  {
    name: 'kubernetes',
    promise: 'the whole product on a real control plane',
    prepare: [bundle, dasks, officialClient, gatewayApi, controlPlane, namespace],
    command: ['node', 'test/kubernetes/netns.ts', 'vitest', 'run', '--project', 'conformance*'],
    env: {GROUND: 'kubernetes', WHOLE_SUITE: '1'},
  },
  {
    name: 'upstream',
    promise: 'the same, over the definitions that the Python operator installs',
    prepare: [bundle, dasks, officialClient, upstreamDefinitions, controlPlane, namespace],
    command: ['node', 'test/kubernetes/netns.ts', 'vitest', 'run', '--project', 'upstream'],
    env: {GROUND: 'kubernetes', DEFINITIONS: 'upstream'},
  },
  {
    name: 'install',
    promise: 'the operator in an empty Kubernetes, over upstream’s definitions, in the place of upstream’s operator, and beside Kueue',
    prepare: [bundle, dasks, officialClient, upstreamDefinitions, controlPlane, kueue, namespace],
    command: ['node', 'test/kubernetes/netns.ts', 'vitest', 'run', '--project', 'kubernetes'],
  },
]

const counted = async (path: string): Promise<Outcome> => {
  const report = JSON.parse(await readFile(path, 'utf8')) as Report
  const failures = report.testResults.flatMap(({name, status, message, assertionResults}) => {
    const file = relative(process.cwd(), name)
    const failed = assertionResults.filter((test) => test.status === 'failed')
    // A file that does not even load has no failed test, but it is a failure.
    if (failed.length === 0) return status === 'failed' ? [`${file}: ${message}`] : []
    return failed.map(({fullName, failureMessages}) => `${file}: ${fullName}\n${(failureMessages ?? []).join('\n')}`)
  })
  return {passed: report.numPassedTests, failed: failures.length, skipped: report.numPendingTests + report.numTodoTests, failures}
}

/** What a ring stands on, made once for all rings; rejects with the reason why it cannot be had on this machine. */
const made = new Map<() => Promise<unknown>, Promise<unknown>>()
const prepared = async ({prepare}: Ring): Promise<void> => {
  for (const each of prepare) {
    const promise = made.get(each) ?? each()
    made.set(each, promise)
    await promise
  }
}

/** Two rings run at a time, since most of them wait most of the time; what each has to say comes as one piece, when it has ended. */
const runRing = async (ring: Ring, report: string, isAlone: boolean): Promise<Outcome> => {
  const title = `── ${ring.name}: ${ring.promise}`
  if (isAlone) console.log(`\n${title}`)
  const said: Buffer[] = []
  const tellAll = (): void => {
    if (isAlone) return
    console.log(`\n${title}`)
    process.stdout.write(Buffer.concat(said))
  }
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const write = isAlone ? undefined : (chunk: Buffer): void => void said.push(chunk)
  const failure = await program([...ring.command, ...reporters], ring.env, write).then(
    () => undefined,
    (error: Error) => error,
  )
  tellAll()
  const outcome = await counted(report).catch((error: Error) => failedRing(`${ring.name} left no report: ${error.message}`))
  return failure && outcome.failed === 0 ? {...outcome, failed: 1, failures: [failure.message]} : outcome
}

/** They keep every core busy; the judge of chaos allows the operator so many seconds, which another ring beside it would take. */
const ALONE: ReadonlySet<string> = new Set(['unit', 'chaos'])

/** So that the two that run side by side at the end are short. */
const LONGEST_FIRST = ['sandbox', 'kubernetes', 'dask', 'upstream', 'install']

const failedRing = (reason: string): Outcome => ({passed: 0, failed: 1, skipped: 0, failures: [reason]})

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !RINGS.some((ring) => ring.name === name))
if (unknown.length > 0) {
  console.error(`no ring is called ${unknown.join(', ')}; there are ${RINGS.map((ring) => ring.name).join(', ')}`)
  process.exit(2)
}

const reports = await mkdtemp(join(tmpdir(), 'dask-k8s-rings-'))
const results = new Map<Ring, {readonly counts: Outcome; readonly seconds: number}>()

const take = async (ring: Ring, isAlone: boolean): Promise<void> => {
  const started = performance.now()
  const counts = await runRing(ring, join(reports, `${ring.name}.json`), isAlone)
  results.set(ring, {counts, seconds: (performance.now() - started) / 1000})
}

const rings: Ring[] = []
for (const ring of RINGS.filter(({name}) => wanted.length === 0 || wanted.includes(name)))
  try {
    await prepared(ring)
    rings.push(ring)
  } catch (error) {
    const reason = `${ring.name} cannot run here: ${error instanceof Error ? error.message : String(error)}`
    console.log(reason)
    const counts = process.env['CI'] ? failedRing(reason) : {passed: 0, failed: 0, skipped: 1, failures: []}
    results.set(ring, {counts, seconds: 0})
  }
// Some take all of the machine; the others go side by side, the longest ones first.
const alone = rings.filter(({name}) => ALONE.has(name) || rings.length === 1)
const others = rings.filter((ring) => !alone.includes(ring))
for (const ring of alone) await take(ring, true)
const waiting = others.toSorted((one, other) => LONGEST_FIRST.indexOf(one.name) - LONGEST_FIRST.indexOf(other.name))
const lane = async (): Promise<void> => {
  for (let ring = waiting.shift(); ring; ring = waiting.shift()) {
    console.log(`${ring.name} begins`)
    await take(ring, others.length === 1)
  }
}
await Promise.all([lane(), lane()])
await rm(reports, {recursive: true, force: true})

const all = RINGS.flatMap((ring) => {
  const result = results.get(ring)
  return result ? [{ring, ...result}] : []
})
for (const {ring, counts} of all)
  for (const failure of counts.failures)
    console.log(`\n── failed in ${ring.name}: ${failure.split('\n').slice(0, FAILURE_LINES).join('\n')}`)

console.log('')
for (const {ring, counts, seconds} of all)
  console.log(`${ring.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds.toFixed(0)} s`)
const total = (key: keyof Counts): number => all.reduce((sum, {counts}) => sum + counts[key], 0)
const failed = total('failed') + (process.env['CI'] ? total('skipped') : 0)
process.exitCode = failed > 0 || total('passed') === 0 ? 1 : 0
console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
