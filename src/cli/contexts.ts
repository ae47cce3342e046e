import {readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'
import {parsePlainYaml} from '../kube/plain-yaml.ts'

/** Names of the contexts in the kubeconfig files that kubectl would read; files that cannot be read have none. */
export async function kubeconfigContexts(path: string | undefined): Promise<readonly string[]> {
  const files =
    path === undefined ? (process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config')).split(delimiter).filter(Boolean) : [path]
  const names = await Promise.all(
    files.map((file) =>
      readFile(file, 'utf8')
        .then(contextsOf)
        .catch(() => []),
    ),
  )
  return [...new Set(names.flat())]
}

const contextsOf = async (text: string): Promise<readonly string[]> => {
  // Whoever presses TAB waits: the library is for files that no tool has written.
  const config: unknown = parsePlainYaml(text) ?? (await import('./yaml.ts')).parseDocument(text).toJS()
  const contexts = typeof config === 'object' && config !== null && 'contexts' in config ? config.contexts : []
  return Array.isArray(contexts)
    ? contexts.map((context: {readonly name?: unknown}) => context.name).filter((name) => typeof name === 'string')
    : []
}
