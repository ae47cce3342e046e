/**
 * Reads bodies that come as Kubernetes protobuf: kubectl's typed commands (`create configmap`, `auth can-i`) send nothing else.
 * Answers are always JSON, which those clients accept too (k8s.io/apimachinery: runtime/serializer/protobuf).
 */
import {badRequest} from './errors.ts'
import type {JsonObject} from './json.ts'
import table from './schemas/protobuf.json' with {type: 'json'}

type Field = readonly [name: string, type: string, shape: string]

const messages = table as unknown as Readonly<Record<string, Readonly<Record<string, Field>>>>

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const MAGIC = Buffer.from('k8s\0')
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** Places where an API group's messages are found; the core group is the first. */
const PACKAGES: Readonly<Record<string, string>> = {'': 'core', policy: 'policy', autoscaling: 'autoscaling'}

const messageName = (apiVersion: string, kind: string): string => {
  if (kind === 'DeleteOptions') return `${META}${kind}`
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return `io.k8s.api.${PACKAGES[group] ?? group.split('.')[0]}.${version}.${kind}`
}

/** The object as JSON; 400 for what is no protobuf of a kind that is known here. */
export function fromProtobuf(bytes: Buffer): JsonObject {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw badRequest('the request says protobuf, but its body is none of Kubernetes')
  let apiVersion = ''
  let kind = ''
  let raw: Buffer = Buffer.alloc(0)
  for (const {number, bytes: value} of entries(bytes.subarray(MAGIC.length))) {
    if (number === 2) raw = value
    if (number !== 1) continue
    for (const part of entries(value)) {
      if (part.number === 1) apiVersion = part.bytes.toString()
      if (part.number === 2) kind = part.bytes.toString()
    }
  }
  const name = messageName(apiVersion, kind)
  if (!messages[name]) throw badRequest(`the sandbox reads no protobuf of ${kind} in ${apiVersion}: send JSON`)
  return {apiVersion, kind, ...(readMessage(name, raw) as JsonObject)}
}

interface Entry {
  readonly number: number
  /** Content of length-delimited fields; empty for numbers. */
  readonly bytes: Buffer
  readonly integer: bigint
  readonly double: number
}

function* entries(bytes: Buffer): Generator<Entry> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw badRequest('the protobuf body is cut off')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw badRequest('the protobuf body is cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  const none = {bytes: Buffer.alloc(0), integer: 0n, double: 0}
  while (at < bytes.length) {
    const tag = Number(varint())
    const number = tag >> 3
    const wire = tag & 7
    if (wire === 0) yield {...none, number, integer: BigInt.asIntN(64, varint())}
    else if (wire === 1) yield {...none, number, double: take(8).readDoubleLE()}
    else if (wire === 2) yield {...none, number, bytes: take(Number(varint()))}
    else if (wire === 5) yield {...none, number, double: take(4).readFloatLE()}
    else throw badRequest(`the protobuf body has a field of the unknown wire type ${wire}`)
  }
}

/** Structs that Go's encoder writes even when they are empty; other empty messages (`emptyDir`) mean something. */
const WRITTEN_EMPTY = new Set(['metadata', 'spec', 'status', 'resources', 'creationTimestamp', 'source', 'strategy', 'involvedObject'])

const readMessage = (name: string, bytes: Buffer): unknown => {
  const special = SPECIAL[name]
  if (special) return special(bytes)
  const fields = messages[name] ?? {}
  const read: Record<string, unknown> = {}
  for (const entry of entries(bytes)) {
    const field = fields[entry.number]
    if (!field) continue
    const [key, type, shape] = field
    if (shape === 'map') {
      const {mapKey, mapValue} = readMapEntry(type, entry.bytes)
      read[key] = {...(read[key] as JsonObject | undefined), [mapKey]: mapValue}
    } else if (shape === 'list') {
      const list = (read[key] as unknown[] | undefined) ?? []
      list.push(readValue(type, entry))
      read[key] = list
    } else {
      const value = readValue(type, entry)
      if (!isZero(name, key, value)) read[key] = value
    }
  }
  return name.endsWith('.ExtraValue') ? (read['items'] ?? []) : read
}

/** Go's encoder writes zero values of plain fields, where JSON would leave them out. In DeleteOptions a zero means zero. */
const isZero = (message: string, key: string, value: unknown): boolean => {
  if (value === '' || value === undefined || value === null) return true
  if (value === 0 || value === false) return message !== `${META}DeleteOptions`
  return WRITTEN_EMPTY.has(key) && typeof value === 'object' && Object.keys(value).length === 0
}

const readMapEntry = (type: string, bytes: Buffer): {readonly mapKey: string; readonly mapValue: unknown} => {
  let mapKey = ''
  let mapValue: unknown = type === 'string' || type === 'bytes' ? '' : {}
  for (const entry of entries(bytes)) {
    if (entry.number === 1) mapKey = entry.bytes.toString()
    if (entry.number === 2) mapValue = readValue(type, entry)
  }
  return {mapKey, mapValue}
}

const readValue = (type: string, entry: Entry): unknown => {
  switch (type) {
    case 'string':
      return entry.bytes.toString()
    case 'bytes':
      return entry.bytes.toString('base64')
    case 'bool':
      return entry.integer !== 0n
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64':
      return Number(entry.integer)
    case 'double':
    case 'float':
      return entry.double
    default:
      return readMessage(type, entry.bytes)
  }
}

const numberAt = (bytes: Buffer, number: number): number => {
  for (const entry of entries(bytes)) if (entry.number === number) return Number(entry.integer)
  return 0
}
const bytesAt = (bytes: Buffer, number: number): Buffer | undefined => {
  for (const entry of entries(bytes)) if (entry.number === number) return entry.bytes
  return undefined
}
const readTime = (bytes: Buffer): string | undefined => {
  if (bytes.length === 0) return undefined
  return new Date(numberAt(bytes, 1) * 1000).toISOString().replace('.000Z', 'Z')
}
const readJson = (bytes: Buffer): unknown => {
  const raw = bytesAt(bytes, 1)
  return raw && raw.length > 0 ? JSON.parse(raw.toString()) : undefined
}

/** Messages whose JSON is not an object of their fields. */
const SPECIAL: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  [`${META}Time`]: readTime,
  [`${META}MicroTime`]: (bytes) => readTime(bytes)?.replace(/Z$/, `.${String(Math.floor(numberAt(bytes, 2) / 1000)).padStart(6, '0')}Z`),
  [`${META}FieldsV1`]: readJson,
  'io.k8s.apimachinery.pkg.runtime.RawExtension': readJson,
  'io.k8s.apimachinery.pkg.api.resource.Quantity': (bytes) => bytesAt(bytes, 1)?.toString(),
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': (bytes) =>
    numberAt(bytes, 1) === 1 ? (bytesAt(bytes, 3)?.toString() ?? '') : numberAt(bytes, 2),
}
