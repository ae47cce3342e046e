import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Seen} from '../../../src/cli/pod-logs.ts'

/** A container's log: a few lines may share a time; nanoseconds without trailing zeros, as the kubelet writes them. */
const log = fc.array(fc.tuple(fc.nat(3), fc.string({unit: fc.constantFrom('a', 'b', ' ')})), {maxLength: 30}).map((lines) => {
  let nanos = 0
  return lines.map(([step, text]) => {
    nanos += step * 100_000_000
    const fraction = String(nanos % 1e9)
      .padStart(9, '0')
      .replace(/0+$/, '')
    return {text, line: `2026-11-23T12:00:${String(Math.floor(nanos / 1e9)).padStart(2, '0')}${fraction ? `.${fraction}` : ''}Z ${text}`}
  })
})

describe('a log whose connection drops', () => {
  it('is told line by line exactly once, wherever it dropped and however far each new look reaches back', () => {
    fc.assert(
      fc.property(log, fc.array(fc.tuple(fc.nat(30), fc.nat(30))), (lines, drops) => {
        const seen = new Seen()
        const told: string[] = []
        let reached = 0
        for (const [from, length] of [...drops, [0, lines.length] as const]) {
          // A new look begins at a time that all lines told so far reach: never behind the last one, and at no line in the middle of a time.
          const stamp = lines[Math.min(from, reached, lines.length - 1)]?.line.split(' ')[0]
          const start = Math.max(
            0,
            lines.findIndex(({line}) => line.startsWith(`${stamp} `)),
          )
          const part = lines.slice(start, start + length)
          seen.rewind()
          for (const {line} of part) {
            const text = seen.fresh(line)
            if (text !== undefined) told.push(text)
          }
          reached = Math.max(reached, start + part.length)
        }
        expect(told).toEqual(lines.map(({text}) => text))
      }),
    )
  })

  it('keeps lines that carry no time', () => {
    expect(new Seen().fresh('no time here')).toBe('no time here')
  })
})
