/** Kueue itself in an empty Kubernetes: all that its chart makes, and its controller manager as a process beside it. */
import {execFile, spawn} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {createWriteStream} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {parse, parseAllDocuments, stringify} from 'yaml'
import {NAMESPACES, SECRETS} from '../../src/api/core.ts'
import type {KubeObject} from '../../src/api/object.ts'
import {until} from '../conformance/ground.ts'
import {builtOnce} from '../toolchain/built-once.ts'
import {go} from '../toolchain/go.ts'
import type {EmptyKubernetes} from './empty-kubernetes.ts'
import {helmPath, kubectlPath} from './kubectl.ts'

const run = promisify(execFile)
const MODULE = 'sigs.k8s.io/kueue'
const module = join(import.meta.dirname, 'kueue')

/** Resolves with the folder of Kueue's program and chart, made from its Go module (kueue/go.mod) and kept in the user's cache. Rejects with the reason where they cannot be had. */
export async function kueueBuild(log: (line: string) => void): Promise<string> {
  const sums = await readFile(join(module, 'go.sum'))
  const hash = createHash('sha256').update(sums).digest('hex').slice(0, 12)
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dask-k8s', 'kueue', hash)
  return builtOnce(folder, async (fresh) => {
    log('building Kueue, once; it takes about 5 minutes …')
    await go(module, 'build', '-trimpath', '-ldflags', '-s -w', '-o', join(fresh, 'kueue'), `${MODULE}/cmd/kueue`)
    const source = (await go(module, 'list', '-m', '-f', '{{.Dir}}', MODULE)).trim()
    // Go's own folders cannot be written to, nor could their copies.
    await run('tar', ['-czf', join(fresh, 'chart.tgz'), '-C', join(source, 'charts'), 'kueue'])
  })
}

const NAMESPACE = 'kueue-system'
/** In the range that is local to this network namespace: Kueue listens where the API server looks for the Service. */
const WEBHOOK_ADDRESS = '10.96.0.100'
const HEALTH = '127.0.0.1:8081'

const configurationOf = (certificates: string, namespace: string): object => ({
  apiVersion: 'config.kueue.x-k8s.io/v1beta2',
  kind: 'Configuration',
  health: {healthProbeBindAddress: HEALTH},
  metrics: {bindAddress: '127.0.0.1:8443'},
  webhook: {host: WEBHOOK_ADDRESS, port: 443, certDir: certificates},
  leaderElection: {leaderElect: false},
  clientConnection: {qps: 50, burst: 100},
  integrations: {frameworks: ['pod']},
  managedJobsNamespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': namespace}},
  featureGates: {VisibilityOnDemand: false},
})

/** Starts Kueue for the pods of one namespace, under its own roles; resolves when it answers. The result ends it. */
export async function startKueue(
  {client, directory, run}: EmptyKubernetes,
  build: string,
  namespace: string,
): Promise<() => Promise<void>> {
  const certificates = join(directory, 'kueue-certificates')
  await mkdir(certificates)
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content, {mode: 0o600})
    return join(directory, name)
  }
  const configuration = await file('kueue.yaml', stringify(configurationOf(certificates, namespace)))
  const values = await file(
    'kueue-values.yaml',
    stringify({managerConfig: {controllerManagerConfigYaml: await readFile(configuration, 'utf8')}}),
  )
  const works = async (program: string, ...args: readonly string[]): Promise<string> => {
    const {code, stdout, stderr} = await run(program, ...args)
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const chart = await works(await helmPath(), 'template', 'kueue', join(build, 'chart.tgz'), '--namespace', NAMESPACE, '--values', values)
  const objects = parseAllDocuments(chart).flatMap((document) => asInstalled((document.toJS() ?? undefined) as KubeObject | undefined))
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: NAMESPACE}})
  const manifest = await file('kueue-objects.json', JSON.stringify({apiVersion: 'v1', kind: 'List', items: objects}))
  await works(await kubectlPath(), 'apply', '--server-side', '-f', manifest)

  const kubeconfig = parse(await readFile(join(directory, 'plane', 'kubeconfig'), 'utf8'))
  kubeconfig.users[0].user.as = `system:serviceaccount:${NAMESPACE}:kueue-controller-manager`
  const env = {...process.env, KUBECONFIG: await file('kueue.kubeconfig', stringify(kubeconfig))}
  const logFile = join(directory, 'kueue.log')
  // Nothing of it outlives this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', join(build, 'kueue'), '--config', configuration], {
    ...{env, stdio: ['ignore', 'pipe', 'pipe']},
  })
  const log = createWriteStream(logFile)
  child.stdout?.pipe(log, {end: false})
  child.stderr?.pipe(log)
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const runs = async (): Promise<void> => {
    if (child.exitCode === null) return
    throw new Error(`Kueue ended with ${child.exitCode}: ${(await readFile(logFile, 'utf8')).split('\n').slice(-10).join('\n')}`)
  }
  try {
    // Kueue writes its certificates into a Secret, and a kubelet would write them into the files that it waits for.
    await until(async () => {
      await runs()
      const {data = {}} = await client.get(SECRETS, {namespace: NAMESPACE, name: 'kueue-webhook-server-cert'})
      for (const [name, content] of Object.entries(data)) await writeFile(join(certificates, name), Buffer.from(content, 'base64'))
      return Object.keys(data).length > 0
    }, 'Kueue has made its certificates')
    await until(async () => {
      await runs()
      // While nobody listens yet there is no answer.
      return (await fetch(`http://${HEALTH}/readyz`).catch(() => undefined))?.ok ?? false
    }, 'Kueue is ready')
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

/** Without what runs in its pod, which is a process here: an API that nobody serves would hold up all deletions of namespaces. */
const asInstalled = (object: KubeObject | undefined): readonly KubeObject[] => {
  if (!object || object.kind === 'Deployment' || object.kind === 'APIService') return []
  if (object.kind !== 'Service' || object.metadata.name !== 'kueue-webhook-service') return [object]
  return [{...object, spec: {...(object as KubeObject & {readonly spec: object}).spec, clusterIP: WEBHOOK_ADDRESS}} as KubeObject]
}
