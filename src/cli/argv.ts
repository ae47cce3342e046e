/** Other words that people type for our nouns and verbs: plurals, kubectl's verbs, and the short names of the CRDs. */
const NOUNS: Readonly<Record<string, string>> = {
  clusters: 'cluster',
  daskcluster: 'cluster',
  daskclusters: 'cluster',
  dsk: 'cluster',
  workergroups: 'workergroup',
  group: 'workergroup',
  groups: 'workergroup',
  wg: 'workergroup',
  daskworkergroup: 'workergroup',
  daskworkergroups: 'workergroup',
  jobs: 'job',
  daskjob: 'job',
  daskjobs: 'job',
  djb: 'job',
  autoscalers: 'autoscaler',
  daskautoscaler: 'autoscaler',
  daskautoscalers: 'autoscaler',
  sandboxes: 'sandbox',
}
const OWN_NOUNS = new Set(['cluster', 'workergroup', 'job', 'autoscaler', 'operator', 'sandbox'])
const VERBS: Readonly<Record<string, string>> = {get: 'list', ls: 'list', rm: 'delete', log: 'logs'}
/** Verbs that may stand before the noun, as in kubectl. */
const LEADING_VERBS = new Set(['create', 'list', 'describe', 'scale', 'delete', 'logs', 'run'])

/** Global flags that take a value, for those that are typed before the noun. */
const WITH_VALUE = new Set([
  ...['-n', '--namespace', '--context', '--kubeconfig', '--cluster', '--user', '--as', '--as-group'],
  ...['--as-uid', '--tls-server-name', '--certificate-authority', '--client-certificate', '--client-key', '-v'],
  ...['--token', '-s', '--server', '--request-timeout', '-o', '--output', '-l', '--selector'],
])

export const nounOf = (word: string | undefined): string | undefined =>
  word === undefined ? undefined : OWN_NOUNS.has(word) ? word : Object.hasOwn(NOUNS, word) ? NOUNS[word] : undefined

/** `TYPE/NAME` as `-o name` writes it and kubectl takes it: the noun of ours and the name; `undefined` for a bare name. */
export function typedName(word: string): {readonly noun: string | undefined; readonly name: string} | undefined {
  const [, kind, name] = /^([^/]+)\/([^/]+)$/.exec(word) ?? []
  return kind === undefined || name === undefined
    ? undefined
    : {noun: nounOf(kind.replace(/\.kubernetes\.dask\.org$/, '').toLowerCase()), name}
}

const verbOf = (word: string): string => (Object.hasOwn(VERBS, word) ? (VERBS[word] ?? word) : word)

/**
 * The call in our own order: noun, verb, flags that stood before them, the rest.
 * `get clusters -A`, `clusters ls -A` and `-A cluster list` all become `cluster list -A`; what follows the verb is never touched.
 */
export function canonicalArgv(argv: readonly string[]): readonly string[] {
  let first = 0
  while (first < argv.length && argv[first] !== '--' && argv[first]?.startsWith('-'))
    first += WITH_VALUE.has(argv[first] ?? '') && first + 1 < argv.length ? 2 : 1
  const leading = argv.slice(0, first)
  const [one, two, ...rest] = argv.slice(first)
  if (one === undefined) return leading
  const noun = nounOf(one)
  if (noun !== undefined) {
    if (two === undefined) return [noun, ...leading]
    return two.startsWith('-') ? [noun, ...leading, two, ...rest] : [noun, verbOf(two), ...leading, ...rest]
  }
  const second = nounOf(two)
  const named = two === undefined ? undefined : typedName(two)?.noun
  if (named !== undefined && LEADING_VERBS.has(verbOf(one))) return [named, verbOf(one), ...leading, ...argv.slice(first + 1)]
  if (second !== undefined && LEADING_VERBS.has(verbOf(one))) return [second, verbOf(one), ...leading, ...rest]
  return two === undefined ? [one, ...leading] : [one, ...leading, two, ...rest]
}

/** What stands before a first `--` and what follows it; `after` is `undefined` where there is none. */
export function splitAtDashes(argv: readonly string[]): {
  readonly before: readonly string[]
  readonly after: readonly string[] | undefined
} {
  const at = argv.indexOf('--')
  return at < 0 ? {before: argv, after: undefined} : {before: argv.slice(0, at), after: argv.slice(at + 1)}
}
