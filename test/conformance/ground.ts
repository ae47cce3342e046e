/** What a product test stands on: real kubectl, our own command, a client, and a namespace of its own. */
import {execFile} from 'node:child_process'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, it} from 'vitest'
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Stand {
  readonly client: KubeClient
  readonly namespace: string
  /** Real kubectl in the test's namespace; rejects when it fails. */
  kubectl(...args: readonly string[]): Promise<string>
  /** Our own command in the test's namespace, whatever its exit code. */
  dask(...args: readonly string[]): Promise<Output>
  pods(selector: string): Promise<readonly Pod[]>
  /** Runs Python with the newest Dask beside the cluster; the scheduler's address is the first argument. */
  python(program: string, cluster: string, ...args: readonly string[]): Promise<string>
}

export const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')

const execute = (program: string, args: readonly string[], timeout = 100_000): Promise<Output> =>
  new Promise((resolve) => {
    execFile(program, args, {timeout, maxBuffer: 2 ** 24}, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0
      resolve({code, stdout, stderr: error && stderr === '' ? String(error) : stderr})
    })
  })

const succeeded = ({code, stdout, stderr}: Output, what: string): string => {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}${stdout}`)
  return stdout
}

let count = 0

/** For one file of tests: a namespace before them, and nothing of it after them. */
export function stand(name: string): Stand {
  const namespace = `${name}-${process.pid}-${count++}`
  const client = connect(loadKubeConfig())
  let kubectl = ''
  beforeAll(async () => {
    kubectl = await kubectlPath()
    await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  })
  afterAll(async () => {
    await client.delete(NAMESPACES, {name: namespace})
    await until(async () => (await client.list(PODS, {namespace})).items.length === 0, 'the pods of the namespace end')
    await client.close()
  })
  const pods = async (selector: string): Promise<readonly Pod[]> => (await client.list(PODS, {namespace, labelSelector: selector})).items
  return {
    client,
    namespace,
    kubectl: async (...args) => succeeded(await execute(kubectl, ['-n', namespace, ...args]), `kubectl ${args.join(' ')}`),
    dask: (...args) => {
      const end = args.indexOf('--')
      const [before, after] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end)]
      return execute(process.execPath, [BIN, ...before, '-n', namespace, ...after])
    },
    pods,
    python: async (program, cluster, ...args) => {
      const [scheduler] = await pods(`dask.org/cluster-name=${cluster},dask.org/component=scheduler`)
      const address = `tcp://${scheduler?.status?.podIP}:8786`
      return succeeded(await execute(join(daskEnvironment(NEWEST_DASK), 'bin', 'python'), ['-c', program, address, ...args]), 'python')
    },
  }
}

/** Asks again and again until the answer is yes; rejects with what was waited for. */
export async function until(condition: () => Promise<boolean> | boolean, what: string, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Over the definitions of the Python operator, which drop our own fields, and of a status all but upstream's. */
const OVER_UPSTREAM = process.env['DEFINITIONS'] === 'upstream'

/** A test of what those drop; over them it is none. */
export const itOnOurs = (name: string, test: () => Promise<void>): void => {
  if (!OVER_UPSTREAM) it(name, test)
}

export const describeOnOurs = (name: string, tests: () => void): void => {
  if (!OVER_UPSTREAM) describe(name, tests)
}

/** The same for one claim of a test that is about more. */
export const onOurs = async (claim: () => Promise<void> | void): Promise<void> => {
  if (!OVER_UPSTREAM) await claim()
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.conditions?.some(({type, status}) => type === 'Ready' && status === 'True') ?? false)
