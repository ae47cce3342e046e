import {existsSync} from 'node:fs'
import {mkdir, rename, rm} from 'node:fs/promises'

/** Resolves with the folder; where it is not there, `build` fills a fresh one, which takes its name only when it is whole. */
export async function builtOnce(folder: string, build: (fresh: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder
  const fresh = `${folder}.${process.pid}`
  await mkdir(fresh, {recursive: true})
  try {
    await build(fresh)
    // Another process may have built the same meanwhile: either is good.
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(fresh, {recursive: true, force: true})
  }
  return folder
}
