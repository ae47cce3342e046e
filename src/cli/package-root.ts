import {existsSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

/** The folder of this package, seen from its source as from its bundle. */
export const packageRoot = (): string => {
  const above = (folder: string): string =>
    existsSync(join(folder, 'manifests', 'crds')) || dirname(folder) === folder ? folder : above(dirname(folder))
  return above(dirname(fileURLToPath(import.meta.url)))
}
