import {execFile} from 'node:child_process'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'

const root = join(import.meta.dirname, '..', '..', '..')
const folder = join(root, 'manifests', 'crds')

describe('manifests/crds', () => {
  it('holds what scripts/crds.ts writes', async () => {
    await promisify(execFile)(process.execPath, [join(root, 'scripts', 'crds.ts'), '--check'])
  })

  it('has a file for each kind, each small enough for everybody’s annotations', async () => {
    const files = await readdir(folder)
    expect(files.toSorted()).toEqual(['daskautoscalers.yaml', 'daskclusters.yaml', 'daskjobs.yaml', 'daskworkergroups.yaml'])
    for (const file of files) {
      const compact = JSON.stringify(parse(await readFile(join(folder, file), 'utf8')))
      expect(compact.length, file).toBeLessThan(30_000)
    }
  })
})
