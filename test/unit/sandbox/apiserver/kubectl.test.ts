import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {kubectlPath} from '../../../kubernetes/kubectl.ts'
import {GADGETS, type Ground, pod, startGround} from './ground.ts'

let ground: Ground
let program: string

beforeAll(async () => {
  program = await kubectlPath()
  ground = await startGround()
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const start = (...args: readonly string[]): ChildProcess =>
  spawn(program, ['--kubeconfig', ground.kubeconfig, '--cache-dir', `${ground.kubeconfig}.cache`, ...args], {
    env: {PATH: process.env['PATH'], KUBE_EDITOR: 'sed -i s/first/edited/'},
  })

const kubectl = async (args: string, input?: unknown): Promise<Ended> => {
  const child = start(...args.split(' '))
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin?.end(input === undefined ? '' : JSON.stringify(input))
  const [code] = (await once(child, 'close')) as [number | null]
  return {code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString()}
}

const list = (...items: readonly object[]) => ({apiVersion: 'v1', kind: 'List', items})
const map = (name: string, data: object, extra: object = {}) => ({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name, ...extra}, data})
const gadget = (name: string, spec: object) => ({apiVersion: 'example.org/v1', kind: 'Gadget', metadata: {name}, spec})

describe('real kubectl', () => {
  it('knows the server and its kinds', async () => {
    expect((await kubectl('version')).stdout).toMatch(/Server Version: v1\.\d+\.\d+/)
    expect((await kubectl('api-resources')).stdout).toMatch(/pods +po +v1 +true +Pod/)
    expect((await kubectl('auth can-i create pods')).stdout).toBe('yes\n')
    expect((await kubectl('auth whoami -o name')).code).toBe(0)
  })

  it('creates by its typed commands, which send protobuf', async () => {
    expect((await kubectl('create namespace typed')).stdout).toBe('namespace/typed created\n')
    await kubectl('-n typed create configmap c --from-literal=a=b')
    await kubectl('-n typed create secret generic s --from-literal=a=b')
    await kubectl('-n typed create service clusterip web --tcp=80:8080')
    await kubectl('-n typed create role r --verb=get --resource=pods')
    const {stdout} = await kubectl('-n typed get configmap/c secret/s service/web role/r -o json')
    expect(JSON.parse(stdout).items).toMatchObject([
      {data: {a: 'b'}},
      {type: 'Opaque', data: {a: 'Yg=='}},
      {spec: {ports: [{name: '80-8080', port: 80, targetPort: 8080, protocol: 'TCP'}], clusterIP: expect.stringMatching(/^127\.96\./)}},
      {rules: [{verbs: ['get'], apiGroups: [''], resources: ['pods']}]},
    ])
  })

  it('applies three ways: by its own merge, again unchanged, and what it took away is gone', async () => {
    expect((await kubectl('apply -f -', map('m', {a: 'first', b: '2'}))).stdout).toBe('configmap/m created\n')
    expect((await kubectl('apply -f -', map('m', {a: 'first', b: '2'}))).stdout).toBe('configmap/m unchanged\n')
    expect((await kubectl('apply -f -', map('m', {a: 'first'}))).stdout).toBe('configmap/m configured\n')
    expect(JSON.parse((await kubectl('get cm m -o jsonpath={.data}')).stdout)).toEqual({a: 'first'})
    const diff = await kubectl('diff -f -', map('m', {a: 'second'}))
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringContaining('+  a: second')])
    expect((await kubectl('edit cm m')).stdout).toBe('configmap/m edited\n')
    expect((await kubectl('get cm m -o jsonpath={.data.a}')).stdout).toBe('edited')
  })

  it('applies pods and services by their merge keys', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {name: 'svc'},
      spec: {selector: {a: 'b'}, ports: [{port: 80, name: 'http'}]},
    }
    await kubectl('apply -f -', list(pod('applied'), service))
    const ports = [
      {port: 80, name: 'http'},
      {port: 81, name: 'more'},
    ]
    const second = await kubectl('apply -f -', list(pod('applied'), {...service, spec: {...service.spec, ports}}))
    expect(second.stdout).toBe('pod/applied unchanged\nservice/svc configured\n')
    expect((await kubectl('get svc svc -o jsonpath={.spec.ports[*].targetPort}')).stdout).toBe('80 81')
  })

  it('applies server-side, sees conflicts, and forces', async () => {
    expect((await kubectl('apply --server-side -f -', map('ssa', {a: '1'}))).stdout).toBe('configmap/ssa serverside-applied\n')
    const refused = await kubectl('apply --server-side --field-manager other -f -', map('ssa', {a: '2'}))
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('conflict with "kubectl": .data.a')])
    expect((await kubectl('apply --server-side --field-manager other --force-conflicts -f -', map('ssa', {a: '2'}))).code).toBe(0)
  })

  it('takes over server-side what it applied before by itself', async () => {
    await kubectl('apply -f -', map('moved', {a: '1', b: '2'}))
    expect((await kubectl('apply --server-side -f -', map('moved', {a: '1'}))).code).toBe(0)
    expect(JSON.parse((await kubectl('get cm moved -o jsonpath={.data}')).stdout)).toEqual({a: '1'})
  })

  it('is told of a misspelt field before anything is made', async () => {
    const refused = await kubectl('apply -f -', pod('misspelt', {spec: {contianers: []}}))
    expect(refused.stderr).toContain(
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.contianers"',
    )
    expect((await kubectl('get pod misspelt')).stderr).toBe('Error from server (NotFound): pods "misspelt" not found\n')
  })

  it('works with custom resources: tables, scale, explain, describe, wait, patch', async () => {
    await kubectl('apply -f -', GADGETS)
    expect((await kubectl('wait --for=condition=Established crd/gadgets.example.org')).code).toBe(0)
    await kubectl('apply -f -', gadget('g', {any: {thing: 1}}))
    expect((await kubectl('scale gadget g --replicas=4')).stdout).toBe('gadget.example.org/g scaled\n')
    await kubectl('patch gd g --subresource=status --type=merge --patch={"status":{"phase":"Fine"}}')
    expect((await kubectl('get gd')).stdout).toMatch(/^NAME +WANTED +PHASE\ng +4 +Fine\n$/)
    expect((await kubectl('wait --for=jsonpath={.status.phase}=Fine gd/g')).code).toBe(0)
    expect((await kubectl('explain gadget.spec')).stdout).toMatch(/replicas\s+<integer>/)
    expect((await kubectl('explain pod.spec.containers.env')).stdout).toContain('List of environment variables to set in the container')
    expect((await kubectl('describe gd g')).stdout).toMatch(/Phase: +Fine/)
    const wrong = await kubectl('patch gd g --type=merge --patch={"spec":{"replicas":"x"}}')
    expect(wrong.stderr).toContain('spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"')
    expect((await kubectl('delete gd --all')).stdout).toContain('"g" deleted')
  })

  it('shows pods as they are, and watches them', async () => {
    await kubectl('apply -f -', pod('seen', {metadata: {labels: {app: 'seen'}}}))
    expect((await kubectl('get pods -l app=seen -o wide')).stdout).toMatch(
      /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE.*\nseen +0\/1 +Pending +0 /,
    )
    const watching = start('get', 'pods', '-l', 'app=seen', '-w', '--no-headers')
    let seen = ''
    watching.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk
    })
    const shows = async (text: RegExp): Promise<void> => {
      while (!text.test(seen)) await once(watching.stdout ?? watching, 'data')
    }
    await shows(/Pending/)
    await kubectl('label pod seen more=x')
    await kubectl('annotate pod seen why=because')
    await kubectl('delete pod seen')
    await shows(/Terminating/)
    watching.kill()
    await once(watching, 'close')
    expect((await kubectl('describe pod applied')).stdout).toMatch(/Node-Selectors: +<none>/)
  })

  it('is told plainly what is not served', async () => {
    expect((await kubectl('get --raw /apis/apps/v1/statefulsets')).stderr).toContain('the sandbox does not serve statefulsets.apps')
    expect((await kubectl('get statefulsets')).stderr).toContain('the server doesn\'t have a resource type "statefulsets"')
    expect(await kubectl('top pods')).toMatchObject({code: 1, stderr: 'error: Metrics API not available\n'})
  })

  it('deletes a namespace with all that is in it', async () => {
    expect((await kubectl('delete namespace typed')).stdout).toBe('namespace "typed" deleted\n')
    expect((await kubectl('get all -n typed')).stderr).toContain('No resources found in typed namespace')
  })
})
