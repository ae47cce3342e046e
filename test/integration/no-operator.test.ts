/** A sandbox without an operator of its own, for whoever wants to see an installation before a Kubernetes has it. */
import {execFile} from 'node:child_process'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Output} from '../conformance/ground.ts'
import {helmPath} from '../kubernetes/kubectl.ts'
import {commandLines, type OwnSandboxes, ownSandboxes, PYTHON} from './own-sandbox.ts'

const NAME = 'empty'
const CONTEXT = `dask-sandbox-${NAME}`
const CHART = join(import.meta.dirname, '..', '..', 'dist', 'chart')

let own: OwnSandboxes
const sandbox = (verb: string, ...args: readonly string[]): Promise<Output> => own.dask('sandbox', verb, '--name', NAME, ...args)
const dask = (...args: readonly string[]): Promise<Output> => {
  const end = args.indexOf('--')
  const [before, after] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end)]
  return own.dask(...before, '--context', CONTEXT, ...after)
}
const kubectl = (...args: readonly string[]): Promise<string> => own.kubectl(NAME, ...args)

beforeAll(async () => {
  own = await ownSandboxes()
})
afterAll(() => own.remove(NAME))

describe('a sandbox without an operator of its own', () => {
  it('starts empty, and says so', async () => {
    expect(await sandbox('up', '--no-operator', '--python', PYTHON)).toEqual({
      code: 0,
      stdout: `sandbox "${NAME}" is up, without an operator of its own: context "${CONTEXT}"\n`,
      stderr: `next: dask-k8s operator install --context ${CONTEXT}\n`,
    })
    expect(await kubectl('get', 'crd,lease,deployment', '-A', '-o', 'name')).toBe('')
    expect((await sandbox('status')).stdout).toMatch(/^Operator: +none of its own$/m)
    expect(JSON.parse((await sandbox('status', '-o', 'json')).stdout)).toMatchObject({hasOperator: false})
    expect((await dask('version')).stdout).toMatch(/^Operator: none is running$/m)
    expect(await dask('doctor')).toMatchObject({code: 1, stdout: expect.stringMatching(/^✘ operator: none is running$/m)})
    expect(await dask('operator', 'status')).toMatchObject({code: 1, stdout: expect.stringMatching(/^Leader: +nobody/m)})
  })

  it('stays what it is when it is started once more, and says how it becomes another', async () => {
    const more = `it has no operator of its own: "dask-k8s sandbox down --name ${NAME}", then "dask-k8s sandbox up --name ${NAME}" starts it with one\n`
    const stdout = `sandbox "${NAME}" runs already, without an operator of its own: context "${CONTEXT}"\n`
    const next = `next: dask-k8s operator install --context ${CONTEXT}\n`
    expect(await sandbox('up')).toEqual({code: 0, stdout, stderr: more + next})
    expect(await sandbox('up', '--no-operator')).toEqual({code: 0, stdout, stderr: next})
  })

  it('takes an installed operator, which serves a cluster that computes', async () => {
    const installed = await dask('operator', 'install', '--timeout', '90s')
    expect(installed, installed.stderr).toMatchObject({code: 0, stderr: expect.stringContaining('✔ leader: dask-operator-')})
    expect((await dask('version')).stdout).toMatch(/^Operator: dask-operator-\S+ \(lease default\/dask-operator\)$/m)
    expect(await dask('operator', 'status')).toMatchObject({code: 0, stdout: expect.stringContaining('1 of 1 pods ready')})
    const made = await dask('cluster', 'create', 'demo', '-w', '1', '--wait', '--timeout', '90s')
    expect(made, made.stderr).toMatchObject({code: 0})
    const program = 'from distributed import Client; c = Client(timeout=20); print(c.submit(sum, [1, 2, 3]).result()); c.close()'
    expect(await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '6\n'})
    expect(await dask('doctor')).toMatchObject({code: 0, stdout: expect.stringMatching(/^✔ operator: dask-operator-\S+ leads/m)})
  })

  it('gives each of several operators a port of its own', async () => {
    const installed = await dask('operator', 'install', '--replicas', '2', '--timeout', '90s')
    expect(installed, installed.stderr).toMatchObject({code: 0})
    const restarts = 'jsonpath={.items[*].status.containerStatuses[0].restartCount}'
    expect(await kubectl('get', 'pods', '-n', 'dask-operator', '-o', restarts)).toBe('0 0')
  })

  it('is empty again when all of it is uninstalled', async () => {
    const uninstalled = await dask('operator', 'uninstall', '--all', '--yes', '--timeout', '90s')
    expect(uninstalled, uninstalled.stderr).toMatchObject({code: 0})
    expect(await kubectl('get', 'crd,lease,deployment,pod', '-A', '-o', 'name')).toBe('')
    expect((await dask('version')).stdout).toMatch(/^Operator: none is running$/m)
  })

  it('takes what Helm installs, and ends with nothing left', async () => {
    const place = ['--kube-context', CONTEXT, '-n', 'dask-operator']
    const helm = async (...args: readonly string[]) => promisify(execFile)(await helmPath(), [...args, ...place], {env: own.env})
    await helm('install', 'dask-operator', CHART, '--create-namespace', '--wait', '--timeout', '90s')
    expect(await dask('operator', 'status')).toMatchObject({code: 0, stdout: expect.stringMatching(/^Leader: +dask-operator-/m)})
    await helm('uninstall', 'dask-operator', '--wait')
    expect(await sandbox('down')).toMatchObject({code: 0, stdout: `sandbox "${NAME}" is down\n`})
    const left = [...(await commandLines()).values()].filter((words) => words.some((word) => word.includes(own.directory)))
    expect(left).toEqual([])
  })
})

describe('a sandbox with an operator of its own', () => {
  it('tells that it leads, and takes no other one beside it', async () => {
    expect((await sandbox('up', '--python', PYTHON)).stdout).toBe(`sandbox "${NAME}" is up: context "${CONTEXT}"\n`)
    expect((await sandbox('status')).stdout).toMatch(/^Operator: +its own$/m)
    expect((await dask('version')).stdout).toMatch(/^Operator: the sandbox's own$/m)
    expect(await dask('operator', 'status')).toMatchObject({code: 0, stdout: expect.stringMatching(/^Leader: +the sandbox's own$/m)})
    expect(await dask('operator', 'install')).toEqual({
      ...{code: 1, stdout: ''},
      stderr:
        'error: this sandbox has an operator of its own, beside which an installed one would never lead; ' +
        '"dask-k8s sandbox down", then "dask-k8s sandbox up --no-operator" starts it without one\n',
    })
    expect((await sandbox('up', '--no-operator')).stderr).toMatch(/^it has an operator of its own: .* starts it without one$/m)
  })

  it('that was kept begins without one where that is asked for', async () => {
    await sandbox('down', '--keep')
    expect((await sandbox('up', '--no-operator', '--python', PYTHON)).stdout).toContain(
      'with what was kept of it, without an operator of its own',
    )
    expect((await dask('version')).stdout).toMatch(/^Operator: none is running$/m)
  })
})
