/** `npm run check`: everything that needs no run of the product; each failure names the command that mends it. */
import {spawn} from 'node:child_process'

interface Check {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly mend: string
}

const CHECKS: readonly Check[] = [
  {name: 'types', command: ['tsc', '--noEmit', '-p', '.'], mend: 'mend the types that the compiler names'},
  {name: 'lint and format', command: ['biome', 'check', '--error-on-warnings'], mend: 'npx biome check --write'},
  {name: 'dead code', command: ['knip'], mend: 'delete what is not used, or use it'},
  {name: 'conflict markers', command: ['sh', '-c', "! git grep -nE '^(<{7}|>{7}) '"], mend: 'end the merge that left them'},
  {name: 'CRDs', command: ['node', 'scripts/crds.ts', '--check'], mend: 'npm run crds'},
  // Builds the bundle as well, where it is older than its sources.
  {name: 'bundle, docs/commands', command: ['node', 'scripts/command-docs.ts', '--check'], mend: 'node scripts/command-docs.ts'},
]

interface Outcome {
  readonly check: Check
  readonly ok: boolean
  readonly output: string
  readonly seconds: number
}

const run = (check: Check): Promise<Outcome> =>
  new Promise((resolve) => {
    const started = performance.now()
    const [program, ...args] = check.command
    const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'pipe']})
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    const end = (ok: boolean, last = ''): void =>
      resolve({check, ok, output: Buffer.concat(output).toString() + last, seconds: (performance.now() - started) / 1000})
    child.on('error', (error) => end(false, error.message))
    child.on('close', (code) => end(code === 0))
  })

const outcomes = await Promise.all(CHECKS.map(run))
for (const {check, ok, output, seconds} of outcomes) {
  console.log(`${ok ? '✔' : '✘'} ${check.name} (${seconds.toFixed(1)} s)`)
  if (!ok) console.log(`${output.trimEnd()}\n  to mend it: ${check.mend}`)
}
process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1
