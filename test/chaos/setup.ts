/** Before the schedules: the operator in one file, so that one that was killed is back at once. */
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {build} from 'esbuild'
import type {TestProject} from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    operatorProgram: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'chaos-operator-'))
  const outfile = join(directory, 'operator.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'operator.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    sourcemap: 'inline',
    banner: {js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);"},
    loader: {'.py': 'text'},
    logLevel: 'warning',
  })
  project.provide('operatorProgram', outfile)
  return () => rm(directory, {recursive: true})
}
