import {readdirSync, readFileSync} from 'node:fs'
import {dirname, join, relative} from 'node:path'
import {describe, expect, it} from 'vitest'

const SRC = join(import.meta.dirname, '..', '..', 'src')

/** Who may import whom (docs/architecture.md); anything not listed is refused. A folder may always import itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  api: [],
  kube: ['api'],
  dask: ['api', 'kube'],
  'operator/engine': ['kube', 'api'],
  'operator/cluster': ['operator/engine', 'kube', 'dask', 'api'],
  'operator/workergroup': ['operator/engine', 'kube', 'dask', 'api'],
  'operator/job': ['operator/engine', 'kube', 'dask', 'api'],
  'operator/autoscaler': ['operator/engine', 'kube', 'dask', 'api'],
  /** `run.ts` puts the operator together. */
  operator: ['operator/engine', 'operator/cluster', 'operator/workergroup', 'operator/job', 'operator/autoscaler', 'kube', 'dask', 'api'],
  sandbox: ['kube', 'api'],
  ui: ['api'],
  cli: ['ui', 'kube', 'dask', 'api'],
  commands: ['cli', 'ui', 'kube', 'dask', 'api'],
  'commands/operator': ['operator', 'cli', 'ui', 'kube', 'dask', 'api'],
  /** What is called: the program with the commands that lie in its own file. */
  'program.ts': ['commands', 'cli'],
  'commands/sandbox': ['operator', 'sandbox', 'commands', 'cli', 'ui', 'kube', 'dask', 'api'],
}

interface Import {
  readonly from: string
  readonly to: string
}

const files = readdirSync(SRC, {recursive: true, encoding: 'utf8'}).filter((file) => /\.tsx?$/.test(file))

const textOf = (file: string): string => readFileSync(join(SRC, file), 'utf8')

/** What stands after `from`, `import`, `import(` and `export … from`: types and late imports too. */
const specifiersOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^'\n]+)'/g)].map(([, specifier = '']) => specifier)

const importsOf = (file: string): readonly Import[] =>
  specifiersOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((path) => ({from: file, to: relative(SRC, join(SRC, dirname(file), path))}))

const packagesOf = (file: string): readonly string[] => specifiersOf(file).filter((specifier) => !specifier.startsWith('.'))

/** The longest folder of the table that holds the file, or the file itself. */
const layerOf = (file: string): string | undefined =>
  Object.keys(MAY)
    .filter((layer) => file === layer || file.startsWith(`${layer}/`))
    .toSorted((one, other) => other.length - one.length)[0]

describe('the layers', () => {
  it('import nobody but whom they may', () => {
    const refused = files.flatMap(importsOf).filter(({from, to}) => {
      const [mine, theirs] = [layerOf(from), layerOf(to)]
      return mine === undefined || theirs === undefined || (mine !== theirs && !MAY[mine]?.includes(theirs))
    })
    expect(refused.map(({from, to}) => `${from} imports ${to}`)).toEqual([])
  })

  it('see every import there is', () => {
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length)
    // A path that is put together at run time could lead anywhere.
    const isOpaque = (file: string): boolean => /\bimport\(\s*[^'\s]|\brequire\(/.test(textOf(file))
    // The one that loads the command which the build's own list names.
    expect(files.filter(isOpaque)).toEqual(['cli/run-command.ts'])
  })

  it('lead to files that are there', () => {
    const missing = files.flatMap(importsOf).filter(({to}) => !files.includes(to) && !/\.json$/.test(to))
    expect(missing.map(({from, to}) => `${from} imports ${to}`)).toEqual([])
  })

  it('give nobody but two nouns the operator and the sandbox', () => {
    const users = files.filter((file) => layerOf(file)?.startsWith('commands'))
    const those = (part: RegExp) => users.filter((file) => importsOf(file).some(({to}) => part.test(to)))
    expect(those(/^operator\//).filter((file) => !/^commands\/(operator\/run\.ts|sandbox\/)/.test(file))).toEqual([])
    expect(those(/^sandbox\//).filter((file) => !/^commands\/sandbox\//.test(file))).toEqual([])
  })
})

describe('law 2: a plan', () => {
  /** Types alone; and the text of a script, from a file that imports nothing but the model. */
  const PURE_FILES: readonly string[] = ['operator/engine/contract.ts', 'dask/pre-stop.ts']
  /** The plan and the siblings that it is made of, as far as they go. */
  const partsOf = (plan: string): readonly string[] => {
    const parts = new Set([plan])
    for (const part of parts) for (const {to} of importsOf(part)) if (dirname(to) === dirname(plan)) parts.add(to)
    return [...parts]
  }
  const parts = files.filter((file) => file.endsWith('/plan.ts')).flatMap(partsOf)

  it('is there for each kind', () => {
    expect(parts.filter((part) => part.endsWith('/plan.ts')).map((part) => dirname(part))).toEqual(
      expect.arrayContaining(['operator/cluster', 'operator/workergroup', 'operator/job']),
    )
  })

  it.each(parts)('%s imports only the model, the contract and siblings that do the same', (part) => {
    const others = importsOf(part).filter(({to}) => layerOf(to) !== 'api' && !PURE_FILES.includes(to) && !parts.includes(to))
    expect(others.map(({to}) => to)).toEqual([])
    expect(packagesOf(part)).toEqual([])
  })

  it.each(parts)('%s reads no clock, draws no random number and does no I/O', (part) => {
    const forbidden =
      /Date\.now|new Date\(\)|performance\.now|Math\.random|\bcrypto\b|\bfetch\(|set(Timeout|Interval|Immediate)|\bprocess\.|\bawait\b/g
    expect(textOf(part).match(forbidden)).toBeNull()
  })

  it('rests on a model that is as pure', () => {
    expect(importsOf('dask/pre-stop.ts').filter(({to}) => layerOf(to) !== 'api')).toEqual([])
    expect(importsOf('operator/engine/contract.ts').filter(({to}) => !['api', 'kube'].includes(layerOf(to) ?? ''))).toEqual([])
    const impure = files.filter((file) => layerOf(file) === 'api' && packagesOf(file).length > 0)
    expect(impure).toEqual([])
  })
})
