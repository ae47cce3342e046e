/** Every example of every help is carried out in a sandbox, as a person would copy it. */
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse, stringify} from 'yaml'
import {NAMESPACES, NODES, PODS} from '../../src/api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import type {Kind} from '../../src/api/object.ts'
import {type HelpCommand, ROOT_EXAMPLES} from '../../src/cli/help.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {ifMissing} from '../../src/kube/errors.ts'
import {until} from '../conformance/ground.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {type Example, SCENES} from './examples.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const BIN = join(ROOT, 'bin', 'kubectl-dask.js')
const MANIFESTS = join(ROOT, 'manifests', 'examples')
const PTY = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
/** Programs of others that examples name: a browser, and a reader of JSON that not every machine has. */
const STUBS = {'xdg-open': 'exit 0', jq: 'cat'}

let folder = ''
let kubeconfig = ''
let client: KubeClient
let examples: readonly string[] = []

const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  ...{HOME: folder, XDG_STATE_HOME: join(folder, 'state'), KUBECONFIG: kubeconfig, SHELL: '/bin/sh', DEBUG: ''},
  PATH: [join(folder, 'bin'), join(folder, 'venv', 'bin'), process.env['PATH']].join(delimiter),
})

interface Ended {
  readonly code: number | null
  readonly text: string
}

/** The shell's own line: pipes, quotes and redirections are the example's. */
const lineOf = (call: string): string => (call.startsWith('kubectl ') ? call : `'${process.execPath}' '${BIN}' ${call}`)

const start = (call: string, onTerminal = false): {readonly child: ChildProcess; readonly ended: Promise<Ended>; text(): string} => {
  const line = call.includes('|') ? lineOf(call) : `exec ${lineOf(call)}`
  const [program, ...args] = onTerminal ? ['python3', '-c', PTY, 'sh', '-c', line] : ['sh', '-c', line]
  const child = spawn(program ?? '', args, {cwd: folder, env: env(), stdio: [onTerminal ? 'pipe' : 'ignore', 'pipe', 'pipe']})
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({code, text})))
  return {child, ended, text: () => text}
}

const succeed = async (call: string): Promise<void> => {
  const {code, text} = await start(call).ended
  expect(code, `${call}\n${text}`).toBe(0)
}

const realNames = {
  node: async () => (await client.list(NODES, {})).items[0]?.metadata.name ?? '',
  worker: async () => {
    const {items} = await client.list(PODS, {namespace: 'default', labelSelector: 'dask.org/workergroup-name=demo-default'})
    return items.find(({metadata}) => metadata.deletionTimestamp === undefined)?.metadata.name ?? ''
  },
  port: async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const {port} = server.address() as AddressInfo
    server.close()
    return String(port)
  },
}

const carryOut = async ({command, code = 0, says = '', goesOn, onTerminal, after = [], names = {}}: Example): Promise<void> => {
  for (const call of after) await succeed(call)
  let [call, words] = [command, says]
  for (const [madeUp, kind] of Object.entries(names)) {
    const real = await realNames[kind]()
    ;[call, words] = [call.replace(madeUp, real), words.replace(madeUp, real)]
  }
  const running = start(call, onTerminal)
  if (goesOn) {
    await until(
      () => running.child.exitCode !== null || (running.text() !== '' && running.text().includes(words)),
      `${call} says something`,
    )
    running.child.kill('SIGINT')
  }
  const {code: found, text} = await running.ended
  expect(goesOn ? [0, 130] : [code], `${call}\n${text}`).toContain(found)
  expect(text).toContain(words)
}

const empty = async (): Promise<void> => {
  const kinds: readonly Kind[] = [DASK_JOBS, DASK_CLUSTERS, DASK_WORKER_GROUPS, DASK_AUTOSCALERS]
  for (const kind of kinds)
    for (const {metadata} of (await client.list(kind, {namespace: 'default'})).items)
      await client.delete(kind, {namespace: 'default', name: metadata.name}, {propagationPolicy: 'Background'}).catch(ifMissing(undefined))
  await until(async () => {
    const left = await Promise.all([...kinds, PODS].map(async (kind) => (await client.list(kind, {namespace: 'default'})).items.length))
    return left.every((count) => count === 0)
  }, 'the namespace is empty')
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'))
  kubeconfig = join(folder, 'kubeconfig')
  const manifest = JSON.parse(await readFile(join(ROOT, 'dist', 'oclif.manifest.json'), 'utf8')) as {
    readonly commands: Readonly<Record<string, HelpCommand>>
  }
  examples = [...Object.values(manifest.commands).filter(({hidden}) => !hidden), {examples: ROOT_EXAMPLES}]
    .flatMap(({examples: own}) => own ?? [])
    .map((example) => (typeof example === 'string' ? example : example.command))
  for (const directory of ['bin', 'jobs']) await mkdir(join(folder, directory))
  for (const [name, line] of Object.entries(STUBS)) {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${line}\n`)
    await chmod(join(folder, 'bin', name), 0o755)
  }
  await symlink(await kubectlPath(), join(folder, 'bin', 'kubectl'))
  await symlink(daskEnvironment(NEWEST_DASK), join(folder, 'venv'))
  for (const name of ['cluster.yaml', 'job.yaml']) await cp(join(MANIFESTS, name), join(folder, name))
  await cp(join(MANIFESTS, 'job.yaml'), join(folder, 'jobs', 'job.yaml'))
  await writeFile(join(folder, 'demo.yaml'), 'workers: 1\nlabel: team=ml\n')
  await writeFile(join(folder, 'train.py'), 'print("trained", flush=True)\n')
  await writeFile(join(folder, 'model.py'), '')
  await succeed('sandbox up')
  const config = parse(await readFile(kubeconfig, 'utf8')) as {readonly contexts: readonly {readonly name: string}[]}
  const [sandbox] = config.contexts
  const contexts = [...config.contexts, {...structuredClone(sandbox), name: 'staging'}]
  await writeFile(kubeconfig, stringify({...config, contexts, 'current-context': sandbox?.name}))
  client = connect(loadKubeConfig({kubeconfig}))
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'team-a'}})
}, 120_000)

afterAll(async () => {
  await client?.close()
  await start('sandbox down').ended
  await rm(folder, {recursive: true, force: true, maxRetries: 5})
})

const ofScene = (scene: (typeof SCENES)[number]): readonly Example[] =>
  scene.examples.map((example) => (typeof example === 'string' ? {command: example} : example))

it('each has its place, and each place an example', () => {
  const placed = SCENES.flatMap(ofScene).map(({command}) => command)
  expect(placed.toSorted()).toEqual([...new Set(examples)].toSorted())
})

for (const scene of SCENES)
  describe(`given ${scene.given},`, () => {
    const make = async (): Promise<void> => {
      await empty()
      for (const call of scene.calls) await succeed(call)
    }
    if (!scene.isAnew) beforeAll(make)
    for (const example of ofScene(scene))
      it(example.command, async () => {
        if (scene.isAnew) await make()
        await carryOut(example)
      })
  })
