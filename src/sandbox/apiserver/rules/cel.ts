/** One CEL expression of a definition, read once and evaluated for each object. All that is known of the library stands here. */
import {Environment, EvaluationError, Optional, ParseError} from '@marcbachmann/cel-js'

export interface Variables {
  readonly self: unknown
  /** Absent where the expression does not look at it. */
  readonly oldSelf?: unknown
}

export type Expression =
  | {readonly evaluate: (variables: Variables) => unknown}
  /** `syntax`: nobody can read it. `unsupported`: it may call a function that only a real server has. */
  | {readonly wrong: 'syntax' | 'unsupported'; readonly why: string}

/** Says why an expression came to no value, in the words of cel-go. */
export class NoValue extends Error {
  override readonly name = 'NoValue'
}

/** What the library calls on, as far as it is used here. */
interface Node {
  readonly op: string
  readonly args: readonly [Node, string]
}
interface FieldTest {
  readonly field: Node
}

/** `has(list[0].field)`: the library's own looks into nothing but fields of fields. */
const hasItemField = ({args: [field]}: {readonly args: readonly [Node]}) => ({
  field,
  typeCheck: (
    checker: {check(node: Node, context: unknown): unknown; getType(name: 'bool'): unknown},
    test: FieldTest,
    context: unknown,
  ) => {
    checker.check(test.field.args[0], context)
    return checker.getType('bool')
  },
  evaluate: (evaluator: {run(node: Node, context: unknown): unknown}, {field: {args}}: FieldTest, context: unknown): boolean => {
    const holder = evaluator.run(args[0], context)
    return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, args[1])
  },
})
const withItemFields = (text: string): string => text.replaceAll(/\bhas\((?=[^()]*\](?:\.\w+)+\s*\))/g, 'hasItemField(')

const environment = (oldSelf: 'dyn' | 'optional'): Environment =>
  new Environment({enableOptionalTypes: true})
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', oldSelf)
    .registerFunction('hasItemField(ast): bool', hasItemField)
const [plain, looking] = [environment('dyn'), environment('optional')]

/** `mayLookBack`: its `oldSelf` is an optional, as `optional` below makes it. */
export function readExpression(text: string, mayLookBack: boolean): Expression {
  try {
    const parsed = (mayLookBack ? looking : plain).parse(withItemFields(text))
    const {error} = parsed.check()
    if (error) return {wrong: 'unsupported', why: error.summary}
    return {
      evaluate: ({self, oldSelf}) => {
        try {
          return parsed({self, oldSelf})
        } catch (error) {
          throw new NoValue(reasonOf(error), {cause: error})
        }
      },
    }
  } catch (error) {
    if (error instanceof ParseError) return {wrong: 'syntax', why: error.summary}
    throw error
  }
}

const reasonOf = (error: unknown): string => {
  const text = error instanceof EvaluationError ? error.summary : error instanceof Error ? error.message : String(error)
  return text.replace(/^No such key/, 'no such key')
}

/** What `oldSelf` is for a rule that asks for it by `optionalOldSelf`. */
export const optional = (value: unknown): unknown => (value === undefined ? Optional.none() : Optional.of(value))
