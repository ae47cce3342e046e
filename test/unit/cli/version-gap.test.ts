import {describe, expect, it} from 'vitest'
import {describeGap, describeSkew} from '../../../src/cli/version-gap.ts'

describe('the gap between a cluster and this machine', () => {
  it('is none where both are alike, or where one does not tell', () => {
    expect(describeGap({python: '3.11', distributed: '2026.8.0'}, {python: '3.11', distributed: '2026.8.0'})).toBeUndefined()
    expect(describeGap({python: '3.11', distributed: '2026.8.0'}, {python: '', distributed: ''})).toBeUndefined()
  })

  it('names what differs and what helps', () => {
    expect(describeGap({python: '3.11', distributed: '2022.12.1'}, {python: '3.12', distributed: '2026.8.0'})).toBe(
      'Python 3.12 in the cluster, 3.11 here; Dask 2026.8.0 in the cluster, 2022.12.1 here: ' +
        'a client on this machine may not work with it; --image takes an image that fits',
    )
  })
})

describe('the gap between a scheduler and its workers', () => {
  const packages = {python: '3.11.2.final.0', distributed: '2026.8.0', numpy: '2.1.0', lz4: null}

  it('is none where all are alike, or no worker tells', () => {
    expect(describeSkew(packages, [packages, {...packages}])).toBeUndefined()
    expect(describeSkew(packages, [])).toBeUndefined()
  })

  it('names each package that differs, and at how many workers', () => {
    expect(describeSkew(packages, [packages, {...packages, numpy: '1.26.0'}, {...packages, numpy: null, lz4: '4.3'}])).toBe(
      'numpy is 2.1.0 at the scheduler and 1.26.0, none at 2 of 3 workers; lz4 is none at the scheduler and 4.3 at 1 of 3 workers',
    )
  })
})
