import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {BIN, stand} from './ground.ts'

const {namespace, client, kubectl, dask} = stand('formats')

beforeAll(async () => {
  for (const [name, workers, team] of [
    ['big', '12', 'ml'],
    ['small', '3', 'web'],
  ] as const)
    await dask('cluster', 'create', name, '-w', workers, '--label', `team=${team}`, '--image', 'nothing.invalid/x')
})

describe('the formats of a list are kubectl’s, letter by letter:', () => {
  it.each([
    ['-o', 'jsonpath={.items[*].metadata.name}'],
    ['-o', 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.spec.worker.replicas}{"\\n"}{end}'],
    ['-o', "jsonpath={.items[?(@.metadata.labels.team=='ml')].metadata.name}"],
    ['-o', 'jsonpath={.items[-1].spec.worker.spec.containers[0].args[0:2]}'],
    ['-o', 'jsonpath={.items[*].spec.scheduler.service.ports[*].port}'],
    ['-o', "jsonpath={.items[0]['kind', 'apiVersion']}"],
    ['-o', 'jsonpath={.items[0].nothing}'],
    ['-o', 'custom-columns=NAME:.metadata.name,WORKERS:.spec.worker.replicas,NONE:.spec.nothing'],
    ['-o', 'custom-columns=NAME:.metadata.name', '--no-headers'],
    ['-o', 'name', '--sort-by', '.spec.worker.replicas'],
    ['-o', 'name', '--sort-by={.metadata.name}'],
    ['-o', 'name', '-l', 'team!=ml'],
    ['-o', 'name', '--field-selector', 'metadata.name=small'],
    ['small', '-o', 'jsonpath={.metadata.name}'],
  ])('%s %s %s', async (...args) => {
    const {code, stdout, stderr} = await dask('cluster', 'list', ...args)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toBe(await kubectl('get', 'daskclusters', ...args))
  })
})

it('--show-labels has them in a last column, as kubectl does', async () => {
  const {stdout} = await dask('cluster', 'list', '--show-labels')
  const last = (table: string): readonly (string | undefined)[] =>
    table
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/).at(-1))
  expect(last(stdout)).toEqual(last(await kubectl('get', 'daskclusters', '--show-labels')))
  expect(last((await dask('cluster', 'list', '--show-labels', '-o', 'wide')).stdout)).toEqual(['LABELS', 'team=ml', 'team=web'])
})

it('--watch prints an object again when it changes, and ends with Ctrl-C', async () => {
  const child = spawn(process.execPath, [BIN, 'cluster', 'list', '-n', namespace, '--watch', '-o', 'jsonpath={.metadata.labels.seen}'])
  const ended = once(child, 'exit')
  const seen = new Promise<void>((resolve) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('yes')) resolve()
    })
  })
  await kubectl('label', 'dsk/small', 'seen=yes')
  await seen
  child.kill('SIGINT')
  expect(await ended).toEqual([130, null])
})

it('a name that is nearly right is told, as are a flag and a verb', async () => {
  expect((await dask('cluster', 'describe', 'smal')).stderr).toContain('did you mean "small"?')
  expect((await dask('cluster', 'list', '--selecter', 'x')).stderr).toContain('did you mean "--selector"?')
  expect((await dask('cluster', 'lst')).stderr).toContain('did you mean "list"')
  expect((await dask('clutser', 'list')).stderr).toContain('did you mean "cluster"')
})

it('version tells of the server, and of the operator that serves it', async () => {
  const {code, stdout} = await dask('version')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^Client Version: v\S+\nServer Version: v1\.\d+\S*\nOperator: (the sandbox's own|\S+ \(lease default\/dask-operator\))\n$/,
  )
})

it('-v=6 tells each request on stderr', async () => {
  const {stdout, stderr} = await dask('cluster', 'list', '-v=6', '-o', 'name')
  expect(stdout).toContain('daskcluster.kubernetes.dask.org/big')
  expect(stderr).toMatch(/^GET https:\/\/\S+\/daskclusters 200 in \d+ milliseconds\n$/)
})

describe('kubectl completes', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'path-'))
    // kubectl asks only for a plugin that it finds.
    for (const name of ['kubectl-dask', 'kubectl_complete-dask'])
      await writeFile(join(folder, name), `#!/bin/sh\nexec "${process.execPath}" "${join(BIN, '..', name)}.js" "$@"\n`, {mode: 0o755})
    await dask('job', 'run', '--name', 'nightly', '--detach', '--image', 'nothing.invalid/x', '--', 'true')
  })
  afterAll(() => rm(folder, {recursive: true, force: true}))

  /** What kubectl's own completion of every shell asks kubectl, which asks us. */
  const completed = async (line: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> => {
    const path = `${folder}${delimiter}${process.env['PATH']}`
    const {stdout} = await promisify(execFile)(await kubectlPath(), ['__complete', 'dask', ...line], {
      env: {...process.env, PATH: path, ...env},
    })
    return stdout.trim().split('\n')
  }

  it.each([
    ['clusters', ['cluster', 'describe'], 's', ['small']],
    ['none that is named already', ['cluster', 'delete', 'small'], 's', []],
    ['groups', ['workergroup', 'scale'], 'b', ['big-default']],
    ['jobs', ['job', 'attach'], 'n', ['nightly']],
  ])('%s', async (_, words, prefix, names) => {
    expect(await completed([...words, '-n', namespace, prefix])).toEqual([...names, ':4'])
  })

  it('namespaces and contexts', async () => {
    expect(await completed(['cluster', 'list', '-n', namespace])).toEqual([namespace, ':4'])
    expect(await completed(['cluster', 'list', '--context', client.context.slice(0, 3)])).toEqual([client.context, ':4'])
  })

  it('nothing, without a word, where no server answers', async () => {
    expect(await completed(['cluster', 'describe', '--server', 'https://127.0.0.1:1', ''])).toEqual([':4'])
    expect(await completed(['cluster', 'describe', ''], {KUBECONFIG: join(folder, 'none')})).toEqual([':4'])
  })
})
