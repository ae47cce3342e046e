import {readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'
import {parse} from 'yaml'

/** Names of the contexts in the kubeconfig files that kubectl would read; files that cannot be read have none. */
export async function kubeconfigContexts(path: string | undefined): Promise<readonly string[]> {
  const files =
    path === undefined ? (process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config')).split(delimiter).filter(Boolean) : [path]
  const names = await Promise.all(files.map((file) => readFile(file, 'utf8').then(contextsOf, () => [])))
  return [...new Set(names.flat())]
}

const contextsOf = (text: string): readonly string[] => {
  const config: unknown = parse(text)
  const contexts = typeof config === 'object' && config !== null && 'contexts' in config ? config.contexts : []
  return Array.isArray(contexts)
    ? contexts.map((context: {readonly name?: unknown}) => context.name).filter((name) => typeof name === 'string')
    : []
}
