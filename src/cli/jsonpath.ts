import {usageError} from './user-error.ts'

/**
 * kubectl's JSONPath templates (`{.items[*].metadata.name}`, `{range …}…{end}`, `{"\n"}`), as its documentation describes them.
 * A field that is not there gives nothing, as in `kubectl get`.
 */
type Template = readonly Part[]

type Part =
  | {readonly kind: 'text'; readonly text: string}
  | {readonly kind: 'path'; readonly path: Path}
  | {readonly kind: 'range'; readonly path: Path; readonly body: Template}

export type Path = readonly Step[]

type Step =
  | {readonly kind: 'root'}
  | {readonly kind: 'fields'; readonly names: readonly string[]}
  | {readonly kind: 'all'}
  | {readonly kind: 'deep'}
  | {readonly kind: 'indexes'; readonly indexes: readonly number[]}
  | {readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly by: number}
  | {readonly kind: 'filter'; readonly left: Operand; readonly operator: string | undefined; readonly right: Operand | undefined}

type Operand = {readonly path: Path} | {readonly value: unknown}

/** Throws a usage error that shows where a template is wrong. */
export function parseTemplate(text: string): Template {
  const reader = {text, at: 0}
  const template = readParts(reader, false)
  if (reader.at < text.length) throw wrong(reader, 'there is an {end} without a {range}')
  return template
}

/** One path, with its braces or without: `.metadata.name`, `{.metadata.name}`, `metadata.name`. */
export function parsePath(text: string): Path {
  const inner = /^\{(.*)\}$/s.exec(text)?.[1] ?? text
  const reader = {text: /^[.[$@]/.test(inner) ? inner : `.${inner}`, at: 0}
  const path = readPath(reader)
  if (reader.at < reader.text.length) throw wrong(reader, 'this is no path')
  return path
}

export const renderTemplate = (template: Template, document: unknown, root = document): string =>
  template
    .map((part) => {
      if (part.kind === 'text') return part.text
      const values = evaluate(part.path, document, root)
      if (part.kind === 'path') return values.map(printed).join(' ')
      return values.map((value) => renderTemplate(part.body, value, root)).join('')
    })
    .join('')

/** All values that a path leads to. */
export function evaluate(path: Path, start: unknown, root = start): readonly unknown[] {
  let values: readonly unknown[] = [start]
  for (const step of path) values = values.flatMap((value) => follow(step, value, root))
  return values
}

/** As kubectl prints a value: text as it is, everything else as JSON. */
export const printed = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

interface Reader {
  readonly text: string
  at: number
}

const wrong = ({text, at}: Reader, fact: string): Error => usageError(`the template "${text}" is wrong at column ${at + 1}: ${fact}`)

const readParts = (reader: Reader, isInside: boolean): Template => {
  const parts: Part[] = []
  while (reader.at < reader.text.length) {
    const open = reader.text.indexOf('{', reader.at)
    const text = reader.text.slice(reader.at, open < 0 ? undefined : open)
    if (text !== '') parts.push({kind: 'text', text})
    reader.at = open < 0 ? reader.text.length : open
    if (open < 0) break
    if (/^\{\s*end\s*\}/.test(reader.text.slice(open))) {
      if (isInside) {
        reader.at = reader.text.indexOf('}', open) + 1
        return parts
      }
      throw wrong(reader, 'there is an {end} without a {range}')
    }
    reader.at++
    const range = /^\s*range\s+/.exec(reader.text.slice(reader.at))
    if (range) reader.at += range[0].length
    skipSpaces(reader)
    const quoted = range ? undefined : readQuoted(reader)
    const path = quoted === undefined ? readPath(reader) : []
    skipSpaces(reader)
    if (reader.text[reader.at] !== '}') throw wrong(reader, 'a } is missing')
    reader.at++
    if (quoted !== undefined) parts.push({kind: 'text', text: quoted})
    else parts.push(range ? {kind: 'range', path, body: readParts(reader, true)} : {kind: 'path', path})
  }
  if (isInside) throw wrong(reader, 'a {range} has no {end}')
  return parts
}

const skipSpaces = (reader: Reader): void => {
  while (reader.text[reader.at] === ' ') reader.at++
}

const ESCAPES: Readonly<Record<string, string>> = {n: '\n', t: '\t', r: '\r'}

const readQuoted = (reader: Reader): string | undefined => {
  const found = /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/s.exec(reader.text.slice(reader.at))
  if (!found) return undefined
  reader.at += found[0].length
  return (found[1] ?? found[2] ?? '').replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char)
}

const readPath = (reader: Reader): Path => {
  const steps: Step[] = []
  for (;;) {
    const rest = reader.text.slice(reader.at)
    const eat = (length: number): void => {
      reader.at += length
    }
    const word = /^\.?((?:[\w/-]|\\.)+)/.exec(rest)
    if (rest[0] === '$' && steps.length === 0) {
      steps.push({kind: 'root'})
      eat(1)
    } else if (rest[0] === '@' && steps.length === 0) eat(1)
    else if (rest.startsWith('..')) {
      steps.push({kind: 'deep'})
      eat(/^\.\.[\w]/.test(rest) ? 1 : 2)
    } else if (rest.startsWith('.*') || rest[0] === '*') {
      steps.push({kind: 'all'})
      eat(rest[0] === '.' ? 2 : 1)
    } else if (rest[0] === '[') {
      steps.push(readBracket(reader))
    } else if (word && (rest[0] === '.' || steps.at(-1)?.kind === 'deep')) {
      steps.push({kind: 'fields', names: [(word[1] ?? '').replace(/\\(.)/g, '$1')]})
      eat(word[0].length)
    } else if (rest[0] === '.' && !/^\.[^\s})\]]/.test(rest)) eat(1)
    else if (rest === '' || /^[\s})\]=<>!]/.test(rest)) return steps
    else throw wrong(reader, `"${rest[0]}" is not expected in a path`)
  }
}

const readBracket = (reader: Reader): Step => {
  const rest = reader.text.slice(reader.at)
  if (rest.startsWith('[?(')) return readFilter(reader)
  const names = /^\[\s*((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?:\s*,\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))*)\s*\]/.exec(rest)
  const slice = /^\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(\d+))?\s*\]/.exec(rest)
  const indexes = /^\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]/.exec(rest)
  const [found] = /^\[\s*\*?\s*\]/.exec(rest) ?? names ?? slice ?? indexes ?? []
  if (found === undefined) throw wrong(reader, 'in [ ] there is a number, a slice, a quoted name, * or ?( )')
  reader.at += found.length
  if (names)
    return {
      kind: 'fields',
      names: [...(names[1] ?? '').matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map(([, one, two]) =>
        (one ?? two ?? '').replace(/\\(.)/g, '$1'),
      ),
    }
  if (indexes) return {kind: 'indexes', indexes: (indexes[1] ?? '').split(',').map(Number)}
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
  return slice ? {kind: 'slice', from: number(slice[1]), to: number(slice[2]), by: Math.max(1, number(slice[3]) ?? 1)} : {kind: 'all'}
}

const readFilter = (reader: Reader): Step => {
  reader.at += 3
  const left = readOperand(reader)
  skipSpaces(reader)
  const operator = /^(==|!=|<=|>=|<|>)/.exec(reader.text.slice(reader.at))?.[0]
  reader.at += operator?.length ?? 0
  skipSpaces(reader)
  const right = operator === undefined ? undefined : readOperand(reader)
  skipSpaces(reader)
  if (!reader.text.startsWith(')]', reader.at)) throw wrong(reader, 'a filter ends with )]')
  reader.at += 2
  return {kind: 'filter', left, operator, right}
}

const readOperand = (reader: Reader): Operand => {
  skipSpaces(reader)
  const quoted = readQuoted(reader)
  if (quoted !== undefined) return {value: quoted}
  const literal = /^(true|false|null|-?\d+(?:\.\d+)?)(?=[\s)])/.exec(reader.text.slice(reader.at))?.[0]
  if (literal === undefined) return {path: readPath(reader)}
  reader.at += literal.length
  return {value: JSON.parse(literal)}
}

const childrenOf = (value: unknown): readonly unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : [])

const follow = (step: Step, value: unknown, root: unknown): readonly unknown[] => {
  switch (step.kind) {
    case 'root':
      return [root]
    case 'fields':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
      return step.names.flatMap((name) => (Object.hasOwn(value, name) ? [(value as Readonly<Record<string, unknown>>)[name]] : []))
    case 'all':
      return childrenOf(value)
    case 'deep':
      return [value, ...childrenOf(value).flatMap((child) => follow(step, child, root))]
    case 'indexes':
      return Array.isArray(value) ? step.indexes.map((index) => value.at(index)).filter((each) => each !== undefined) : []
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to).filter((_, index) => index % step.by === 0) : []
    case 'filter':
      return childrenOf(value).filter((child) => passes(step, child, root))
  }
}

const passes = ({left, operator, right}: Extract<Step, {kind: 'filter'}>, child: unknown, root: unknown): boolean => {
  const valuesOf = (operand: Operand): readonly unknown[] => ('path' in operand ? evaluate(operand.path, child, root) : [operand.value])
  const [mine] = valuesOf(left)
  if (operator === undefined || right === undefined) return mine !== undefined
  const [theirs] = valuesOf(right)
  if (operator === '==') return mine === theirs
  if (operator === '!=') return mine !== theirs
  if ((typeof mine !== 'number' || typeof theirs !== 'number') && (typeof mine !== 'string' || typeof theirs !== 'string')) return false
  return operator === '<' ? mine < theirs : operator === '>' ? mine > theirs : operator === '<=' ? mine <= theirs : mine >= theirs
}
