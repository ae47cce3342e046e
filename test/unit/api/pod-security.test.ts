import {expect, it} from 'vitest'
import {namePodSecurity} from '../../../src/api/pod-security.ts'

it('a refusal by pod security has a reason of its own and a remedy', () => {
  const message = 'pods "demo-scheduler" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
  const named = namePodSecurity({reason: 'FailedCreate', message, terminal: false})
  expect(named).toMatchObject({reason: 'ViolatesPodSecurity', terminal: false})
  expect(named.message).toMatch(/^pods "demo-scheduler" is forbidden: violates .* != true; .*--pod-security restricted/)
})

it('any other refusal is as it was', () => {
  const refusal = {reason: 'FailedCreate', message: 'pods "demo-scheduler" is forbidden: exceeded quota: two'}
  expect(namePodSecurity(refusal)).toBe(refusal)
})
