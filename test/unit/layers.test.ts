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
  /** `run.ts` puts the operator together. */
  operator: ['operator/engine', 'operator/cluster', 'operator/workergroup', 'operator/job', 'kube', 'dask', 'api'],
  sandbox: ['kube', 'api'],
  ui: ['api'],
  cli: ['ui', 'kube', 'dask', 'api'],
  commands: ['cli', 'ui', 'kube', 'dask', 'api'],
  'commands/operator': ['operator', 'cli', 'ui', 'kube', 'dask', 'api'],
  'commands/sandbox': ['operator', 'sandbox', 'commands', 'cli', 'ui', 'kube', 'dask', 'api'],
}

interface Import {
  readonly from: string
  readonly to: string
}

const files = readdirSync(SRC, {recursive: true, encoding: 'utf8'}).filter((file) => /\.tsx?$/.test(file))

const importsOf = (file: string): readonly Import[] =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) => ({
    from: file,
    to: relative(SRC, join(SRC, dirname(file), path)),
  }))

/** The longest folder of the table that holds the file. */
const layerOf = (file: string): string | undefined =>
  Object.keys(MAY)
    .filter((layer) => file.startsWith(`${layer}/`))
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
  })
})

describe('a plan', () => {
  const plans = files.filter((file) => file.endsWith('/plan.ts'))

  it.each(plans)('%s imports only the model, the contract and siblings', (plan) => {
    const others = importsOf(plan).filter(
      ({to}) => layerOf(to) !== 'api' && to !== 'operator/engine/contract.ts' && dirname(to) !== dirname(plan),
    )
    expect(others.map(({to}) => to)).toEqual([])
  })

  it.each(plans)('%s reads no clock, draws no random number and does no I/O', (plan) => {
    const text = readFileSync(join(SRC, plan), 'utf8')
    expect(text).not.toMatch(/Date\.now|new Date\(\)|Math\.random|node:crypto|\bfetch\(|setTimeout|\bawait\b/)
  })
})
