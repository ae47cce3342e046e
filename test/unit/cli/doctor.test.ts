import {expect, it} from 'vitest'
import {tellsOfNoName} from '../../../src/cli/doctor/clusters.ts'

it.each([
  ['socket.gaierror: [Errno -2] Name or service not known', true],
  ['OSError: Timed out: [Errno -3] Temporary failure in name resolution', true],
  ['socket.gaierror: [Errno 8] nodename nor servname provided, or not known', true],
  ['socket.gaierror: [Errno -2] Name does not resolve', true],
  ['socket.gaierror: [Errno -5] No address associated with hostname', true],
  ['ConnectionRefusedError: [Errno 111] Connection refused', false],
])('a log that ends with "%s" tells of a name that is not known: %s', (last, expected) => {
  const log = ['Traceback (most recent call last):', '  File "comm/core.py", line 1, in connect', last]
  expect(tellsOfNoName(log)).toBe(expected)
})
