/** Quantities in the one form in which the real server stores them (k8s.io/apimachinery: api/resource, Quantity). */

const FORM = /^([+-]?)(\d+\.?\d*|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
/** Everything is counted in nanos: no quantity is finer. */
const NANO_EXPONENT = -9

const power = (base: bigint, exponent: number): bigint => base ** BigInt(exponent)

/** The shortest exact form (`1000m` is `1`, `1024Mi` is `1Gi`, `1.5Gi` is `1536Mi`); `undefined` for what is no quantity. */
export function canonicalQuantity(value: string | number): string | undefined {
  const match = FORM.exec(String(value))
  if (!match) return undefined
  const [, sign = '', number = '', suffix = ''] = match
  const [whole = '', fraction = ''] = number.split('.')
  const digits = BigInt(`${whole}${fraction}` || '0')
  const isBinary = suffix.endsWith('i')
  const exponent = isBinary ? 0 : /^[eE]\S/.test(suffix) ? Number(suffix.slice(1)) : 3 * (DECIMAL.indexOf(suffix) - 3)
  if (Math.abs(exponent) > 30) return undefined
  const scale = exponent - fraction.length - NANO_EXPONENT
  const scaled = digits * (isBinary ? power(1024n, BINARY.indexOf(suffix)) : 1n)
  // What is finer than a nano is rounded up, as the real one does.
  const nanos = scale >= 0 ? scaled * power(10n, scale) : (scaled + power(10n, -scale) - 1n) / power(10n, -scale)
  const minus = sign === '-' && nanos !== 0n ? '-' : ''
  const one = power(10n, 9)
  if (isBinary && nanos % one === 0n && nanos >= 1024n * one) return minus + withLargest(nanos / one, 1024n, BINARY)
  if (/^[eE]/.test(suffix) && suffix.length > 1) return minus + withExponent(nanos)
  return minus + withLargest(nanos, 1000n, DECIMAL)
}

const withLargest = (amount: bigint, base: bigint, suffixes: readonly string[]): string => {
  if (amount === 0n) return '0'
  let rest = amount
  let at = 0
  while (rest % base === 0n && at < suffixes.length - 1) {
    rest /= base
    at += 1
  }
  return `${rest}${suffixes[at]}`
}

const withExponent = (nanos: bigint): string => {
  let rest = nanos
  let exponent = NANO_EXPONENT
  while (rest !== 0n && rest % 1000n === 0n) {
    rest /= 1000n
    exponent += 3
  }
  return exponent === 0 || rest === 0n ? String(rest) : `${rest}e${exponent}`
}
