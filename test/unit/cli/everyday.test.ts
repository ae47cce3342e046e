import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {build, isStale} from '../../../scripts/build.ts'
import {type CliGround, type Ended, startCliGround} from './ground.ts'

/** What happens to people every day: a pipe that closes, a name mistyped, a file of several things. */

let ground: CliGround
beforeAll(async () => {
  if (await isStale()) await build()
  ground = await startCliGround()
}, 60_000)
afterAll(() => ground?.stop())

const dask = (...args: readonly string[]): Promise<Ended> => ground.run(...args)

describe('words behind "--"', () => {
  it('are names where no command is taken', async () => {
    await dask('cluster', 'create', 'dashed', '--image', 'x')
    expect(await dask('cluster', 'list', '--', 'nope')).toMatchObject({code: 3, stdout: ''})
    expect(await dask('cluster', 'list', '-o', 'name', 'dashed', '--', 'nope')).toMatchObject({
      code: 3,
      stdout: 'daskcluster.kubernetes.dask.org/dashed\n',
    })
    expect(await dask('cluster', 'scale', '--', 'dashed', '2')).toMatchObject({code: 0})
    expect(await dask('cluster', 'describe', '-o', 'name', '--', 'dashed')).toMatchObject({code: 0})
    expect(await dask('job', 'list', '--', '-o')).toMatchObject({code: 3})
  })
})
