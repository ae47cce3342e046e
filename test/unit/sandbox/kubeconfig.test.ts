import {lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {homedir, tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {parse} from 'yaml'
import {addContext, removeContext, userKubeconfig, writeOwnKubeconfig} from '../../../src/sandbox/kubeconfig.ts'

const ENTRY = {context: 'dask-sandbox', url: 'https://127.0.0.1:6443', ca: 'PEM', token: 'secret'}

const USERS = `# my clusters
apiVersion: v1
kind: Config
current-context: work
clusters:
  - name: work # the one that matters
    cluster:
      server: https://work.example
contexts:
  - name: work
    context: {cluster: work, user: me}
users:
  - name: me
    user: {token: mine}
`

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  file = join(directory, 'kube', 'config')
})
afterEach(() => rm(directory, {recursive: true}))

describe('a user’s kubeconfig', () => {
  it('gets the context beside its own and keeps its current context and comments', async () => {
    const users = join(directory, 'users')
    await writeFile(users, USERS)
    await addContext(users, ENTRY)
    const text = await readFile(users, 'utf8')
    const config = parse(text)
    expect(config['current-context']).toBe('work')
    expect(config.contexts.map((context: {name: string}) => context.name)).toEqual(['work', 'dask-sandbox'])
    expect(config.clusters[1].cluster).toEqual({server: ENTRY.url, 'certificate-authority-data': Buffer.from('PEM').toString('base64')})
    expect(text).toContain('# my clusters')
    expect(text).toContain('# the one that matters')
  })

  it('that was not there is made with an empty current context, as kubectl makes it', async () => {
    await addContext(file, ENTRY)
    expect(parse(await readFile(file, 'utf8'))['current-context']).toBe('')
  })

  it('holds one entry after the context came twice, with the newer address', async () => {
    await addContext(file, ENTRY)
    await addContext(file, {...ENTRY, url: 'https://127.0.0.1:7777'})
    const config = parse(await readFile(file, 'utf8'))
    expect(config.clusters).toHaveLength(1)
    expect(config.clusters[0].cluster.server).toBe('https://127.0.0.1:7777')
  })

  it('whose list stands under an anchor keeps its entries', async () => {
    const users = join(directory, 'users')
    const shared = 'shared: &all\n  - name: work\n    cluster: {server: https://work.example}\nclusters: *all\nusers: []\ncontexts: []\n'
    await writeFile(users, shared)
    await addContext(users, ENTRY)
    expect(parse(await readFile(users, 'utf8')).clusters.map(({name}: {name: string}) => name)).toEqual(['work', 'dask-sandbox'])
    await removeContext(users, ENTRY.context)
    expect(parse(await readFile(users, 'utf8')).clusters.map(({name}: {name: string}) => name)).toEqual(['work'])
  })

  it('is as before when the context has come and gone', async () => {
    const users = join(directory, 'users')
    await writeFile(users, USERS)
    await addContext(users, ENTRY)
    await removeContext(users, ENTRY.context)
    expect(parse(await readFile(users, 'utf8'))).toEqual(parse(USERS))
  })

  it('goes when nothing but the context was in it', async () => {
    await addContext(file, ENTRY)
    await removeContext(file, ENTRY.context)
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  it('is never overwritten when it is no YAML', async () => {
    const broken = join(directory, 'broken')
    await writeFile(broken, 'clusters: [')
    await expect(addContext(broken, ENTRY)).rejects.toThrow(/is no valid kubeconfig/)
    expect(await readFile(broken, 'utf8')).toBe('clusters: [')
  })

  it('that is a link stays one: the file that it leads to is written, and stays', async () => {
    const link = join(directory, 'link')
    await mkdir(join(directory, 'dotfiles'))
    await symlink(join('dotfiles', 'config'), link)
    const target = join(directory, 'dotfiles', 'config')
    for (const before of [USERS, undefined]) {
      await (before === undefined ? rm(target) : writeFile(target, before))
      await addContext(link, ENTRY)
      expect(parse(await readFile(target, 'utf8')).users.at(-1).name).toBe('dask-sandbox')
      await removeContext(link, ENTRY.context)
      expect(await readlink(link)).toBe(join('dotfiles', 'config'))
      if (before !== undefined) expect(parse(await readFile(target, 'utf8'))).toEqual(parse(before))
    }
    // It held nothing else; the link is its owner's all the same.
    await addContext(link, ENTRY)
    await removeContext(link, ENTRY.context)
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
  })

  it('is readable by its owner alone', async () => {
    await addContext(file, ENTRY)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

describe('the sandbox’s own kubeconfig', () => {
  it('has its context as the current one', async () => {
    await writeOwnKubeconfig(file, ENTRY)
    expect(parse(await readFile(file, 'utf8'))['current-context']).toBe('dask-sandbox')
  })
})

describe('the file that is written to', () => {
  afterEach(() => vi.unstubAllEnvs())
  const usual = join(homedir(), '.kube', 'config')
  it.each([
    [[undefined], usual],
    [[''], usual],
    [['/a'], '/a'],
    [['', '/a', '/b'], '/a'],
    [['mine', '/b'], join(process.cwd(), 'mine')],
  ])('is for %j in KUBECONFIG the one that kubectl writes to', (paths, expected) => {
    vi.stubEnv('KUBECONFIG', paths[0] === undefined ? undefined : paths.join(delimiter))
    expect(userKubeconfig()).toBe(expected)
  })
})
