/**
 * `dist/program.cjs`: src/program.ts and all that it loads, in one file of CommonJS, since looking up and reading a dozen ES modules takes as long
 * as kubectl needs for half of its whole answer. The other files of dist/ take these modules from there: each exists once.
 */
import {join, relative, resolve} from 'node:path'
import {type BuildOptions, build as bundle, type Metafile, type Plugin} from 'esbuild'

/** As the other files of dist/ call it, by the `imports` of their package.json. */
export const PROGRAM = '#program'

const ENTRY = 'src/program.ts'
const OCLIF = '@oclif/core'

/** What is loaded when it is needed, but is needed by the calls that must be quick; everything else that is loaded late stays a file of its own. */
const WITHIN = /\/src\/(cli\/(main|complete|contexts|run-command|near-names)|kube\/(plain-config|quick-client)|commands\/\w+\/list)\.ts$/

export interface ProgramBundle {
  /** Sources that the program loads late, from files of their own. */
  readonly late: readonly string[]
  /** For the other files of dist/: modules of the program come out of it. */
  readonly fromProgram: Plugin
  readonly metafile: Metafile
}

export async function bundleProgram(shared: BuildOptions, outfile: string): Promise<ProgramBundle> {
  const root = shared.absWorkingDir ?? process.cwd()
  const late = new Set<string>()
  const loadLate: Plugin = {
    name: 'late-from-program',
    setup: ({onResolve}) => {
      onResolve({filter: /^\.{1,2}\//}, ({path, kind, resolveDir}) => {
        const source = resolve(resolveDir, path)
        if (kind !== 'dynamic-import' || WITHIN.test(source)) return undefined
        late.add(relative(root, source))
        return {path: `./${relative(join(root, 'src'), source).replace(/\.tsx?$/, '.js')}`, external: true}
      })
    },
  }
  const options = {
    ...shared,
    format: 'cjs',
    metafile: true,
    banner: {js: "const __url=require('url').pathToFileURL(__filename).href;"},
    define: {...shared.define, 'import.meta.url': '__url'},
    plugins: [loadLate, ...(shared.plugins ?? [])],
  } as const satisfies BuildOptions
  const {metafile} = await bundle({...options, entryPoints: [ENTRY], write: false})
  const modules = Object.keys(metafile.inputs).filter((path) => path.startsWith('src/') && path !== ENTRY)
  const getters = [OCLIF, ...modules.map((path) => `./${path}`)].map((path) => `get '${path}'() { return require('${path}') },`)
  const contents = `module.exports = {${getters.join('\n')}\n...require('./${ENTRY}')}`
  await bundle({...options, stdin: {contents, resolveDir: root}, outfile})
  return {late: [...late], fromProgram: fromProgram(root, new Set(modules)), metafile}
}

const fromProgram = (root: string, modules: ReadonlySet<string>): Plugin => ({
  name: 'from-program',
  setup: ({onResolve, onLoad}) => {
    const namespace = 'program'
    onResolve({filter: /^\.{1,2}\//}, ({path, resolveDir, kind}) => {
      const source = relative(root, resolve(resolveDir, path))
      return kind !== 'entry-point' && modules.has(source) ? {path: `./${source}`, namespace} : undefined
    })
    onResolve({filter: new RegExp(`^${OCLIF}$`)}, ({path}) => ({path, namespace}))
    onResolve({filter: new RegExp(`^${PROGRAM}$`)}, ({path}) => ({path, external: true}))
    onLoad({filter: /.*/, namespace}, ({path}) => ({contents: `module.exports = require('${PROGRAM}')['${path}']`}))
  },
})
