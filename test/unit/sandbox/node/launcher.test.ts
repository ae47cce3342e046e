import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {chmod, mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {promisify} from 'node:util'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {startProcess} from '../../../../src/sandbox/node/process.ts'

const PYTHON = '/usr/bin/python3'
/** Volumes are mounted by root, or by anybody in a user namespace, which a machine may forbid. */
const call = (...[program, ...args]: readonly [string, ...string[]]): Promise<boolean> =>
  promisify(execFile)(program, args).then(
    () => true,
    () => false,
  )
const ANOTHER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const
const [isRoot, mayUnshare, mayAnother] = [
  process.getuid?.() === 0,
  await call('unshare', '--mount', '--map-root-user', 'true'),
  await call(...ANOTHER, 'unshare', '--mount', '--map-root-user', 'true'),
]

let directory: string
let volume: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'launcher-'))
  volume = join(directory, 'volume')
  await mkdir(volume)
  await mkdir(join(directory, 'root'))
  await Promise.all([directory, volume].map((folder) => chmod(folder, 0o777)))
})
afterEach(() => rm(directory, {recursive: true}))

/** What stands in for the pod's Python, and runs it in the end. */
const through = async (script: string): Promise<string> => {
  const path = join(directory, 'python')
  await writeFile(path, `#!/bin/sh\n${script}\n`, {mode: 0o755})
  return path
}
const asAnother = () => through(`exec ${ANOTHER.join(' ')} ${PYTHON} "$@"`)
/** Nobody but root may take these options away from a mount. */
const onLockedMount = () => {
  const mounting = `mount -t tmpfs -o nosuid,nodev,noexec,noatime,mode=777 tmpfs ${volume}`
  return through(`exec unshare --mount sh -c '${mounting} && exec ${ANOTHER.join(' ')} ${PYTHON} "$@"' sh "$@"`)
}

const said = async (python: string, mounts: readonly (readonly [string, string, boolean])[], script: string): Promise<string> => {
  const env = {PATH: process.env['PATH'] ?? ''}
  const running = startProcess({python, argv: ['sh', '-c', script], cwd: '/', env, mounts, root: join(directory, 'root')})
  const [out, err, {failure}] = await Promise.all([text(running.stdout), text(running.stderr), running.ended])
  return failure?.message ?? out + err
}

describe('a mount that is read-only', () => {
  it.for<readonly [string, () => Promise<string>, boolean]>([
    ['whoever runs the sandbox', async () => PYTHON, mayUnshare],
    ['a user who is not root', asAnother, isRoot && mayAnother],
    ['a user who is not root, on a disk with options of its own', onLockedMount, isRoot && mayAnother],
  ])('cannot be written to by %s', async ([, python, isPossible], context) => {
    if (!isPossible) context.skip('no mounts, or no second user, here')
    const script =
      'cd /mnt/free; echo first > file; for path in /mnt/free/more /mnt/held/file /mnt/held/more; do (echo second > $path) 2>&1; done; cat file more'
    const answer = await said(
      await python(),
      [
        [volume, '/mnt/free', false],
        [volume, '/mnt/held', true],
      ],
      script,
    )
    expect(answer.replaceAll(/^.*(\/mnt\S+): /gm, '$1: ')).toBe(
      '/mnt/held/file: Read-only file system\n/mnt/held/more: Read-only file system\nfirst\nsecond\n',
    )
  })
})

describe.runIf(mayUnshare)('a mount in a folder in which others come and go', () => {
  it('is there all the same', async () => {
    const busy = join(directory, 'busy')
    await mkdir(busy)
    const program =
      'import os\nwhile True:\n  for n in "abcdefgh":\n    open(n, "w").close(); os.mkdir(n * 2); os.remove(n); os.rmdir(n * 2)'
    const restless = spawn(PYTHON, ['-c', program], {cwd: busy})
    try {
      for (let time = 0; time < 5; time++) {
        expect(await said(PYTHON, [[volume, join(busy, 'mine'), false]], `test -d ${busy}/mine && echo there`)).toBe('there\n')
      }
    } finally {
      restless.kill()
      await once(restless, 'exit')
    }
  })
})
