import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {ConfigError} from '../../../src/kube/errors.ts'

const kubeconfig = (context: string, server: string, user = 'token: secret'): string => `
apiVersion: v1
kind: Config
current-context: ${context}
clusters: [{name: ${context}-cluster, cluster: {server: "${server}", certificate-authority: ca.crt}}]
users: [{name: ${context}-user, user: {${user}}}]
contexts:
- {name: ${context}, context: {cluster: ${context}-cluster, user: ${context}-user, namespace: ${context}-ns}}
- {name: broken, context: {cluster: nowhere, user: ${context}-user}}
`

let folder = ''
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  vi.stubEnv('HOME', folder)
  vi.stubEnv('KUBECONFIG', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, {recursive: true})
})

describe('a kubeconfig', () => {
  it('gives its current context, with the paths in it taken from its own folder', async () => {
    const config = loadKubeConfig({kubeconfig: await file('one', kubeconfig('one', 'https://one:6443'))})
    expect(config).toMatchObject({context: 'one', namespace: 'one-ns'})
    expect(config.kubeConfig.getCurrentCluster()).toMatchObject({server: 'https://one:6443', caFile: join(folder, 'ca.crt')})
    expect(config.kubeConfig.getCurrentUser()).toMatchObject({token: 'secret'})
  })

  it('is merged from all files of KUBECONFIG, of which the first one counts', async () => {
    const files = [
      join(folder, 'missing'),
      await file('one', kubeconfig('one', 'https://one:6443')),
      await file('two', kubeconfig('two', 'https://two:6443')),
    ]
    vi.stubEnv('KUBECONFIG', files.join(delimiter))
    expect(loadKubeConfig().context).toBe('one')
    expect(loadKubeConfig({context: 'two'}).kubeConfig.getCurrentCluster()?.server).toBe('https://two:6443')
  })

  it('yields to the flags', async () => {
    const path = await file('one', kubeconfig('one', 'https://one:6443'))
    const config = loadKubeConfig({
      kubeconfig: path,
      namespace: 'n',
      server: 'https://else',
      token: 't',
      insecureSkipTlsVerify: true,
      requestTimeoutMs: 5,
    })
    expect(config).toMatchObject({namespace: 'n', requestTimeoutMs: 5})
    expect(config.kubeConfig.getCurrentCluster()).toMatchObject({server: 'https://else', skipTLSVerify: true})
    expect(config.kubeConfig.getCurrentUser()).toEqual({name: 'one-user', token: 't'})
  })

  it('is not needed with --server', () => {
    expect(loadKubeConfig({server: 'http://127.0.0.1:8001'}).kubeConfig.getCurrentCluster()?.server).toBe('http://127.0.0.1:8001')
  })

  it('tells a plugin what kubectl tells it', async () => {
    const exec = 'exec: {apiVersion: client.authentication.k8s.io/v1, command: login, provideClusterInfo: true, env: [{name: A, value: b}]}'
    const config = loadKubeConfig({kubeconfig: await file('one', kubeconfig('one', 'https://one:6443', exec))})
    const {env} = (config.kubeConfig.getCurrentUser()?.exec ?? {env: []}) as {
      readonly env: readonly {readonly name: string; readonly value: string}[]
    }
    expect(env[0]).toEqual({name: 'A', value: 'b'})
    expect(env[1]?.name).toBe('KUBERNETES_EXEC_INFO')
    expect(JSON.parse(env[1]?.value ?? '')).toMatchObject({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {interactive: false, cluster: {server: 'https://one:6443'}},
    })
  })
})

describe('one sentence says what is wrong with', () => {
  const failure = (options: Parameters<typeof loadKubeConfig>[0]): Error => {
    try {
      loadKubeConfig(options)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect((error as Error).message).not.toContain('\n')
      return error as Error
    }
    throw new Error('nothing was wrong')
  }

  it('a file that is not there', () => {
    expect(failure({kubeconfig: join(folder, 'none')}).message).toMatch(/none cannot be read: is the path right\?/)
    vi.stubEnv('KUBECONFIG', join(folder, 'none'))
    expect(failure({}).message).toMatch(/^KUBECONFIG names .*none, which does not exist/)
  })

  it('a file that is no kubeconfig', async () => {
    expect(failure({kubeconfig: await file('bad', 'a: [b')}).message).toMatch(/bad cannot be read: /)
    expect(failure({kubeconfig: await file('empty', '')}).message).toMatch(/empty cannot be read: /)
    expect(failure({kubeconfig: await file('null', 'null')}).message).toMatch(/null cannot be read: it is YAML, but not a kubeconfig/)
  })

  it('a context that is not there or leads nowhere', async () => {
    const path = await file('one', kubeconfig('one', 'https://one:6443'))
    expect(failure({kubeconfig: path, context: 'typo'}).message).toBe('context "typo" is not in the kubeconfig: it has one, broken')
    expect(failure({kubeconfig: path, context: 'broken'}).message).toMatch(
      /^context "broken" names a cluster that its kubeconfig does not have/,
    )
    expect(failure({kubeconfig: await file('none', kubeconfig('one', 'https://one').replace('current-context: one', ''))}).message).toMatch(
      /choose one of .* with --context/,
    )
  })

  it('no configuration at all', () => {
    expect(failure({}).message).toMatch(/^there is no kubeconfig: .*sandbox up/)
  })
})
