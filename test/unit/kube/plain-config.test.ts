import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse, stringify} from 'yaml'
import {readPlainConfig} from '../../../src/kube/plain-config.ts'
import {parsePlainYaml} from '../../../src/kube/plain-yaml.ts'

/** Whatever is read at all is read as the YAML library reads it. */
const agrees = (text: string): void => {
  const ours = parsePlainYaml(text)
  if (ours !== undefined) expect(ours).toEqual(parse(text))
}

describe('plain YAML', () => {
  const word = fc.oneof(fc.constantFrom('a', 'name', 'x: y', '- z', '#', 'true', '12', '', 'https://h:1', 'a # b', '~', '"q"'), fc.string())
  const {tree} = fc.letrec((tie) => ({
    tree: fc.oneof({depthSize: 'small'}, word, fc.array(tie('tree'), {maxLength: 3}), fc.dictionary(word, tie('tree'), {maxKeys: 3})),
  }))
  it('is what the library makes of it, for all that a library writes', () => {
    fc.assert(
      fc.property(tree, (value) => agrees(stringify(value))),
      {numRuns: 1000},
    )
    fc.assert(
      fc.property(fc.anything({maxDepth: 3}), (value) => {
        const text = JSON.stringify(value)
        if (text?.startsWith('{')) agrees(text)
      }),
    )
  })
  it('or is left to the library, for all that a person writes', () => {
    const line = fc.tuple(
      fc.constantFrom('', '  ', '    ', '- ', '  - '),
      fc.constantFrom('a: ', 'b:', 'c: "x"', '|', 'd: >', '&x y', '*x', 'e: [1]', 'word', '? k', 'a: b'),
    )
    fc.assert(
      fc.property(fc.array(line, {maxLength: 6}), (lines) => {
        const text = lines.map(([indent, content]) => `${indent}${content}\n`).join('')
        let theirs: unknown
        try {
          theirs = parse(text)
        } catch {
          return
        }
        const ours = parsePlainYaml(text)
        if (ours !== undefined) expect(ours).toEqual(theirs)
      }),
      {numRuns: 2000},
    )
  })
})

describe('a plain kubeconfig', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plain-'))
  })
  afterAll(() => rm(folder, {recursive: true, force: true}))

  const read = async (user: object, cluster: object = {}, options = {}) => {
    const kubeconfig = join(folder, 'config')
    const config = {
      'current-context': 'here',
      contexts: [{name: 'here', context: {cluster: 'c', user: 'u', namespace: 'ml'}}],
      clusters: [{name: 'c', cluster: {server: 'https://10.0.0.1:6443', ...cluster}}],
      users: [{name: 'u', user}],
    }
    await writeFile(kubeconfig, stringify(config))
    return readPlainConfig({kubeconfig, ...options})
  }

  it('gives the server, the namespace and the token', async () => {
    expect(await read({token: 'secret'}, {'certificate-authority-data': Buffer.from('CA').toString('base64')})).toEqual({
      server: 'https://10.0.0.1:6443',
      context: 'here',
      namespace: 'ml',
      headers: {authorization: 'Bearer secret'},
      tls: {ca: 'CA'},
    })
  })
  it('takes certificates from files beside it', async () => {
    await writeFile(join(folder, 'cert.pem'), 'CERT')
    await writeFile(join(folder, 'key.pem'), 'KEY')
    expect((await read({'client-certificate': 'cert.pem', 'client-key': 'key.pem'}))?.tls).toEqual({cert: 'CERT', key: 'KEY'})
  })
  it('is left to the library where a plugin logs in, a proxy stands between, or the context is not there', async () => {
    expect(await read({exec: {command: 'aws'}})).toBeUndefined()
    expect(await read({token: 'x'}, {'proxy-url': 'http://p'})).toBeUndefined()
    expect(await read({username: 'x', password: 'y'})).toBeUndefined()
    expect(await read({token: 'x'}, {}, {context: 'none'})).toBeUndefined()
  })
})
