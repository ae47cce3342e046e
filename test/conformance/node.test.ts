import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {describe, expect, it} from 'vitest'
import {NODES, PERSISTENT_VOLUME_CLAIMS, PODS, type Pod, type PodSpec, SERVICES} from '../../src/api/core.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {stand, until} from './ground.ts'

/** The process node under both API servers: what a kubelet promises to a pod. */
const {client, namespace, kubectl, pods} = stand('node')

let count = 0
const run = async (spec: Partial<PodSpec> & Pick<PodSpec, 'containers'>, metadata: Partial<Pod['metadata']> = {}): Promise<string> => {
  const name = `pod-${count++}`
  await client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {...metadata, name, namespace},
    spec: {restartPolicy: 'Never', ...spec},
  })
  return name
}
const podOf = (name: string): Promise<Pod> => client.get(PODS, {namespace, name})
const ended = (name: string, phase: 'Succeeded' | 'Failed' = 'Succeeded'): Promise<void> =>
  until(async () => (await podOf(name)).status?.phase === phase, `${name} is ${phase}`)
const sh = (script: string) => ({image: 'busybox', command: ['sh', '-c', script]})

/** Resolves once kubectl follows the log and has been told these words; with what it has been told in all, when the log has ended. */
const followed = async (name: string, words: string): Promise<() => Promise<string>> => {
  // A container that is still being made has no log, and kubectl fails.
  await until(async () => (await kubectl('logs', name).catch(() => '')).includes(words), `${name} says "${words}"`)
  const child = spawn(await kubectlPath(), ['-n', namespace, 'logs', '-f', name], {stdio: ['ignore', 'pipe', 'ignore']})
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const closed = once(child, 'close')
  await until(() => said.includes(words), 'kubectl follows its log')
  return async () => {
    await closed
    return said
  }
}

describe('a pod', () => {
  it('runs its init containers one after another, then its containers beside each other', async () => {
    const volumes = [{name: 'shared', emptyDir: {}}]
    const mounted = {volumeMounts: [{name: 'shared', mountPath: '/shared'}]}
    const name = await run({
      volumes,
      initContainers: [
        {name: 'first', ...sh('echo first >> /shared/order'), ...mounted},
        {name: 'second', ...sh('echo second >> /shared/order'), ...mounted},
      ],
      containers: [
        {name: 'one', ...sh('cat /shared/order'), ...mounted},
        {name: 'two', ...sh('echo two')},
      ],
    })
    await ended(name)
    expect(await kubectl('logs', name, '-c', 'one')).toBe('first\nsecond\n')
    expect(await kubectl('logs', name, '-c', 'two')).toBe('two\n')
  })

  it('keeps what it writes to a persistent volume claim for the next pod, and not for another claim of the same name', async () => {
    const ref = {namespace, name: 'kept'}
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: ref,
      spec: {accessModes: ['ReadWriteOnce'], resources: {requests: {storage: '1Gi'}}},
    }
    const claimed = (script: string): Promise<string> =>
      run({
        volumes: [{name: 'data', persistentVolumeClaim: {claimName: 'kept'}}],
        containers: [{name: 'main', ...sh(script), volumeMounts: [{name: 'data', mountPath: '/data'}]}],
      })
    await client.create(PERSISTENT_VOLUME_CLAIMS, claim)
    const writer = await claimed('echo results > /data/file')
    await ended(writer)
    await client.delete(PODS, {namespace, name: writer})
    const reader = await claimed('cat /data/file')
    await ended(reader)
    expect(await kubectl('logs', reader)).toBe('results\n')
    await client.delete(PODS, {namespace, name: reader})
    const readOnly = await run({
      volumes: [{name: 'data', persistentVolumeClaim: {claimName: 'kept', readOnly: true}}],
      containers: [{name: 'main', ...sh('echo more >> /data/file'), volumeMounts: [{name: 'data', mountPath: '/data'}]}],
    })
    await ended(readOnly, 'Failed')
    await client.delete(PODS, {namespace, name: readOnly})
    // A claim is protected while a pod uses it.
    await until(async () => (await client.list(PODS, {namespace})).items.every(({metadata}) => metadata.name !== readOnly), 'the pod goes')
    await client.delete(PERSISTENT_VOLUME_CLAIMS, ref)
    await until(async () => (await client.list(PERSISTENT_VOLUME_CLAIMS, {namespace})).items.length === 0, 'the claim goes')
    await client.create(PERSISTENT_VOLUME_CLAIMS, claim)
    const another = await claimed('ls /data')
    await ended(another)
    expect(await kubectl('logs', another)).toBe('')
  })

  it('has its sidecars up before its containers start, restarts them, and ends them after', async () => {
    const volumes = [{name: 'shared', emptyDir: {}}]
    const mounted = {volumeMounts: [{name: 'shared', mountPath: '/shared'}]}
    const name = await run({
      volumes,
      initContainers: [
        {
          ...{name: 'sidecar', restartPolicy: 'Always', ...mounted},
          ...sh(
            'trap "echo ended; exit 0" TERM; test -e /shared/once || { touch /shared/once; exit 1; }; touch /shared/up; while true; do sleep 0.1; done',
          ),
          startupProbe: {exec: {command: ['test', '-e', '/shared/up']}, periodSeconds: 1, failureThreshold: 60},
        },
        {name: 'init', ...sh('test -e /shared/up'), ...mounted},
      ],
      containers: [{name: 'main', ...sh('test -e /shared/up && sleep 1'), ...mounted}],
    })
    await until(async () => (await podOf(name)).status?.phase === 'Running', 'it runs')
    const log = kubectl('logs', '-f', name, '-c', 'sidecar')
    await ended(name)
    expect(await log).toContain('ended')
    const [sidecar] = (await podOf(name)).status?.initContainerStatuses ?? []
    expect(sidecar).toMatchObject({name: 'sidecar', restartCount: 1, state: {terminated: {}}})
    expect((await podOf(name)).status?.conditions?.find(({type}) => type === 'Initialized')?.status).toBe('True')
  })

  it('tells what its program left as its last words', async () => {
    const said = await run({
      containers: [{name: 'main', ...sh('printf "no data" > /tmp/last-words; exit 4'), terminationMessagePath: '/tmp/last-words'}],
    })
    const logged = await run({
      containers: [{name: 'main', ...sh('echo first; echo second; exit 5'), terminationMessagePolicy: 'FallbackToLogsOnError'}],
    })
    const lastWords = async (name: string) => (await podOf(name)).status?.containerStatuses?.[0]?.state?.terminated?.message
    await ended(said, 'Failed')
    expect(await lastWords(said)).toBe('no data')
    await ended(logged, 'Failed')
    expect(await lastWords(logged)).toBe('first\nsecond\n')
  })

  it('runs its postStart hook, and is ended where that fails', async () => {
    const volumes = [{name: 'shared', emptyDir: {}}]
    const mounted = {volumeMounts: [{name: 'shared', mountPath: '/shared'}]}
    const waits = 'until [ -e /shared/begun ]; do sleep 0.1; done'
    const name = await run({
      volumes,
      containers: [{name: 'main', ...sh(waits), ...mounted, lifecycle: {postStart: {exec: {command: ['touch', '/shared/begun']}}}}],
    })
    await ended(name)
    const failing = await run({
      terminationGracePeriodSeconds: 1,
      containers: [{name: 'main', ...sh('sleep 600'), lifecycle: {postStart: {exec: {command: ['false']}}}}],
    })
    await ended(failing, 'Failed')
  })

  it('fails with the exit code of its container', async () => {
    const name = await run({containers: [{name: 'main', ...sh('exit 7')}]})
    await ended(name, 'Failed')
    expect((await podOf(name)).status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({exitCode: 7, reason: 'Error'})
  })

  it('is started again, and waits longer when it keeps failing', async () => {
    const name = await run({restartPolicy: 'Always', containers: [{name: 'main', ...sh('exit 1')}]})
    await until(async () => {
      const [status] = (await podOf(name)).status?.containerStatuses ?? []
      return (status?.restartCount ?? 0) >= 1 && status?.state?.waiting?.reason === 'CrashLoopBackOff'
    }, 'the container is in CrashLoopBackOff')
    await kubectl('delete', 'pod', name)
  })

  it('sees projected volumes, the downward API and a token of its account', async () => {
    await kubectl('create', 'configmap', 'settings', '--from-literal=a=1', '--from-literal=b=2')
    const downward = {
      items: [
        {path: 'labels', fieldRef: {fieldPath: 'metadata.labels'}},
        {path: 'name', fieldRef: {fieldPath: 'metadata.name'}},
      ],
    }
    const sources = [
      {serviceAccountToken: {path: 'token'}},
      {configMap: {name: 'kube-root-ca.crt', items: [{key: 'ca.crt', path: 'ca.crt'}]}},
      {configMap: {name: 'settings', items: [{key: 'b', path: 'deep/b'}]}},
      {downwardAPI: downward},
    ]
    const script = [
      'cd /var/run/secrets/all; cat deep/b name; echo; cat labels; echo; head -c 27 ca.crt; echo; test -s token && echo token; test -e a || echo only',
      'python - <<END\nimport os, ssl, urllib.request\nurl = "https://" + os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"] + "/apis"',
      'ask = urllib.request.Request(url, headers={"Authorization": "Bearer " + open("/var/run/secrets/all/token").read()})',
      'print(urllib.request.urlopen(ask, context=ssl.create_default_context(cafile="/var/run/secrets/all/ca.crt")).status)\nEND',
    ].join('\n')
    const name = await run(
      {
        serviceAccountName: 'default',
        volumes: [{name: 'all', projected: {sources}}],
        containers: [{name: 'main', ...sh(script), volumeMounts: [{name: 'all', mountPath: '/var/run/secrets/all', readOnly: true}]}],
      },
      {labels: {team: 'red', app: 'x'}},
    )
    await ended(name)
    expect(await kubectl('logs', name)).toBe(`2${name}\napp="x"\nteam="red"\n-----BEGIN CERTIFICATE-----\ntoken\nonly\n200\n`)
  })

  it('gets its grace period, after its hook, and is killed when that is over', async () => {
    const name = await run({
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'main',
          ...sh('trap "echo told" TERM; echo up; while true; do sleep 0.1; done'),
          lifecycle: {preStop: {exec: {command: ['sh', '-c', 'echo hook > /proc/1/fd/1 2>/dev/null || true']}}},
        },
      ],
    })
    const said = await followed(name, 'up')
    await kubectl('delete', 'pod', name)
    expect(await said()).toContain('told')
  })

  it('is asked by the hook that asks over HTTP before it is told to end', async () => {
    const serve = 'import http.server as s; print("up", flush=True); s.HTTPServer(("", 8000), s.SimpleHTTPRequestHandler).serve_forever()'
    const name = await run({
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          ...{name: 'main', image: 'python', command: ['python', '-c', serve], ports: [{name: 'web', containerPort: 8000}]},
          readinessProbe: {tcpSocket: {port: 'web'}, periodSeconds: 1},
          lifecycle: {preStop: {httpGet: {port: 'web', path: '/farewell'}}},
        },
      ],
    })
    await kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=30s')
    const said = await followed(name, 'up')
    await kubectl('delete', 'pod', name)
    expect(await said()).toContain('GET /farewell')
  })

  it('runs its hook with what it was started with, though the ConfigMap has gone meanwhile', async () => {
    await kubectl('create', 'configmap', 'passing', '--from-literal=WORD=farewell')
    const name = await run({
      terminationGracePeriodSeconds: 20,
      volumes: [{name: 'out', emptyDir: {}}],
      containers: [
        {
          name: 'main',
          ...sh('until [ -s /out/said ]; do sleep 0.1; done; cat /out/said'),
          envFrom: [{configMapRef: {name: 'passing'}}],
          volumeMounts: [{name: 'out', mountPath: '/out'}],
          lifecycle: {preStop: {exec: {command: ['sh', '-c', 'echo "$WORD" > /out/said; sleep 1']}}},
        },
      ],
    })
    await until(async () => (await podOf(name)).status?.phase === 'Running', 'it runs')
    const log = kubectl('logs', '-f', name)
    await kubectl('delete', 'configmap', 'passing')
    await kubectl('delete', 'pod', name)
    expect(await log).toContain('farewell')
  })

  it('is restarted by its liveness probe, and is unready by its readiness probe', async () => {
    const name = await run({
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          ...sh('sleep 600'),
          livenessProbe: {exec: {command: ['false']}, periodSeconds: 1, failureThreshold: 1},
          readinessProbe: {exec: {command: ['false']}, periodSeconds: 1},
        },
      ],
    })
    await until(async () => ((await podOf(name)).status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1, 'it is restarted')
    expect((await podOf(name)).status?.conditions?.find(({type}) => type === 'Ready')?.status).toBe('False')
    await kubectl('delete', 'pod', name)
  })

  it('is unready where its probe asks at a port that no container has', async () => {
    const httpGet = {port: 'nothing', path: '/'}
    const tcpSocket = {port: 'nothing'}
    const names = [await run({containers: [{name: 'main', ...sh('sleep 600'), readinessProbe: {httpGet, periodSeconds: 1}}]})]
    names.push(await run({containers: [{name: 'main', ...sh('sleep 600'), readinessProbe: {tcpSocket, periodSeconds: 1}}]}))
    for (const name of names) {
      await until(async () => (await podOf(name)).status?.phase === 'Running', 'it runs')
      expect((await podOf(name)).status?.conditions?.find(({type}) => type === 'Ready')?.status).toBe('False')
    }
    await ended(await run({containers: [{name: 'main', ...sh('true')}]}))
    await kubectl('delete', 'pod', ...names, '--grace-period=1')
  })

  it('that takes more memory than its limit ends as OOMKilled', async () => {
    const hungry = 'x = bytearray(300 * 2**20)\nimport time\ntime.sleep(60)'
    const name = await run({
      containers: [{name: 'main', image: 'python', command: ['python', '-c', hungry], resources: {limits: {memory: '100Mi'}}}],
    })
    await ended(name, 'Failed')
    expect((await podOf(name)).status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({exitCode: 137, reason: 'OOMKilled'})
  })

  it('that asks for more than the node has is Unschedulable, and says what is missing', async () => {
    const name = await run({containers: [{name: 'main', ...sh('true'), resources: {requests: {memory: '100Ti'}}}]})
    await until(async () => {
      const condition = (await podOf(name)).status?.conditions?.find(({type}) => type === 'PodScheduled')
      return condition?.reason === 'Unschedulable' && /Insufficient memory/.test(condition.message ?? '')
    }, 'it is unschedulable')
    await kubectl('delete', 'pod', name)
  })

  it('that names another scheduler is left to that one', async () => {
    const name = await run({schedulerName: 'another', containers: [{name: 'main', ...sh('true')}]})
    await ended(await run({containers: [{name: 'main', ...sh('true')}]}))
    const {spec, status} = await podOf(name)
    expect({node: spec.nodeName, conditions: status?.conditions}).toEqual({node: undefined, conditions: undefined})
    await kubectl('delete', 'pod', name)
  })

  it('is reached through its Service by the port that has the name, and nobody by a name that no container has', async () => {
    const serve = 'import http.server as s; s.HTTPServer(("0.0.0.0", 8000), s.SimpleHTTPRequestHandler).serve_forever()'
    await run(
      {containers: [{name: 'main', image: 'python', command: ['python', '-c', serve], ports: [{name: 'web', containerPort: 8000}]}]},
      {labels: {serves: 'web'}} as Partial<Pod['metadata']>,
    )
    const ports = [
      {name: 'right', port: 80, targetPort: 'web'},
      {name: 'wrong', port: 81, targetPort: 'nothing'},
    ]
    await client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {namespace, name: 'web'},
      spec: {selector: {serves: 'web'}, ports},
    })
    const call = [
      'import http.client, time',
      'def status(port):',
      '    connection = http.client.HTTPConnection("web", port, timeout=5)',
      '    connection.request("GET", "/")',
      '    return connection.getresponse().status',
      'while True:',
      '    try:',
      '        print(status(80)); break',
      '    except OSError: time.sleep(0.1)',
      'try: print(status(81))',
      'except OSError: print("refused")',
    ]
    const caller = await run({containers: [{name: 'main', image: 'python', command: ['python', '-c', call.join('\n')]}]})
    await ended(caller)
    expect(await kubectl('logs', caller)).toBe('200\nrefused\n')
  })

  it('is reached by a node port of its Service, at the address that the node tells', async () => {
    const serve = 'import http.server as s; s.HTTPServer(("0.0.0.0", 8000), s.SimpleHTTPRequestHandler).serve_forever()'
    const pod = await run({containers: [{name: 'main', image: 'python', command: ['python', '-c', serve]}]}, {
      labels: {serves: 'all'},
    } as Partial<Pod['metadata']>)
    const {spec} = await client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {namespace, name: 'all'},
      spec: {type: 'NodePort', selector: {serves: 'all'}, ports: [{port: 80, targetPort: 8000}]},
    })
    const [node] = (await client.list(NODES, {})).items
    const url = `http://${node?.status?.addresses?.[0]?.address}:${spec.ports?.[0]?.nodePort}/`
    const isServed = (): Promise<boolean> =>
      fetch(url).then(
        ({status}) => status === 200,
        () => false,
      )
    await until(isServed, `${url} answers`)
    await kubectl('delete', 'pod', pod, '--wait=false')
    await until(async () => !(await isServed()), 'nobody listens there any more')
  })

  it('answers kubectl exec', async () => {
    const name = await run({containers: [{name: 'main', ...sh('sleep 600')}], terminationGracePeriodSeconds: 0})
    await until(async () => (await podOf(name)).status?.phase === 'Running', 'it runs')
    expect(await kubectl('exec', name, '--', 'sh', '-c', 'echo from inside')).toBe('from inside\n')
    await expect(kubectl('exec', name, '--', 'sh', '-c', 'exit 3')).rejects.toThrow(/exit code 3|ended with 3/)
    await kubectl('delete', 'pod', name)
  })

  it('is reached through kubectl port-forward', async () => {
    const serve = 'import http.server; http.server.HTTPServer(("", 8000), http.server.SimpleHTTPRequestHandler).serve_forever()'
    const name = await run({
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...{name: 'main', image: 'python', command: ['python', '-c', serve]},
          readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1},
        },
      ],
    })
    await kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=30s')
    const forward = spawn(await kubectlPath(), ['-n', namespace, 'port-forward', `pod/${name}`, ':8000'])
    let text = ''
    forward.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await until(() => /127\.0\.0\.1:(\d+) ->/.test(text), 'the port is forwarded')
    const port = /127\.0\.0\.1:(\d+) ->/.exec(text)?.[1]
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    forward.kill()
    await kubectl('delete', 'pod', name)
  })
})

describe('a pod that is deleted while it starts', () => {
  it('ends, at whatever moment that is', async () => {
    const names = Array.from({length: 40}, (_, index) => `brief-${index}`)
    await Promise.all(
      names.map(async (name, index) => {
        await client.create(PODS, {
          ...{apiVersion: 'v1', kind: 'Pod', metadata: {name, namespace, labels: {brief: 'yes'}}},
          spec: {terminationGracePeriodSeconds: 1, containers: [{name: 'main', image: 'any', command: ['sleep', '600']}]},
        })
        // Nothing is waited for: each is deleted at another moment of its start.
        await new Promise((resolve) => setTimeout(resolve, 5 * index))
        await client.delete(PODS, {namespace, name})
      }),
    )
    await until(async () => (await pods('brief=yes')).length === 0, 'all of them are gone', 30_000)
  })
})
