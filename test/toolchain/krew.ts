/** krew and the validator of its index, built from krew's Go module (krew/go.mod); kept in the user's cache. */
import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {builtOnce} from './built-once.ts'
import {go} from './go.ts'

const PROGRAMS = {
  'kubectl-krew': 'sigs.k8s.io/krew/cmd/krew',
  'validate-krew-manifest': 'sigs.k8s.io/krew/cmd/validate-krew-manifest',
} as const

const module = join(import.meta.dirname, 'krew')

/** Resolves with the folder of `kubectl-krew` and `validate-krew-manifest`. Rejects with the reason where they cannot be built. */
export async function krewTools(): Promise<string> {
  const sums = await readFile(join(module, 'go.sum'))
  const hash = createHash('sha256').update(sums).digest('hex').slice(0, 12)
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'krew', hash)
  return builtOnce(folder, async (fresh) => {
    for (const [program, source] of Object.entries(PROGRAMS))
      await go(module, 'build', '-trimpath', '-ldflags', '-s -w', '-o', join(fresh, program), source)
  })
}
