/**
 * The YAML that tools write kubeconfigs in: mappings and lists in block style, one-line scalars. `undefined` for a text with anything else
 * in it (anchors, tags, flow style, text over several lines): a whole YAML library has to read that one.
 */
export function parsePlainYaml(text: string): unknown {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }
  const lines: Line[] = []
  for (const raw of text.split('\n')) {
    const line = /^( *)(.*?)\s*$/.exec(raw)
    const content = line?.[2] ?? ''
    if (content === '' || content.startsWith('#') || (content === '---' && lines.length === 0)) continue
    if (raw.includes('\t') || /^(---|\.\.\.|%)/.test(raw)) return undefined
    lines.push({indent: line?.[1]?.length ?? 0, content})
  }
  if (lines.length === 0) return undefined
  const reader: Reader = {lines, at: 0}
  const value = readBlock(reader, lines[0]?.indent ?? 0)
  return value === STRANGE || reader.at < lines.length ? undefined : value
}

interface Line {
  readonly indent: number
  readonly content: string
}

interface Reader {
  readonly lines: Line[]
  at: number
}

const STRANGE = Symbol('strange')

const readBlock = (reader: Reader, indent: number): unknown =>
  /^-( |$)/.test(reader.lines[reader.at]?.content ?? '') ? readList(reader, indent) : readMapping(reader, indent)

const readList = (reader: Reader, indent: number): unknown => {
  const items: unknown[] = []
  for (let line = reader.lines[reader.at]; line?.indent === indent && /^-( |$)/.test(line.content); line = reader.lines[reader.at]) {
    const inner = line.content.slice(1).trimStart()
    if (inner === '') {
      reader.at++
      const next = reader.lines[reader.at]
      items.push(next && next.indent > indent ? readBlock(reader, next.indent) : null)
    } else if (isEntry(inner)) {
      // "- name: x" begins a mapping whose lines stand under the "n".
      const deeper = indent + line.content.length - inner.length
      reader.lines[reader.at] = {indent: deeper, content: inner}
      items.push(readMapping(reader, deeper))
    } else {
      items.push(readScalar(inner))
      reader.at++
    }
    if (items.at(-1) === STRANGE) return STRANGE
  }
  return items
}

const ENTRY = /^([A-Za-z0-9_][\w.\-/@]*|"[^"\\]*"|'[^']*'):(?: +(.*))?$/

const isEntry = (content: string): boolean => ENTRY.test(content)

const readMapping = (reader: Reader, indent: number): unknown => {
  const mapping: Record<string, unknown> = {}
  for (let line = reader.lines[reader.at]; line && line.indent >= indent; line = reader.lines[reader.at]) {
    const [, key, rest = ''] = ENTRY.exec(line.content) ?? []
    if (key === undefined || line.indent !== indent || key === '__proto__') return STRANGE
    const name = key.replace(/^["'](.*)["']$/, '$1')
    reader.at++
    const next = reader.lines[reader.at]
    // Lists may stand as far left as their key.
    const isBlock = next && (next.indent > indent || (next.indent === indent && /^-( |$)/.test(next.content)))
    const value = rest !== '' ? readScalar(rest) : isBlock ? readBlock(reader, next.indent) : null
    if (value === STRANGE) return STRANGE
    mapping[name] = value
  }
  return mapping
}

const readScalar = (text: string): unknown => {
  if (text === '{}') return {}
  if (text === '[]') return []
  if (/^"[^"\\]*"$|^'[^']*'$/.test(text)) return text.slice(1, -1)
  if (/^[&*!|>%@`"'{}[\],#?]|^- |: | #|:$/.test(text)) return STRANGE
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if (/^(~|null)$/i.test(text)) return null
  // A number where a name should be is for the library to judge.
  if (/^[-+.]?\d[\d_.eE+-]*$|^0[xo]/.test(text)) return STRANGE
  return text
}
