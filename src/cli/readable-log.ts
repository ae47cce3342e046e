/** The fields that each line of the operator's log has; what else it has is told behind its words. */
interface Line {
  readonly time?: string
  readonly level?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
  readonly msg?: string
  readonly error?: string
}

/** A line of the operator's log (JSON) as a person reads it; any other line as it is. */
export function readableLog(line: string): string {
  const parsed = parse(line)
  if (!parsed) return line.trimEnd()
  const {time, level, kind, namespace, name, msg, error, ...rest} = parsed
  const subject = kind === undefined ? [] : [`${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}:`]
  const others = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const words = error === undefined ? msg : `${msg}: ${error}`
  return [time, level?.padEnd(5), ...subject, words, ...others].join(' ')
}

const parse = (line: string): Line | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    const parsed = JSON.parse(line) as Line
    return typeof parsed.msg === 'string' && typeof parsed.level === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}
