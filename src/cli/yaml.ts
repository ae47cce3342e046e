/** The YAML library, in a file of its own so that it is loaded only when YAML is read or written. */
import {Document, Scalar, visit} from 'yaml'

export {isMap, isScalar, isSeq, LineCounter, parseAllDocuments, parseDocument} from 'yaml'

/** Numbers as Go reads them: with a base's letter of either case, and with `_` anywhere. */
const NUMBER = /^[-+]?(0[xob][\da-f]+|\d*\.?\d*(e[-+]?\d+)?)$/i
/** Line breaks of YAML 1.1 only, and what its readers refuse unless it is escaped. */
const UNSEEN = /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g
/** Go's reader refuses a block that begins with a tab, PyYAML a plain word with one in it; of a block of blanks both lose some. */
const BLANKS = /^\s*(\t|$)|^.*\t.*$/

const needsQuotes = (text: string): boolean =>
  text === '=' || NUMBER.test(text.replaceAll('_', '')) || text.search(UNSEEN) >= 0 || BLANKS.test(text)

/**
 * YAML that means the same to readers of 1.1 (kubectl's, PyYAML) and of 1.2: to the former `yes`, `1_000` and `12:30` without quotes are no
 * strings.
 */
export function toYaml(value: unknown, replacer?: (key: unknown, value: unknown) => unknown): string {
  const document = new Document(value, replacer ?? null, {aliasDuplicateObjects: false, compat: 'yaml-1.1'})
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && needsQuotes(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  const escaped = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  return document.toString({lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER}).replace(UNSEEN, escaped)
}
