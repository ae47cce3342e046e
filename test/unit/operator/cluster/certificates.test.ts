import {X509Certificate} from 'node:crypto'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {AUTHORITY_MS, CERTIFICATE_MS, issueAuthority, issueCertificate} from '../../../../src/operator/cluster/certificates.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')

it('a certificate is its authority’s, good from a little before now until its life is over, whatever the name', () => {
  fc.assert(
    fc.property(fc.string({minLength: 1, maxLength: 60}), fc.integer({min: 1, max: 3650}), (name, days) => {
      const authority = issueAuthority(`${name} CA`, NOW)
      const lifeMs = days * 86_400_000
      const [ca, cert] = [authority, issueCertificate(name, authority, NOW, lifeMs)].map((pair) => new X509Certificate(pair.cert))
      expect(cert?.verify(ca?.publicKey as NonNullable<typeof ca>['publicKey'])).toBe(true)
      expect(cert?.checkIssued(ca as X509Certificate)).toBe(true)
      expect([ca?.ca, cert?.ca]).toEqual([true, false])
      expect(cert?.validToDate.getTime()).toBe(NOW + Math.min(lifeMs, AUTHORITY_MS))
      expect(cert?.validFromDate.getTime()).toBeLessThan(NOW)
    }),
    {numRuns: 20},
  )
})

it('none outlives its authority, and none is another’s', () => {
  const late = NOW + AUTHORITY_MS - CERTIFICATE_MS / 2
  const [one, other] = [issueAuthority('one', NOW), issueAuthority('one', NOW)]
  const cert = new X509Certificate(issueCertificate('demo', one, late).cert)
  expect(cert.validToDate.getTime()).toBe(NOW + AUTHORITY_MS)
  expect(cert.verify(new X509Certificate(other.cert).publicKey)).toBe(false)
})
