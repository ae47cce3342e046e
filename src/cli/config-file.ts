import {readFile} from 'node:fs/promises'
import {text as readAll} from 'node:stream/consumers'
import type {Pair, ParsedNode} from 'yaml'
import {didYouMean} from './did-you-mean.ts'
import {UserError, usageError} from './user-error.ts'

/** One word of the command line that stands in a file, and where. */
interface FileWord {
  /** Of the flag, or `name`. */
  readonly name: string
  readonly argv: readonly string[]
  /** `cluster.yaml:3:5`, for messages. */
  readonly place: string
}

/**
 * A short YAML file with the command line's own words (`workers: 4`, `env: {A: b}`, `label: [team=ml]`) as the flags they stand for.
 * Throws a usage error with line and column for what is no such word.
 */
export async function readConfigFile(file: string, known: readonly string[], switches: ReadonlySet<string>): Promise<readonly FileWord[]> {
  const {LineCounter, isMap, isScalar, isSeq, parseDocument} = await import('./yaml.ts')
  const lines = new LineCounter()
  const content = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8').catch(refuse(file))
  const document = parseDocument(content, {lineCounter: lines, prettyErrors: false})
  const at = (offset: number): string => {
    const {line, col} = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const [error] = document.errors
  if (error) throw usageError(`${at(error.pos[0])}: ${error.message}`)
  const {contents} = document
  if (contents === null) return []
  if (!isMap<ParsedNode, ParsedNode | null>(contents)) throw usageError(`${at(0)}: the file is no mapping`, 'write it like "workers: 4"')
  const words = ({key, value}: Pair<ParsedNode, ParsedNode | null>): readonly FileWord[] => {
    const place = at(key.range[0])
    const name = String(key)
    if (!known.includes(name)) throw usageError(`${place}: there is no "${name}"`, ...didYouMean(name, known))
    if (value === null) throw usageError(`${place}: "${name}" has no value`)
    const word = (given: unknown, offset: number): FileWord => ({
      name,
      argv: [name === 'name' ? String(given) : `--${name}=${given}`],
      place: at(offset),
    })
    // Group "highmem: {workers: 2, memory: 64Gi}" and the like have one form only: that of the command line.
    const scalar = (node: ParsedNode | null): string => {
      const where = at(node?.range[0] ?? key.range[0])
      if (node === null || (isScalar(node) && node.value === null)) throw usageError(`${where}: "${name}" has no value`)
      if (!isScalar(node)) throw usageError(`${where}: "${name}" takes words, and no ${isMap(node) ? 'mapping' : 'list'} here`)
      return node.source ?? String(node.value)
    }
    if (switches.has(name)) {
      if (!isScalar(value) || typeof value.value !== 'boolean') throw usageError(`${place}: "${name}" is true or false`)
      return value.value ? [{name, argv: [`--${name}`], place}] : []
    }
    if (isSeq<ParsedNode>(value)) return value.items.map((item) => word(scalar(item), item.range[0]))
    if (isMap<ParsedNode, ParsedNode | null>(value))
      return value.items.map((item) => word(`${item.key}=${scalar(item.value)}`, item.key.range[0]))
    return [word(scalar(value), value.range[0])]
  }
  return contents.items.flatMap(words)
}

const refuse =
  (file: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw error.code === 'ENOENT' ? usageError(`there is no file "${file}"`) : new UserError(`"${file}" cannot be read: ${error.message}`)
  }
