import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Refusal} from '../../../../src/sandbox/apiserver/errors.ts'
import {fromProtobuf} from '../../../../src/sandbox/apiserver/protobuf.ts'

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
const text = (number: number, content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}
const integer = (number: number, value: number): Buffer => Buffer.concat([varint(number * 8), varint(value)])
const sent = (apiVersion: string, kind: string, ...fields: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), text(1, Buffer.concat([text(1, apiVersion), text(2, kind)])), text(2, Buffer.concat(fields))])

describe('a protobuf body', () => {
  it('is read as the JSON that it would have been', () => {
    const metadata = text(1, Buffer.concat([text(1, 'c'), text(2, ''), text(11, Buffer.concat([text(1, 'a'), text(2, 'b')]))]))
    const data = text(2, Buffer.concat([text(1, 'key'), text(2, 'value')]))
    const binary = text(3, Buffer.concat([text(1, 'raw'), text(2, Buffer.from([0, 255]))]))
    expect(fromProtobuf(sent('v1', 'ConfigMap', metadata, data, binary))).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: 'c', labels: {a: 'b'}},
      data: {key: 'value'},
      binaryData: {raw: 'AP8='},
    })
  })

  it('carries numbers, names of ports, quantities and times in their JSON shapes', () => {
    const byNumber = text(1, Buffer.concat([integer(3, 80), text(4, Buffer.concat([integer(1, 0), integer(2, 8080)]))]))
    const byName = text(1, Buffer.concat([integer(3, 81), text(4, Buffer.concat([integer(1, 1), text(3, 'http')]))]))
    expect(fromProtobuf(sent('v1', 'Service', text(2, Buffer.concat([byNumber, byName]))))).toMatchObject({
      spec: {
        ports: [
          {port: 80, targetPort: 8080},
          {port: 81, targetPort: 'http'},
        ],
      },
    })
    const lease = text(2, Buffer.concat([integer(2, 15), text(4, Buffer.concat([integer(1, 1_700_000_000), integer(2, 5000)]))]))
    expect(fromProtobuf(sent('coordination.k8s.io/v1', 'Lease', lease))).toMatchObject({
      spec: {leaseDurationSeconds: 15, renewTime: '2023-11-14T22:13:20.000005Z'},
    })
  })

  it('keeps the zero of a grace period', () => {
    expect(fromProtobuf(sent('v1', 'DeleteOptions', integer(1, 0)))).toMatchObject({gracePeriodSeconds: 0})
  })

  it('of an unknown kind is refused by name', () => {
    expect(() => fromProtobuf(sent('apps/v1', 'StatefulSet'))).toThrow('reads no protobuf of StatefulSet in apps/v1')
  })

  it('is read or refused, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), fc.constantFrom('Pod', 'ConfigMap', 'Service', 'Event'), (bytes, kind) => {
        try {
          fromProtobuf(sent('v1', kind, Buffer.from(bytes)))
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
        }
      }),
    )
  })
})
