/** A real Kubernetes control plane: etcd, kube-apiserver, kube-controller-manager, in the network namespace of this process. */
import {type ChildProcess, spawn} from 'node:child_process'
import {generateKeyPairSync, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {createWriteStream} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {request} from 'node:https'
import {join} from 'node:path'
import {writeOwnKubeconfig} from '../../src/sandbox/kubeconfig.ts'
import {type Certificates, makeCertificates} from '../../src/sandbox/tls.ts'
import {controlPlaneBinaries, type Program} from './build.ts'

export interface ControlPlane {
  readonly kubeconfig: string
  /** Of the operator's service account, which has no rights but those that its roles give. */
  readonly operatorKubeconfig: string
  /** With these a node serves, and knows the API server. */
  readonly certificates: Certificates
  /** Kills the API server and starts it again on what etcd has kept; resolves when it is ready. */
  restartApiServer(): Promise<void>
  stop(): Promise<void>
}

/** The account of `operator install`; each of its requests stands in `audit.log`. */
export const OPERATOR_ACCOUNT = 'system:serviceaccount:dask-operator:dask-operator'

/** A line for each request that has ended: who may do what is judged by them. */
const AUDIT = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{level: 'Metadata', users: [OPERATOR_ACCOUNT]}, {level: 'None'}],
}

/** The address by which the namespace's own programs reach each other; nothing else is in it. */
export const NODE_ADDRESS = '10.244.0.1'
export const ETCD = 'http://127.0.0.1:2379'
const READY_MS = 60_000

export async function startControlPlane(directory: string): Promise<ControlPlane> {
  await mkdir(directory, {recursive: true})
  const certificates = await makeCertificates(join(directory, 'tls'))
  const [token = '', operatorToken = ''] = [1, 2].map(() => randomBytes(16).toString('hex'))
  const tokens = `${token},admin,admin,system:masters\n${operatorToken},${OPERATOR_ACCOUNT},operator,system:serviceaccounts\n`
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content, {mode: 0o600})
    return join(directory, name)
  }
  const serviceAccount = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: {type: 'pkcs1', format: 'pem'},
    publicKeyEncoding: {type: 'spki', format: 'pem'},
  })
  const accountKey = await file('sa.key', serviceAccount.privateKey)
  const accountPublic = await file('sa.pub', serviceAccount.publicKey)
  const ca = await file('ca.crt', certificates.ca)

  const children: ChildProcess[] = []
  const {folder} = await controlPlaneBinaries()
  const start = (program: Program, args: readonly string[]): ChildProcess => {
    // Nothing of it outlives this process, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', join(folder, program), ...args], {stdio: ['ignore', 'pipe', 'pipe']})
    const log = createWriteStream(join(directory, `${program}.log`), {flags: 'a'})
    child.stdout?.pipe(log, {end: false})
    child.stderr?.pipe(log)
    children.push(child)
    return child
  }
  start('etcd', [
    ...['--data-dir', join(directory, 'etcd'), '--unsafe-no-fsync', '--listen-client-urls', ETCD],
    ...['--advertise-client-urls', ETCD, '--listen-peer-urls', 'http://127.0.0.1:2380', '--log-level', 'error'],
  ])
  const apiServerArgs = [
    ...[`--etcd-servers=${ETCD}`, '--bind-address=0.0.0.0', '--secure-port=6443', `--advertise-address=${NODE_ADDRESS}`],
    ...[
      `--tls-cert-file=${await file('server.crt', certificates.server.cert)}`,
      `--tls-private-key-file=${await file('server.key', certificates.server.key)}`,
    ],
    ...[`--token-auth-file=${await file('tokens.csv', tokens)}`, '--authorization-mode=RBAC'],
    ...[
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${accountPublic}`,
      `--service-account-signing-key-file=${accountKey}`,
    ],
    // Pods would get a token volume that the process node does not have.
    '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
    ...[`--audit-policy-file=${await file('audit.json', JSON.stringify(AUDIT))}`, `--audit-log-path=${join(directory, 'audit.log')}`],
    ...['--disable-admission-plugins=ServiceAccount', '--service-cluster-ip-range=10.96.0.0/16', `--cert-dir=${directory}`],
    ...[`--kubelet-client-certificate=${await file('kubelet-client.crt', certificates.kubeletClient.cert)}`],
    ...[`--kubelet-client-key=${await file('kubelet-client.key', certificates.kubeletClient.key)}`],
    // Names of nodes resolve nowhere here.
    '--kubelet-preferred-address-types=InternalIP',
  ]
  let apiServer = start('kube-apiserver', apiServerArgs)
  const kubeconfig = join(directory, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, {context: 'control-plane', url: 'https://127.0.0.1:6443', ca: certificates.ca, token})
  const operatorKubeconfig = join(directory, 'operator.kubeconfig')
  const account = {context: 'operator', url: 'https://127.0.0.1:6443', ca: certificates.ca, token: operatorToken}
  await writeOwnKubeconfig(operatorKubeconfig, account)
  try {
    await ready(certificates.ca, token, children)
  } catch (error) {
    for (const child of children) child.kill('SIGKILL')
    const log = await readFile(join(directory, 'kube-apiserver.log'), 'utf8').catch(() => '')
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log.split('\n').slice(-10).join('\n')}`)
  }
  start('kube-controller-manager', [
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', `--service-account-private-key-file=${accountKey}`, `--root-ca-file=${ca}`],
    // The process node sends no heartbeats: it lives and dies with the test.
    ...['--controllers=*,-node-lifecycle-controller,-taint-eviction-controller', `--cert-dir=${directory}`],
  ])
  return {
    kubeconfig,
    operatorKubeconfig,
    certificates,
    restartApiServer: async () => {
      await killed(apiServer)
      apiServer = start('kube-apiserver', apiServerArgs)
      await ready(certificates.ca, token, [apiServer])
    },
    stop: async () => void (await Promise.all(children.toReversed().map(killed))),
  }
}

const killed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const ready = async (ca: string, token: string, children: readonly ChildProcess[]): Promise<void> => {
  const deadline = performance.now() + READY_MS
  while (!(await answers(ca, token))) {
    if (children.some((child) => child.exitCode !== null)) throw new Error('the control plane ended before it was ready')
    if (performance.now() > deadline) throw new Error(`the control plane was not ready within ${READY_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const answers = (ca: string, token: string): Promise<boolean> =>
  new Promise((resolve) => {
    const call = request(
      {host: '127.0.0.1', port: 6443, path: '/readyz', ca, headers: {authorization: `Bearer ${token}`}, agent: false},
      (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      },
    )
    call.once('error', () => resolve(false))
    call.end()
  })
