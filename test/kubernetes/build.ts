/**
 * `node test/kubernetes/build.ts`: the programs of a real Kubernetes control plane, built from Go modules (about 5 minutes), kept in the user's cache.
 * Ends with one line and exit code 1 where that is not possible.
 */
import {createHash} from 'node:crypto'
import {readFile, writeFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {builtOnce} from '../toolchain/built-once.ts'
import {go} from '../toolchain/go.ts'

/** The programs by the Go package that each is built from. */
const PROGRAMS = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  etcd: 'go.etcd.io/etcd/server/v3',
} as const
export type Program = keyof typeof PROGRAMS

const here = import.meta.dirname

/** Another version than that of go.mod, like 1.34.4, for a run by hand (`npm run test:kubernetes`). */
const OTHER = process.env['KUBERNETES_VERSION']

interface ControlPlaneBuild {
  readonly version: string
  /** Where the programs of this very version lie, or will lie. */
  readonly folder: string
  /** The module that they are built in: its folder, and where that is made first, its go.mod. */
  readonly module: {readonly folder: string; readonly requirements?: string}
}

export async function controlPlaneBinaries(): Promise<ControlPlaneBuild> {
  const [requirements = '', sums] = await Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(here, file), 'utf8')))
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'kubernetes')
  if (OTHER !== undefined) {
    const folder = join(cache, `v${OTHER}`)
    return {version: `v${OTHER}`, folder: join(folder, 'bin'), module: {folder, requirements: requirementsOf(requirements, OTHER)}}
  }
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(requirements)?.[1]
  if (!version) throw new Error(`${join(here, 'go.mod')} names no version of k8s.io/kubernetes`)
  const hash = createHash('sha256').update(`${requirements}\n${sums}`).digest('hex').slice(0, 12)
  return {version, folder: join(cache, `${version}-${hash}`, 'bin'), module: {folder: here}}
}

/** Kubernetes' own libraries go by 0.34.4 where it is 1.34.4; all others are what those two ask for. */
const requirementsOf = (requirements: string, version: string): string => {
  const libraries = [...requirements.matchAll(/^\t(k8s\.io\/\S+) => /gm)].map(([, name]) => name)
  const replacements = libraries.map((name) => `\t${name} => ${name} v${version.replace(/^1\./, '0.')}\n`)
  // The oldest that will do: where Kubernetes asks for a later one, that is built.
  const etcd = 'go.etcd.io/etcd/server/v3 v3.6.5'
  return `module kubernetes-ground\n\ngo 1.24.0\n\nrequire (\n\tk8s.io/kubernetes v${version}\n\t${etcd}\n)\n\nreplace (\n${replacements.join('')})\n`
}

/** Resolves with the folder of the programs; builds them when they are not there. Rejects with the compiler's last words. */
export async function buildControlPlane(log: (line: string) => void): Promise<string> {
  const {folder, version, module} = await controlPlaneBinaries()
  return builtOnce(folder, async (fresh) => {
    log(`building the Kubernetes ${version} control plane, once; it takes about 5 minutes …`)
    const [major, minor] = version.slice(1).split('.')
    const told = [`gitVersion=${version}`, `gitMajor=${major}`, `gitMinor=${minor}`].map(
      (fact) => `-X k8s.io/component-base/version.${fact}`,
    )
    const {requirements} = module
    if (requirements !== undefined) await writeFile(join(module.folder, 'go.mod'), requirements)
    const resolving = requirements === undefined ? [] : ['-mod=mod']
    for (const [program, source] of Object.entries(PROGRAMS))
      await go(
        module.folder,
        ...['build', ...resolving, '-trimpath', '-ldflags', ['-s', '-w', ...told].join(' ')],
        ...['-o', join(fresh, program), source],
      )
  })
}

if (import.meta.main) {
  await buildControlPlane((line) => console.error(line)).catch((error: Error) => {
    console.error(`no Kubernetes control plane: ${error.message}`)
    process.exitCode = 1
  })
}
