/** Field selectors, and both selectors of a request together (k8s.io/apimachinery: fields). */
import {badRequest} from './errors.ts'
import {type ApiObject, valueAt} from './json.ts'
import {parseLabelSelector} from './label-selector.ts'

export type Predicate = (object: ApiObject) => boolean

/** `a=b,c!=d` over the fields that the resource can be selected by; 400 for any other field. */
export function parseFieldSelector(text: string, selectable: readonly string[]): Predicate {
  if (text === '') return () => true
  const terms = text.split(',').map((term) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term.trim())
    const [, field = '', operator, value = ''] = match ?? []
    if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
    if (!selectable.includes(field)) throw badRequest(`field label not supported: ${field}`)
    return (object: ApiObject): boolean => (fieldText(object, field) === value) === (operator !== '!=')
  })
  return (object) => terms.every((holds) => holds(object))
}

const fieldText = (object: ApiObject, field: string): string => {
  const value = valueAt(object, field)
  return value === undefined || value === null ? '' : String(value)
}

/** Both selectors of a list, watch or deletecollection; `undefined` when they select everything. */
export function selection(query: URLSearchParams, selectable: readonly string[]): Predicate | undefined {
  const labelText = query.get('labelSelector') ?? ''
  const fieldSelector = query.get('fieldSelector') ?? ''
  if (labelText === '' && fieldSelector === '') return undefined
  const byLabels = parseLabelSelector(labelText)
  const byFields = parseFieldSelector(fieldSelector, ['metadata.name', 'metadata.namespace', ...selectable])
  return (object) => byLabels(object.metadata.labels ?? {}) && byFields(object)
}
