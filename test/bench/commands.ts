/** How long our commands take on the wall, against kubectl's own. */
import {execFile} from 'node:child_process'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {median, type Row} from './figures.ts'

const run = promisify(execFile)
const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')
const ROUNDS = 15

/** Our command and kubectl's in turns; the server is the one that KUBECONFIG names. */
export async function benchCommands(): Promise<readonly Row[]> {
  const kubectl = await kubectlPath()
  const pairs = [
    {ours: ['--help'], theirs: ['version', '--client']},
    {ours: ['cluster', 'list'], theirs: ['get', 'daskclusters']},
  ]
  const rows: Row[] = []
  for (const {ours, theirs} of pairs) {
    const times: {readonly mine: number; readonly other: number}[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const mine = await wall(process.execPath, [BIN, ...ours])
      const other = await wall(kubectl, theirs)
      // The first round warms the caches of files and of code.
      if (round > 0) times.push({mine, other})
    }
    const [mine, other] = [median(times.map((each) => each.mine)), median(times.map((each) => each.other))]
    rows.push({
      what: `wall time of kubectl-dask ${ours.join(' ')} / kubectl ${theirs.join(' ')}`,
      ours: `${mine.toFixed(0)} ms`,
      theirs: `${other.toFixed(0)} ms`,
      ratio: mine / other,
      bound: 'at most 1.5',
    })
  }
  return rows
}

const wall = async (program: string, args: readonly string[]): Promise<number> => {
  const started = performance.now()
  await run(program, args)
  return performance.now() - started
}
