import {execFile, spawnSync} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {build, isStale} from '../../../scripts/build.ts'
import {completionScript, SHELLS, type Shell} from '../../../src/cli/completion-scripts.ts'

/** Each shell with the script that `dask-k8s completion` prints for it, and the built program behind it. */

const run = promisify(execFile)
let folder: string

beforeAll(async () => {
  if (await isStale()) await build()
  folder = await mkdtemp(join(tmpdir(), 'shells-'))
  const program = fileURLToPath(new URL('../../../bin/kubectl_complete-dask.js', import.meta.url))
  await writeFile(join(folder, 'kubectl_complete-dask'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, {mode: 0o755})
  for (const shell of SHELLS) await writeFile(join(folder, shell), completionScript(shell))
  await writeFile(join(folder, 'cluster.yaml'), '')
}, 60_000)
afterAll(() => rm(folder, {recursive: true, force: true}))

const say = async (shell: Shell, ...args: readonly string[]): Promise<string> => {
  const env = {...process.env, PATH: `${folder}:${process.env['PATH']}`, HOME: folder, KUBECONFIG: join(folder, 'none'), TERM: 'dumb'}
  return (await run(shell, args, {env, cwd: folder, timeout: 20_000})).stdout
}

/** The line after TAB was pressed behind it. */
const AFTER_TAB: Readonly<Record<Shell, (line: string) => Promise<string>>> = {
  bash: async (line) => {
    const words = `COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`
    const found = (await say('bash', '-c', `source ./bash; ${words}; _dask_k8s; echo "\${COMPREPLY[@]}"`)).trim()
    return line.replace(/\S+$/, found)
  },
  // A shell with a terminal of its own is typed to; then the line that it edits is asked for.
  zsh: async (line) => {
    const script = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'autoload -Uz compinit; compinit -u -D; source ./zsh; tell() { print -r -- "<$BUFFER>" }; zle -N tell; bindkey "^X" tell; print -r -- is"-"ready'
      zpty -r shell seen '*is-ready*'
      zpty -w -n shell $'${line}\\t\\x18'
      zpty -r shell seen '*<*>*'
      print -r -- $seen
      zpty -d shell`
    return /<([^>]*)>/.exec(await say('zsh', '-f', '-c', script))?.[1]?.trim() ?? ''
  },
  fish: async (line) => {
    const found = await say('fish', '--no-config', '-c', `source ./fish; complete -C '${line}'`)
    return line.replace(/\S+$/, found.split('\t')[0]?.trim() ?? '')
  },
}

describe.each(SHELLS)('in %s', (shell) => {
  // Where a shell is missing the test is skipped, which fails where CI is set.
  const isMissing = spawnSync(shell, ['--version']).error !== undefined
  it.skipIf(isMissing).each([
    ['dask-k8s cluster sca', 'dask-k8s cluster scale'],
    ['dask-k8s get clusters --all-n', 'dask-k8s get clusters --all-namespaces'],
    ['dask-k8s cluster list --output=y', 'dask-k8s cluster list --output=yaml'],
    ['dask-k8s cluster create -f clu', 'dask-k8s cluster create -f cluster.yaml'],
  ])('TAB behind "%s"', async (line, completed) => {
    expect(await AFTER_TAB[shell](line)).toBe(completed)
  })
})
