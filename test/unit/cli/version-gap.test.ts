import {describe, expect, it} from 'vitest'
import {describeGap} from '../../../src/cli/version-gap.ts'

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
