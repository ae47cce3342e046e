import {describe, expect, it} from 'vitest'
import type {Finding} from '../../src/cli/doctor/finding.ts'
import {stand, until} from './ground.ts'

const {dask} = stand('doctor')

const findings = async (): Promise<{readonly code: number; readonly findings: readonly Finding[]}> => {
  const {code, stdout} = await dask('doctor', '-o', 'json')
  return {code, ...(JSON.parse(stdout) as {readonly findings: readonly Finding[]})}
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is, and asks the scheduler', async () => {
    expect((await dask('cluster', 'create', 'demo', '-w', '1', '--wait', '--timeout', '90s')).code).toBe(0)
    // A worker is ready as soon as it runs, and connected a moment later.
    let code = 1
    let found: readonly Finding[] = []
    const isWell = async (): Promise<boolean> => {
      const all = await findings()
      code = all.code
      found = all.findings
      return found.some(({check}) => check === 'names') && !found.some(({result}) => result === 'failed')
    }
    await until(isWell, 'the worker has found its scheduler, and nothing is wrong')
    expect(code).toBe(0)
    expect(found.map(({check}) => check)).toEqual(
      expect.arrayContaining(['server', 'definitions', 'operator', 'permissions', 'progress', 'scheduler', 'names', 'orphans']),
    )
    expect((await dask('doctor')).stdout).toMatch(/^✔ server: v1\..*\n✔ definitions: all 4/)
  })

  it('fails where workers cannot resolve the name of their scheduler, and says what to look at', async () => {
    const env = ['DASK_SCHEDULER_ADDRESS=tcp://nowhere.invalid:8786', 'DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=1s']
    expect((await dask('cluster', 'create', 'lost', '-w', '1', ...env.flatMap((pair) => ['--env', pair]))).code).toBe(0)
    const isTold = async (): Promise<boolean> => {
      const {code, findings: found} = await findings()
      return (
        code === 1 && found.some(({check, result, found: words}) => check === 'names' && result === 'failed' && words.includes('"lost"'))
      )
    }
    await until(isTold, 'the name that is not resolved is told')
    const {stdout} = await dask('doctor')
    expect(stdout).toMatch(
      /^✘ names: worker lost-default-worker-\w+ cannot resolve the name of the scheduler of "lost"\n {4}→ look at the cluster's DNS/m,
    )
    // While the worker runs once more, that is what its log tells.
    const leads = async (): Promise<boolean> =>
      /\nNext: .* cluster logs lost -n \S+ --previous\n$/.test((await dask('cluster', 'describe', 'lost')).stdout)
    await until(leads, 'its description leads to the log before')
    expect((await dask('cluster', 'delete', 'lost', '--yes')).code).toBe(0)
  })

  it('fails where no server answers, with one sentence', async () => {
    const {code, stdout, stderr} = await dask('doctor', '--server', 'https://127.0.0.1:1', '--insecure-skip-tls-verify')
    expect({code, stdout}).toEqual({code: 1, stdout: ''})
    expect(stderr).toContain('https://127.0.0.1:1')
  })
})
