import {readFile, stat} from 'node:fs/promises'
import {basename, isAbsolute, relative, sep} from 'node:path'
import {UserError} from './user-error.ts'

/** A local file that travels with a job. */
export interface JobFile {
  /** Key in the ConfigMap: letters, digits, `-`, `_` and `.` alone. */
  readonly key: string
  /** Path under the workspace in the pod. */
  readonly path: string
  readonly content: Uint8Array
  /** Whether it may be run as a program here. */
  readonly isExecutable?: boolean
}

export interface Luggage {
  /** The command with the paths that hold in the pod. */
  readonly command: readonly string[]
  readonly files: readonly JobFile[]
  /** Absolute paths of the command that are files of this machine too: they are looked for in the image, and do not travel. */
  readonly left: readonly string[]
}

/** What one ConfigMap can hold, with room for its metadata. */
const MAX_BYTES = 1_000_000

/** A word of a command that names a Python program by a relative path can only mean a local file. */
const SCRIPT = /\.(py|pyw|ipynb)$/

/**
 * Reads the local files that a job's command names, and those of `--file`. A path inside the current folder is kept, any other becomes its last part.
 * An absolute path that leads out of the folder is one of the image: what lies there on this machine (a key, say) travels by `--file` alone.
 * Rejects when a script that is named does not exist, when two files would lie at one place, and when they are too big for a ConfigMap.
 */
export async function packFiles(command: readonly string[], extra: readonly string[], folder: string): Promise<Luggage> {
  const mayTravel = (word: string): boolean => !isAbsolute(word) || isInside(word, folder) || extra.includes(word)
  const words = await Promise.all(command.map(async (word, index) => ({word, isFile: await travels(word, command, index, mayTravel)})))
  const missing = await Promise.all(extra.map(async (path) => !(await isRegularFile(path))))
  const firstMissing = extra.find((_, index) => missing[index])
  if (firstMissing !== undefined) throw noSuchFile(firstMissing)
  const paths = [...new Set([...words.filter(({isFile}) => isFile).map(({word}) => word), ...extra])]
  const files = await Promise.all(paths.map((path) => packFile(path, folder)))
  refuseClashes(paths, files)
  refuseTooBig(files)
  const ofImage = words.slice(1).filter(({word, isFile}) => !isFile && isAbsolute(word))
  const isHereToo = await Promise.all(ofImage.map(({word}) => isRegularFile(word)))
  const left = ofImage.filter((_, index) => isHereToo[index]).map(({word}) => word)
  return {command: words.map(({word, isFile}, index) => (isFile ? wordFor(placeOf(word, folder), index) : word)), files, left}
}

/** Whether a word of the command is a local file. Rejects when it names a script that is not there. */
const travels = async (word: string, command: readonly string[], index: number, mayTravel: (word: string) => boolean): Promise<boolean> => {
  if (word.startsWith('-') || command[index - 1] === '-c' || command[index - 1] === '-m') return false
  // The program itself is found in the image, unless it is given by a path.
  if (index === 0 && !word.includes('/')) return false
  if (await isRegularFile(word)) return mayTravel(word)
  const namesScript = SCRIPT.test(word) && !isAbsolute(word) && !word.includes('://') && isProgram(command, index)
  if (namesScript) throw noSuchFile(word)
  return false
}

/** The first word that is no option, behind the interpreter: what the command runs. Later words are arguments and may name files to be written. */
const isProgram = (command: readonly string[], index: number): boolean =>
  index === 0 || command.slice(1, index).every((word) => word.startsWith('-'))

const noSuchFile = (path: string): UserError =>
  new UserError(`there is no file "${path}" here`, {next: ['check the path', 'give an absolute path for a script that lies in the image']})

const isRegularFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

const isInside = (path: string, folder: string): boolean => {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

const placeOf = (path: string, folder: string): string =>
  isInside(path, folder) ? relative(folder, path).split(sep).join('/') : basename(path)

/** The program itself is looked for in PATH where its name has no folder. */
const wordFor = (place: string, index: number): string => (index === 0 && !place.includes('/') ? `./${place}` : place)

const packFile = async (path: string, folder: string): Promise<JobFile> => {
  const place = placeOf(path, folder)
  const [content, {mode}] = await Promise.all([readFile(path), stat(path)]).catch((error: Error) => {
    throw new UserError(`"${path}" cannot be read: ${error.message}`)
  })
  const key = place.replaceAll('/', '__').replaceAll(/[^-._a-zA-Z0-9]/g, '_')
  return {key, path: place, content, isExecutable: (mode & 0o111) !== 0}
}

/** What travels and what does not, for a person to read; undefined when no file is named. */
export function luggageStory({files, left}: Luggage): string | undefined {
  const rest = files.length - TOLD
  const taken = files.slice(0, TOLD).map(({path}) => path)
  const lines = [
    ...(taken.length > 0 ? [`takes along ${taken.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`] : []),
    ...left.map((path) => `"${path}" is looked for in the image; --file takes the one of this machine along`),
  ]
  return lines.length > 0 ? lines.join('\n') : undefined
}

const TOLD = 5

const refuseClashes = (paths: readonly string[], files: readonly JobFile[]): void => {
  for (const [index, file] of files.entries()) {
    const first = files.findIndex((other) => other.path === file.path || other.key === file.key)
    if (first < index)
      throw new UserError(`"${paths[first]}" and "${paths[index]}" would lie at the same place in the pod (${file.path})`, {
        next: ['rename one of them'],
      })
  }
}

const refuseTooBig = (files: readonly JobFile[]): void => {
  const bytes = files.reduce((sum, {content}) => sum + content.byteLength, 0)
  if (bytes <= MAX_BYTES) return
  const [biggest] = files.toSorted((one, other) => other.content.byteLength - one.content.byteLength)
  throw new UserError(
    `the job's files are ${(bytes / 1e6).toFixed(1)} MB, and ${MAX_BYTES / 1e6} MB can travel with a job; the biggest is "${biggest?.path}"`,
    {next: ['put big files into the image or into a volume']},
  )
}
