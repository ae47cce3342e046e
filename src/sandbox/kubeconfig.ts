/** The sandbox's context in kubeconfig files: its own file, and an entry beside the user's other contexts. */
import {mkdir, readFile, readlink, realpath, rename, rm, writeFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {delimiter, dirname, join, resolve} from 'node:path'
import {type Document, isAlias, isSeq, parseDocument, type YAMLSeq} from 'yaml'
import {isDiskFull, SandboxFailure} from './failure.ts'

export interface ContextEntry {
  readonly context: string
  readonly url: string
  /** PEM. */
  readonly ca: string
  readonly token: string
}

const LISTS = ['clusters', 'users', 'contexts'] as const

/** The file that kubectl itself would write to: the first of `$KUBECONFIG`, else `~/.kube/config`. */
export const userKubeconfig = (): string =>
  resolve(process.env['KUBECONFIG']?.split(delimiter).find((path) => path !== '') ?? join(homedir(), '.kube', 'config'))

/** A whole kubeconfig with this one context, which is also the current one. */
export async function writeOwnKubeconfig(file: string, entry: ContextEntry): Promise<void> {
  const document = parseDocument('apiVersion: v1\nkind: Config\n')
  setEntries(document, entry)
  document.set('current-context', entry.context)
  await writeWhole(file, String(document))
}

/**
 * Puts the context beside the user's own; comments, order and the current context stay as they are.
 * Rejects when the file is there but is no YAML: it is never overwritten then.
 */
export async function addContext(file: string, entry: ContextEntry): Promise<void> {
  const document = await readDocument(file)
  setEntries(document, entry)
  await writeWhole(file, String(document))
}

/** Takes the context out again; a file that then holds nothing is removed, unless somebody has put a link in its place. */
export async function removeContext(file: string, context: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined)
  if (before === undefined) return
  const document = await readDocument(file)
  for (const list of LISTS) dropNamed(document, list, context)
  if (document.get('current-context') === context) document.set('current-context', '')
  const text = String(document)
  const isEmpty = LISTS.every((list) => sequence(document, list).items.length === 0) && !document.get('current-context')
  if (isEmpty && (await linkAt(file)) === undefined) await rm(file)
  else if (text !== before) await writeWhole(file, text)
}

const setEntries = (document: Document, {context, url, ca, token}: ContextEntry): void => {
  const certificate = Buffer.from(ca).toString('base64')
  const entries = {
    clusters: {name: context, cluster: {server: url, 'certificate-authority-data': certificate}},
    users: {name: context, user: {token}},
    contexts: {name: context, context: {cluster: context, user: context, namespace: 'default'}},
  }
  for (const list of LISTS) {
    dropNamed(document, list, context)
    sequence(document, list).add(document.createNode(entries[list]))
  }
}

const sequence = (document: Document, list: string): YAMLSeq => {
  const found = document.get(list, true)
  // A list may stand elsewhere in the file, under an anchor.
  const meant = isAlias(found) ? found.resolve(document) : found
  if (isSeq(meant)) return meant
  const made = document.createNode([]) as YAMLSeq
  document.set(list, made)
  return made
}

const dropNamed = (document: Document, list: string, name: string): void => {
  const items = sequence(document, list)
  items.items = items.items.filter((item) => (item as {get?: (key: string) => unknown}).get?.('name') !== name)
}

const readDocument = async (file: string): Promise<Document> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // As kubectl writes it: some clients read the current context without asking whether there is one.
    if (error.code === 'ENOENT') return 'apiVersion: v1\nkind: Config\ncurrent-context: ""\n'
    throw error
  })
  const document = parseDocument(text)
  if (document.errors[0])
    throw new Error(`${file} is no valid kubeconfig (${document.errors[0].message.split('\n')[0]}): mend it, or point KUBECONFIG elsewhere`)
  return document
}

/** Where a link leads. */
const linkAt = async (file: string): Promise<string | undefined> => {
  const target = await readlink(file).catch(() => undefined)
  return target && resolve(dirname(file), target)
}

/** The file behind all links, there already or not: kubectl writes through them, and so do we. */
const behindLinks = (file: string): Promise<string> =>
  realpath(file).catch(async (error: NodeJS.ErrnoException) => {
    const target = error.code === 'ENOENT' ? await linkAt(file) : undefined
    return target === undefined ? file : behindLinks(target)
  })

const writeWhole = async (named: string, text: string): Promise<void> => {
  const file = await behindLinks(named)
  const fresh = `${file}.${process.pid}.new`
  try {
    await mkdir(dirname(file), {recursive: true, mode: 0o700})
    await writeFile(fresh, text, {mode: 0o600})
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, {force: true})
    const {code} = error as NodeJS.ErrnoException
    const next = isDiskFull(error) ? 'make room' : 'point KUBECONFIG elsewhere'
    throw new SandboxFailure(`${file} cannot be written (${code})`, {cause: error, next: [next]})
  }
}
