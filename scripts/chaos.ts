/** `npm run chaos -- --seeds 1000 --from 101 --times 1`: more schedules of test/chaos than `npm test` takes, or one again and again. */
import {spawn} from 'node:child_process'
import {parseArgs} from 'node:util'
import {ensureDask, NEWEST_DASK} from '../test/toolchain/pythons.ts'

const number = (name: string, text: string): string => {
  if (/^[1-9]\d*$/.test(text)) return text
  console.error(`--${name} ${text} is no number of at least 1`)
  process.exit(2)
}

const {values} = parseArgs({
  options: {seeds: {type: 'string', default: '100'}, from: {type: 'string', default: '1'}, times: {type: 'string', default: '1'}},
})
await ensureDask(NEWEST_DASK, (line) => console.error(line))
const env = {
  CHAOS_SEEDS: number('seeds', values.seeds),
  CHAOS_FROM: number('from', values.from),
  CHAOS_TIMES: number('times', values.times),
}
// Each seed as it ends: a thousand take most of an hour.
const child = spawn('vitest', ['run', '--project', 'chaos', '--reporter=verbose'], {stdio: 'inherit', env: {...process.env, ...env}})
child.on('exit', (code) => process.exit(code ?? 1))
