import {expect, it} from 'vitest'
import {loadOf, numberRows} from '../../../src/cli/cluster-numbers.ts'

const NOW = Date.parse('2026-11-23T12:10:00Z')
const idle = {...loadOf([]), idleSince: Date.parse('2026-11-23T12:00:00Z') / 1000}

it.each([
  [{}, 'for 10m'],
  [{idleTimeout: 0}, 'for 10m'],
  [{idleTimeout: 1800}, 'for 10m of 30m, deleted in 20m'],
  [{idleTimeout: 1800, idleAction: 'Suspend'}, 'for 10m of 30m, suspended in 20m'],
  [{idleTimeout: 300}, 'for 10m of 5m, deleted now'],
] as const)('an idle cluster with %o tells: %s', (rule, words) => {
  expect(numberRows(idle, rule, NOW)).toContainEqual(['Idle:', words])
})
