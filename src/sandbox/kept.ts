/** What a sandbox keeps from one life to the next, where its user wishes it: its objects in one file, and the folder of its claims. */
import {createReadStream} from 'node:fs'
import {open, readdir, rename, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {createInterface} from 'node:readline/promises'
import type {Kept} from './apiserver/store.ts'
import {SandboxFailure} from './failure.ts'

export interface KeptSandbox extends Kept {
  /** Its services have addresses of this range. */
  readonly serviceCidr: string
}

/** A line for each object, after a head that tells how many there are. */
const fileIn = (directory: string): string => join(directory, 'kept.jsonl')

/** What persistent volume claims hold: of the sandbox and not of its node, whose files go when it ends. */
export const claimsDirectory = (directory: string): string => join(directory, 'claims')

/** JSON of one line for every reader: readline parts lines at U+2028 and U+2029 too, which JSON leaves as they are. */
const lineOf = (value: unknown): string =>
  `${JSON.stringify(value).replace(/[\u2028\u2029]/g, (separator) => `\\u${separator.charCodeAt(0).toString(16)}`)}\n`

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

export const hasKept = (directory: string): Promise<boolean> => exists(fileIn(directory))

/** Everything that was kept, for good. */
export async function forgetKept(directory: string): Promise<void> {
  await rm(fileIn(directory), {force: true})
  await rm(claimsDirectory(directory), {recursive: true, force: true, maxRetries: 5})
}

/** Removes the folders of claims that have been deleted, or were made after what was kept. */
export async function dropUnclaimed(directory: string, {objects}: KeptSandbox): Promise<void> {
  const claims = claimsDirectory(directory)
  const claimed = new Set(objects.filter(([storage]) => storage === 'persistentvolumeclaims').map(([, {metadata}]) => metadata.uid))
  const folders = (await exists(claims)) ? await readdir(claims) : []
  const left = folders.filter((uid) => !claimed.has(uid))
  await Promise.all(left.map((uid) => rm(join(claims, uid), {recursive: true, force: true, maxRetries: 5})))
}

/** Resolves when all of it is on the disk: what was kept before is there until then, and stays where there is no room. */
export async function writeKept(directory: string, {objects, ...head}: KeptSandbox): Promise<void> {
  const fresh = `${fileIn(directory)}.new`
  const lines = [{...head, count: objects.length}, ...objects].map(lineOf)
  try {
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.writeFile(lines)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, fileIn(directory))
  } catch (error) {
    await rm(fresh, {force: true})
    throw error
  }
}

/** `undefined` where nothing was kept. Rejects with SandboxFailure for a file that somebody else has cut or changed. */
export async function readKept(directory: string): Promise<KeptSandbox | undefined> {
  if (!(await hasKept(directory))) return undefined
  const path = fileIn(directory)
  const lines: unknown[] = []
  try {
    for await (const line of createInterface({input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY}))
      lines.push(JSON.parse(line))
  } catch (cause) {
    throw unreadable(path, cause)
  }
  const [head, ...objects] = lines as [(Omit<KeptSandbox, 'objects'> & {readonly count: number}) | undefined, ...KeptSandbox['objects']]
  if (head?.count !== objects.length) throw unreadable(path)
  return {revision: head.revision, serviceCidr: head.serviceCidr, objects}
}

const unreadable = (path: string, cause?: unknown): SandboxFailure =>
  new SandboxFailure(`what was kept of the sandbox cannot be read from ${path}`, {
    ...{cause, next: ['"sandbox down" without --keep forgets it', 'use another --name']},
  })
