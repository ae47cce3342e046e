/** The part of Kubernetes' JSONPath dialect that printer columns use: fields, indexes, `[*]`, `..` not, filters with ==, != and existence. */
import {isObject} from '../json.ts'

type Step = (values: readonly unknown[]) => readonly unknown[]

/** Every value that the path leads to. Throws on a path that is none. */
export function compileJsonPath(path: string): (value: unknown) => readonly unknown[] {
  const steps = parse(path)
  return (value) => steps.reduce<readonly unknown[]>((values, step) => step(values), [value])
}

const TOKEN = /\.((?:[^.[\\]|\\.)+)|\[(\d+|-\d+)\]|\[['"]([^'"]+)['"]\]|(\[\*\]|\.\*)|\[\?\(\s*(.+?)\s*\)\]/y

const parse = (path: string): readonly Step[] => {
  const steps: Step[] = []
  TOKEN.lastIndex = path.startsWith('$') ? 1 : 0
  while (TOKEN.lastIndex < path.length) {
    const start = TOKEN.lastIndex
    const match = TOKEN.exec(path)
    if (!match) throw new Error(`the JSONPath ${path} is not understood from "${path.slice(start)}" on`)
    const [, field, index, quoted, , filter] = match
    if (field !== undefined && field !== '*') steps.push(fieldStep(field.replaceAll(/\\(.)/g, '$1')))
    else if (quoted !== undefined) steps.push(fieldStep(quoted))
    else if (index !== undefined) steps.push(listStep((list) => list.slice(...slot(Number(index)))))
    else if (filter !== undefined) steps.push(listStep((list) => list.filter(compileFilter(filter))))
    else steps.push((values) => values.flatMap(children))
  }
  return steps
}

const slot = (index: number): [number, number | undefined] => [index, index === -1 ? undefined : index + 1]
const fieldStep =
  (field: string): Step =>
  (values) =>
    values.flatMap((value) => (isObject(value) && value[field] !== undefined ? [value[field]] : []))
const listStep =
  (choose: (list: readonly unknown[]) => readonly unknown[]): Step =>
  (values) =>
    values.flatMap((value) => (Array.isArray(value) ? choose(value) : []))
const children = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [])

const compileFilter = (filter: string): ((item: unknown) => boolean) => {
  const match = /^@(\S+?)\s*(?:(==|!=)\s*(.+))?$/.exec(filter)
  if (!match) throw new Error(`the JSONPath filter ${filter} is not understood`)
  const [, path = '', operator, literal = ''] = match
  const find = compileJsonPath(path)
  if (!operator) return (item) => find(item).length > 0
  const quoted = /^(['"])(.*)\1$/.exec(literal)
  const wanted = quoted ? quoted[2] : literal
  return (item) => find(item).some((value) => String(value) === wanted) === (operator === '==')
}
