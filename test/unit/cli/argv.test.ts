import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {canonicalArgv, splitAtDashes} from '../../../src/cli/argv.ts'

describe('a call', () => {
  it.each([
    ['cluster list -A', 'cluster list -A'],
    ['clusters ls', 'cluster list'],
    ['get clusters demo', 'cluster list demo'],
    ['get dsk', 'cluster list'],
    ['create cluster demo -w 3', 'cluster create demo -w 3'],
    ['-n team cluster list', 'cluster list -n team'],
    ['--namespace=team -A get jobs', 'job list --namespace=team -A'],
    ['delete cluster/a cluster/b', 'cluster delete cluster/a cluster/b'],
    ['-A describe daskjob.kubernetes.dask.org/etl', 'job describe -A daskjob.kubernetes.dask.org/etl'],
    ['delete pod/x', 'delete pod/x'],
    ['--help', '--help'],
    ['cluster --help', 'cluster --help'],
    ['wg delete get', 'workergroup delete get'],
    ['version --client', 'version --client'],
    ['frob', 'frob'],
    ['', ''],
  ])('"%s" means "%s"', (typed, meant) => {
    expect(canonicalArgv(typed.split(' ').filter(Boolean)).join(' ')).toBe(meant)
  })

  it('keeps everything behind the verb as it was typed', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (rest) => {
        expect(canonicalArgv(['job', 'run', ...rest])).toEqual(['job', 'run', ...rest])
      }),
    )
  })
})

describe('a command behind "--"', () => {
  it('is cut at the first "--" alone', () => {
    expect(splitAtDashes(['-w', '2', '--', 'sh', '-c', 'a -- b', '--', 'x'])).toEqual({
      before: ['-w', '2'],
      after: ['sh', '-c', 'a -- b', '--', 'x'],
    })
  })

  it('is absent where there is no "--"', () => {
    expect(splitAtDashes(['-w', '2']).after).toBeUndefined()
  })
})
