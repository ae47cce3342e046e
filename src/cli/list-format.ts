import {didYouMean} from './did-you-mean.ts'
import {evaluate, type Path, parsePath, parseTemplate, printed, renderTemplate} from './jsonpath.ts'
import {type Column, renderTable} from './table.ts'
import {usageError} from './user-error.ts'

/** Objects as one of kubectl's rarer formats shows them; `document` is what a template begins at. */
export type Render = (objects: readonly unknown[], document: unknown, noHeaders: boolean) => string

/** `jsonpath=TEMPLATE` or `custom-columns=HEADER:PATH,…`. Throws a usage error for what is no format, with the nearest one. */
export function parseFormat(text: string): Render {
  const [, name = text, value = ''] = /^([a-z-]+)=(.*)$/s.exec(text) ?? []
  if (name === 'jsonpath') {
    if (value === '') throw usageError('jsonpath needs a template', "write it like -o jsonpath='{.items[*].metadata.name}'")
    const template = parseTemplate(value)
    return (_, document) => renderTemplate(template, document)
  }
  if (name === 'custom-columns') {
    const columns = customColumns(value)
    return (objects, _, noHeaders) => renderTable(objects, columns, {noHeaders, now: 0})
  }
  if (name.startsWith('go-template'))
    throw usageError('go-template is not supported', 'use -o jsonpath=…, -o custom-columns=…, or -o json with jq')
  throw usageError(
    `"${text}" is no output format`,
    ...didYouMean(name, ['json', 'yaml', 'name', 'wide', 'jsonpath', 'custom-columns']),
    'there are json, yaml, name, wide, jsonpath=TEMPLATE and custom-columns=HEADER:PATH,…',
  )
}

/** `HEADER:PATH,HEADER:PATH`, as kubectl takes it. */
const customColumns = (text: string): readonly Column<unknown>[] => {
  if (text === '')
    throw usageError('custom-columns needs columns', 'write it like -o custom-columns=NAME:.metadata.name,WORKERS:.spec.worker.replicas')
  return text.split(/,(?=[^\],:]+:)/).map((column) => {
    const at = column.indexOf(':')
    if (at < 1) throw usageError(`"${column}" is no HEADER:PATH`, 'write it like NAME:.metadata.name')
    const path = parsePath(column.slice(at + 1))
    return {header: column.slice(0, at), value: (object) => evaluate(path, object).map(printed).join(',')}
  })
}

/** Sorted by the value that the path leads to: numbers by size, all else as text; objects without one come first. Throws where none has one, as kubectl does. */
export function sortBy<T>(objects: readonly T[], text: string): readonly T[] {
  const path: Path = parsePath(text)
  const keyed = objects.map((object) => ({object, key: evaluate(path, object)[0]}))
  if (objects.length > 0 && keyed.every(({key}) => key === undefined))
    throw usageError(`none of them has a field ${text}`, 'write it like --sort-by=.metadata.creationTimestamp')
  return keyed.toSorted((a, b) => compare(a.key, b.key)).map(({object}) => object)
}

const compare = (a: unknown, b: unknown): number => {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return printed(a) < printed(b) ? -1 : printed(a) > printed(b) ? 1 : 0
}
