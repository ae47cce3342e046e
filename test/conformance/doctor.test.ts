import {describe, expect, it} from 'vitest'
import type {Finding} from '../../src/cli/doctor.ts'
import {stand} from './ground.ts'

const {dask} = stand('doctor')

const findings = async (): Promise<{readonly code: number; readonly findings: readonly Finding[]}> => {
  const {code, stdout} = await dask('doctor', '-o', 'json')
  return {code, ...(JSON.parse(stdout) as {readonly findings: readonly Finding[]})}
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is, and asks the scheduler', async () => {
    expect((await dask('cluster', 'create', 'demo', '-w', '1', '--wait', '--timeout', '90s')).code).toBe(0)
    const {code, findings: found} = await findings()
    expect(found.filter(({result}) => result === 'failed')).toEqual([])
    expect(code).toBe(0)
    expect(found.map(({check}) => check)).toEqual(
      expect.arrayContaining(['server', 'definitions', 'operator', 'permissions', 'progress', 'scheduler', 'orphans']),
    )
    expect((await dask('doctor')).stdout).toMatch(/^✔ server: v1\..*\n✔ definitions: all 4/)
  })

  it('fails where no server answers, with one sentence', async () => {
    const {code, stdout, stderr} = await dask('doctor', '--server', 'https://127.0.0.1:1', '--insecure-skip-tls-verify')
    expect({code, stdout}).toEqual({code: 1, stdout: ''})
    expect(stderr).toContain('https://127.0.0.1:1')
  })
})
