import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {text} from 'node:stream/consumers'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'

/** Takes all packages away before it brings them, as `npm ci` does, and fails where another one does so meanwhile. */
const NPM = `#!/bin/sh
echo npm >> calls
rm -rf node_modules; mkdir node_modules; touch node_modules/half
[ "$(cat fails 2>/dev/null)" = yes ] && exit 1
sleep 0.3
mv node_modules/half node_modules/whole
`

describe('the first command in a fresh clone', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'start-'))
    await mkdir(join(root, 'scripts'))
    await copyFile(join(import.meta.dirname, '../../scripts/start.js'), join(root, 'scripts/start.js'))
    await writeFile(join(root, 'package.json'), '{"type":"module"}')
    await writeFile(join(root, 'package-lock.json'), '{}')
    await writeFile(
      join(root, 'scripts/hello.ts'),
      `import {readdirSync} from 'node:fs'; console.log(readdirSync('node_modules').join(' '))`,
    )
    await writeFile(join(root, 'npm'), NPM)
    await chmod(join(root, 'npm'), 0o755)
  })
  afterEach(() => rm(root, {recursive: true}))

  const start = async (): Promise<{readonly code: number; readonly out: string; readonly told: string}> => {
    const env = {...process.env, PATH: [root, process.env['PATH']].join(delimiter)}
    const child = spawn(process.execPath, ['scripts/start.js', 'hello'], {cwd: root, env})
    const [out, told, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>])
    return {code, out, told}
  }
  const calls = async (): Promise<number> => (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n').length

  it('installs the packages, and the next one finds them', async () => {
    expect(await start()).toMatchObject({code: 0, out: expect.stringContaining('whole')})
    expect(await start()).toMatchObject({code: 0, told: ''})
    expect(await calls()).toBe(1)
  })

  it('is waited for by another one beside it', async () => {
    const both = await Promise.all([start(), start()])
    expect(both).toEqual([0, 1].map(() => expect.objectContaining({code: 0, out: expect.stringContaining('whole')})))
    expect(await calls()).toBe(1)
  })

  it('is no hindrance to the next one when it was killed, or failed', async () => {
    await writeFile(join(root, '.installing'), '2147483646')
    await writeFile(join(root, 'fails'), 'yes')
    expect(await start()).toMatchObject({code: 1, told: expect.stringContaining('`npm ci` failed')})
    await rm(join(root, 'fails'))
    expect(await start()).toMatchObject({code: 0})
  })
})
