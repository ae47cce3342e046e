import {spawn} from 'node:child_process'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import {build, isStale} from '../../../scripts/build.ts'
import {GLOBAL, type HelpCommand, renderCommand} from '../../../src/cli/help.ts'

/** The built program, as a person calls it. */

const root = fileURLToPath(new URL('../../..', import.meta.url))
let commands: readonly HelpCommand[]
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'program-'))
  if (await isStale()) await build()
  const manifest = JSON.parse(await readFile(join(root, 'dist', 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, HelpCommand>
  }
  commands = Object.values(manifest.commands)
}, 60_000)
afterAll(() => rm(folder, {recursive: true, force: true}))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const call = (bin: string, args: readonly string[], input = ''): Promise<Ended> =>
  run(process.execPath, [join(root, 'bin', bin), ...args], {}, input)

const run = async (program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}, input = ''): Promise<Ended> => {
  const env = {...process.env, KUBECONFIG: join(folder, 'kubeconfig'), HOME: folder, DEBUG: '', ...more}
  const child = spawn(program, args, {cwd: folder, env})
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return {code, stdout, stderr}
}

const dask = (...args: readonly string[]): Promise<Ended> => call('kubectl-dask.js', args)

describe('the commands', () => {
  it('are these, with these flags of their own', () => {
    const tree = commands
      .filter(({hidden}) => !hidden)
      .map(({id, args, flags}) => {
        const own = Object.values(flags).filter(({helpGroup, hidden}) => helpGroup !== GLOBAL && !hidden)
        const names = Object.values(args).map((arg) => (arg.required ? arg.name.toUpperCase() : `[${arg.name.toUpperCase()}]`))
        return [
          id.replace(':', ' '),
          ...names,
          ...own.map((flag) => (flag.char ? `-${flag.char}/--${flag.name}` : `--${flag.name}`)).toSorted(),
        ].join(' ')
      })
      .toSorted()
    expect(`\n${tree.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      autoscaler delete [NAME] --all --cascade --dry-run --ignore-not-found --timeout --wait -f/--filename -l/--selector -o/--output -y/--yes
      autoscaler describe NAME -o/--output
      autoscaler list [NAME] --field-selector --no-headers --show-labels --sort-by -A/--all-namespaces -c/--dask-cluster -l/--selector -o/--output -w/--watch
      cluster adapt NAME --dry-run --maximum --minimum -g/--group -o/--output
      cluster create [NAME] --adapt --allow-namespace --annotation --cpu --dry-run --env-from --file --gpu --group --idle-action --idle-timeout --image --jupyter --keep --label --memory --network-policy --node-selector --pod-scheduler --pod-security --priority-class --pull-secret --resource --run-as-user --scheduler-cpu --scheduler-memory --scheduler-node-selector --scheduler-service-type --service-account --timeout --tls --tls-secret --toleration --volume --wait --worker-command --worker-resource -e/--env -f/--filename -o/--output -w/--workers
      cluster dashboard NAME --address --dashboard-port --open --port --timeout -o/--output
      cluster delete [NAME] --all --cascade --dry-run --ignore-not-found --timeout --wait -f/--filename -l/--selector -o/--output -y/--yes
      cluster describe NAME -o/--output
      cluster list [NAME] --field-selector --no-headers --show-labels --sort-by -A/--all-namespaces -l/--selector -o/--output -w/--watch
      cluster logs NAME --download --grep --scheduler --since --tail --timestamps --workers -f/--follow -g/--group -p/--previous
      cluster port-forward NAME --address --dashboard-port --port --timeout -o/--output
      cluster prune --dry-run --finished --grace --idle --older-than -A/--all-namespaces -y/--yes
      cluster restart NAME --dry-run --timeout --wait
      cluster resume NAME --dry-run --timeout --wait
      cluster retire NAME --dry-run --node --timeout --wait --worker
      cluster rollout ACTION NAME --dry-run --revision --timeout --to-revision -o/--output
      cluster run NAME --address --dashboard-port --port --timeout
      cluster scale NAME [WORKERS] --dry-run --timeout --wait -o/--output -w/--replicas
      cluster suspend NAME --dry-run --timeout --wait
      cluster top [NAME] --no-headers --sort-by -A/--all-namespaces -l/--selector -o/--output
      cluster wait NAME --for --timeout
      cluster watch [NAME] -A/--all-namespaces -l/--selector -o/--output
      cluster workers NAME --no-headers --sort-by --unready -g/--group -o/--output
      completion SHELL
      doctor -o/--output
      generate cluster NAME --allow-namespace --annotation --cpu --env-from --gpu --idle-timeout --image --jupyter --label --memory --network-policy --node-selector --pod-scheduler --pod-security --priority-class --pull-secret --resource --run-as-user --scheduler-cpu --scheduler-memory --scheduler-node-selector --scheduler-service-type --service-account --tls --tls-secret --toleration --volume --worker-command --worker-resource -e/--env -o/--output -w/--workers
      generate job NAME --allow-namespace --annotation --cpu --env-from --gpu --idle-timeout --image --jupyter --label --memory --network-policy --node-selector --pod-scheduler --pod-security --priority-class --pull-secret --resource --run-as-user --scheduler-cpu --scheduler-memory --scheduler-node-selector --scheduler-service-type --service-account --tls --tls-secret --toleration --volume --worker-command --worker-resource -e/--env -o/--output -w/--workers
      job attach NAME --tail --timeout -o/--output
      job delete [NAME] --all --cascade --dry-run --ignore-not-found --timeout --wait -f/--filename -l/--selector -o/--output -y/--yes
      job describe NAME -o/--output
      job list [NAME] --field-selector --no-headers --show-labels --sort-by -A/--all-namespaces -l/--selector -o/--output -w/--watch
      job logs NAME --since --tail --timestamps -f/--follow -p/--previous
      job resume NAME --dry-run
      job retry NAME --dry-run --timeout
      job run --allow-namespace --annotation --cpu --deadline --dry-run --env-from --file --gpu --idle-timeout --image --jupyter --keep-cluster --label --memory --name --network-policy --node-selector --on --pod-scheduler --pod-security --priority-class --pull-secret --resource --retries --rm --run-as-user --scheduler-cpu --scheduler-memory --scheduler-node-selector --scheduler-service-type --service-account --timeout --tls --tls-secret --toleration --ttl --volume --worker-command --worker-resource -d/--detach -e/--env -f/--filename -o/--output -w/--workers
      job stop NAME --dry-run --timeout --wait
      job suspend NAME --dry-run
      job wait NAME --timeout -o/--output
      operator install --dry-run --export --image --log-level --node-image --operator-namespace --replicas --take-over --timeout --tls --wait --watch-namespaces
      operator logs --download --grep --since --tail --timestamps -f/--follow -p/--previous
      operator manifests --crds --image --log-level --node-image --operator-namespace --replicas --tls --watch-namespaces
      operator run --apply-crds --health-address --leader-election --lease-duration --log-format --log-level
      operator status -o/--output
      operator uninstall --all --dry-run --timeout -y/--yes
      sandbox down --keep --name
      sandbox run --file --keep --python --sandbox -e/--env -w/--workers
      sandbox status --name -o/--output
      sandbox up --name --operator --python -o/--output
      version --client -o/--output
      workergroup create NAME --annotation --cpu --dry-run --env-from --gpu --image --label --memory --node-selector --pod-scheduler --pod-security --priority-class --pull-secret --resource --run-as-user --service-account --timeout --toleration --volume --wait --worker-command --worker-resource -c/--dask-cluster -e/--env -o/--output -w/--workers
      workergroup delete [NAME] --all --cascade --dry-run --ignore-not-found --now --timeout --wait -f/--filename -l/--selector -o/--output -y/--yes
      workergroup describe NAME -o/--output
      workergroup list [NAME] --field-selector --no-headers --show-labels --sort-by -A/--all-namespaces -c/--dask-cluster -l/--selector -o/--output -w/--watch
      workergroup scale NAME WORKERS --dry-run --timeout --wait -o/--output
      "
    `)
  })

  it('take kubectl’s global flags, each of them', () => {
    for (const {id, flags} of commands)
      expect(Object.values(flags).filter(({helpGroup}) => helpGroup === GLOBAL).length, id).toBeGreaterThanOrEqual(11)
  })

  it('each have a summary, a help with examples, and no flag without a word on it', () => {
    for (const {id, summary, examples, flags} of commands) {
      expect(summary, id).toMatch(/^[A-Z].*\.$/)
      expect(examples?.length, id).toBeGreaterThan(0)
      for (const flag of Object.values(flags)) expect(flag.hidden || flag.summary, `${id} --${flag.name}`).toBeTruthy()
    }
  })
})

describe('each example of a help', () => {
  // Without a kubeconfig a call that is right gets as far as that; sandboxes need none, and are tested where they run. Nobody can be asked here.
  it('is a call that the program takes', async () => {
    for (const file of ['cluster.yaml', 'job.yaml', 'model.py', 'train.py']) await writeFile(join(folder, file), '')
    await writeFile(join(folder, 'demo.yaml'), 'workers: 4\n')
    await mkdir(join(folder, 'jobs'), {recursive: true})
    await writeFile(join(folder, 'jobs', 'job.yaml'), '')
    const examples = commands
      .filter(({id, hidden}) => !hidden && !id.startsWith('sandbox:'))
      .flatMap((command) => (command.examples ?? []).map((example) => (typeof example === 'string' ? example : example.command)))
    expect(examples.length).toBeGreaterThan(50)
    const wrong: string[] = []
    for (const example of examples) {
      const words = [...example.replace(/ [|>] .*$/, '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
        ([, one, two, three]) => one ?? two ?? three ?? '',
      )
      const {code, stderr} = await dask(...words)
      if (code === 2 && !stderr.includes('nobody can be asked')) wrong.push(`${example}: ${stderr}`)
    }
    expect(wrong).toEqual([])
  }, 120_000)
})

describe('help', () => {
  it('has no sign in it that was meant for a compiler', () => {
    expect(commands.filter((command) => renderCommand('kubectl dask', command).includes('\\n')).map(({id}) => id)).toEqual([])
  })

  it('names the program as it was called', async () => {
    expect((await call('kubectl-dask.js', [])).stdout).toContain('kubectl dask NOUN VERB [flags]')
    expect((await call('dask-k8s.js', ['cluster'])).stdout).toContain('dask-k8s cluster VERB [flags]')
  })

  it('of a verb shows its usage, its examples and its flags', async () => {
    const {code, stdout, stderr} = await dask('cluster', 'create', '--help')
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    for (const part of [
      'Usage:\n  kubectl dask cluster create [NAME] [flags]',
      'Examples:',
      '  -w, --workers=N',
      'Global flags, as in kubectl:',
    ])
      expect(stdout).toContain(part)
  })

  it('says once how a command is called', async () => {
    expect((await dask('cluster', 'run', '--help')).stdout).toContain(
      'Usage:\n  kubectl dask cluster run NAME [flags] [-- COMMAND [ARGS...]]\n',
    )
    expect(commands.filter(({id, usage}) => String(usage).startsWith(id.replace(':', ' '))).map(({id}) => id)).toEqual([])
  })

  it('is not asked for by what stands behind "--"', async () => {
    expect((await dask('job', 'run', '--dry-run=client', '-o', 'yaml', '--', 'python', '-c', 'x', '--help')).stdout).toContain(
      'kind: DaskJob',
    )
  })
})

describe('a wrong call ends with one sentence and exit code 2:', () => {
  it.each([
    [['frob'], '"frob" is no noun of kubectl dask'],
    [['cluster', 'frob'], '"frob" is no verb of cluster'],
    [['cluster', 'list', '--frob'], 'there is no flag --frob'],
    [['version', 'frob'], 'nothing is expected at "frob"'],
    [['cluster', 'describe'], 'NAME is missing'],
    [['cluster', 'create'], 'NAME is missing'],
    [['cluster', 'create', 'x', '--workers=-1'], '--workers: -1 is too small, the least is 0'],
    [['cluster', 'create', 'x', '--workers=two'], '--workers: "two" is no whole number'],
    [['cluster', 'scale', 'x', 'two'], 'error: WORKERS: "two" is no whole number'],
    [['cluster', 'scale', 'x', '-1'], 'error: WORKERS: -1 is too small, the least is 0'],
    [['workergroup', 'scale', 'x', '10001'], 'error: WORKERS: 10001 is too large, the most is 10000'],
    [['cluster', 'create', 'x', '-w', '99999999999'], '--workers: 99999999999 is too large, the most is 10000'],
    [['cluster', 'create', 'x', '--group', 'big=10001'], '--group: 10001 is too large, the most is 10000'],
    [['cluster', 'create', 'x', '--adapt', '0..10001'], '--adapt: 10001 is too large, the most is 10000'],
    [['cluster', 'adapt', 'x', '--max', '10001'], '--maximum: 10001 is too large, the most is 10000'],
    [['cluster', 'scale', 'x', '3', '--replicas', '4'], 'WORKERS says 3 and --replicas says 4'],
    [['cluster', 'rollout', 'unto', 'x'], '"unto" is none of status, restart, history, undo; did you mean "undo"? "'],
    [['cluster', 'describe', 'x', '-o', 'jsn'], '--output: "jsn" is none of json, yaml, name; did you mean "json"? "'],
    [['cluster', 'create', 'x', '--env', 'A'], '"A" has no value'],
    [['cluster', 'create', 'x', '-f', 'y', '--workers', '1'], '--filename and --workers exclude each other'],
    [['job', 'run', '--on', 'x', '-w', '1', '--', 'true'], 'error: --workers and --on exclude each other'],
    [['cluster', 'logs', 'x', '-f', '-p'], 'error: --follow and --previous exclude each other'],
    [['workergroup', 'create', 'x'], 'error: --dask-cluster is missing; "'],
    [
      ['workergroup', 'create', 'x', '--cluster', 'y'],
      "missing; --cluster is kubectl's flag, for a cluster of the kubeconfig: say --dask-cluster",
    ],
    [['cluster', 'create', 'x', '--dry-run'], 'error: --dry-run has no value; say --dry-run=client or --dry-run=server, or "'],
    [['cluster', 'create', 'Ünï'], 'error: the name "Ünï" is invalid for a cluster: lower case letters, digits and "-", a letter'],
    [['cluster', 'create', ''], 'error: the name "" is invalid for a cluster'],
    [['cluster', 'create', 'a'.repeat(54)], 'at most 53 characters'],
    [['cluster', 'create', 'a'.repeat(1000)], `error: the name "${'a'.repeat(53)}…" is invalid`],
    [['workergroup', 'create', 'A', '-c', 'x'], 'error: the name "A" is invalid for a group of workers'],
    [['job', 'run', '--name', 'A', '--', 'true'], 'the name "A" is invalid for a job'],
    [['cluster', 'prune'], 'error: nobody can be asked here whether all of it may go; say --yes, or look'],
    [['cluster', 'list', '--sort-by'], 'error: --sort-by has no value'],
    [['sandbox', 'down', '--name', '../x'], 'error: --name: "../x" is no name of a sandbox'],
    [['sandbox', 'run', '--sandbox', 'A b', '--', 'true'], 'error: --sandbox: "A b" is no name of a sandbox'],
    [['cluster', 'suspend', 'x', '-o'], 'there is no flag -o'],
    [['cluster', 'list', '-o', 'xml'], '--output'],
    [['cluster', 'delete'], 'nothing is chosen'],
    [['job', 'run'], 'there is no command'],
  ])('%j', async (args, words) => {
    const {code, stdout, stderr} = await dask(...args)
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).toContain(words)
    expect(stderr).toMatch(/^error: .*\n$/)
  })
})

describe('bad input ends with one sentence before anything is sent:', () => {
  it.each([
    [['job', 'run', '--', 'python', 'missing.py'], 125, 'there is no file "missing.py" here'],
    [['cluster', 'create', '-f', 'broken.yaml', '--dry-run=client'], 1, '"broken.yaml" is no valid YAML'],
    [['cluster', 'create', '-f', 'pod.yaml', '--dry-run=client'], 1, '"pod.yaml" holds no DaskCluster'],
  ])('%j', async (args, exitCode, words) => {
    await writeFile(join(folder, 'broken.yaml'), 'a: [')
    await writeFile(join(folder, 'pod.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n')
    const {code, stdout, stderr} = await dask(...args)
    expect({code, stdout}).toEqual({code: exitCode, stdout: ''})
    expect(stderr).toContain(words)
    expect(stderr).toMatch(/^error: .*\n$/)
  })
})

describe('--dry-run=client', () => {
  it('prints the manifest and needs no server', async () => {
    const {code, stdout, stderr} = await dask(
      'create',
      'cluster',
      'demo',
      '-n',
      'team',
      '-w',
      '2',
      '-e',
      'A=b=c',
      '--dry-run=client',
      '-o',
      'yaml',
    )
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(parse(stdout)).toMatchObject({
      kind: 'DaskCluster',
      metadata: {name: 'demo', namespace: 'team'},
      spec: {worker: {replicas: 2, spec: {containers: [{env: [{name: 'A', value: 'b=c'}]}]}}},
    })
  })

  it('takes a manifest from standard input, with its unknown fields', async () => {
    const manifest =
      '{"apiVersion": "kubernetes.dask.org/v1", "kind": "DaskCluster", "metadata": {"name": "x"}, "spec": {"worker": {"spec": {"new": 1}}}}'
    const {stdout} = await call('dask-k8s.js', ['cluster', 'create', '-f', '-', '--dry-run=client', '-o', 'json'], manifest)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(manifest))
  })

  it('takes the manifests of a directory, in the order of their names, and tells what it leaves out', async () => {
    const directory = join(folder, 'manifests')
    await mkdir(directory)
    const object = (kind: string, name: string) => JSON.stringify({apiVersion: 'kubernetes.dask.org/v1', kind, metadata: {name}, spec: {}})
    await writeFile(join(directory, 'b.json'), object('DaskCluster', 'first'))
    await writeFile(join(directory, 'c.yml'), `${object('DaskCluster', 'second')}\n---\n${object('DaskJob', 'work')}\n`)
    await writeFile(join(directory, 'd.yaml'), object('DaskCluster', 'third'))
    await writeFile(join(directory, 'a.txt'), 'no manifest')
    const {code, stdout, stderr} = await dask('cluster', 'create', '-f', directory, '--dry-run=client', '-o', 'name')
    expect({code, stdout}).toEqual({
      code: 0,
      stdout: ['first', 'second', 'third'].map((name) => `daskcluster.kubernetes.dask.org/${name}\n`).join(''),
    })
    expect(stderr).toBe(`"${join(directory, 'c.yml')}": DaskJob "work" is left out\n`)
    const list = JSON.parse((await dask('cluster', 'create', '-f', directory, '--dry-run=client', '-o', 'json')).stdout)
    expect(list).toMatchObject({kind: 'List', items: [{metadata: {name: 'first'}}, {}, {}]})
    const wrong: readonly (readonly [readonly string[], number, string])[] = [
      [['cluster', 'create', 'one', '-f', directory, '--dry-run=client'], 2, 'holds 3 clusters'],
      [['cluster', 'create', '-f', join(directory, 'c.yml'), '--dry-run=client'], 1, 'holds more than a DaskCluster: DaskJob "work"'],
      [['cluster', 'create', '-f', join(folder, 'none'), '--dry-run=client'], 2, 'there is no file'],
      [['workergroup', 'delete', '-f', directory, '--all'], 2, 'exclude each other'],
    ]
    for (const [args, exitCode, words] of wrong)
      expect(await dask(...args)).toMatchObject({code: exitCode, stderr: expect.stringContaining(words)})
    await mkdir(join(folder, 'empty'))
    expect((await dask('cluster', 'create', '-f', join(folder, 'empty'), '--dry-run=client')).stderr).toContain('holds no *.yaml')
  })

  it('shows a job with the files that travel along', async () => {
    await writeFile(join(folder, 'train.py'), 'print(1)\n')
    const {stdout} = await dask('job', 'run', '--name', 'train', '--dry-run=client', '-o', 'json', '--', 'python', 'train.py', '--lr', '1')
    expect(JSON.parse(stdout)).toMatchObject({
      items: [
        {kind: 'ConfigMap', metadata: {name: 'train-files'}, data: {'train.py': 'print(1)\n'}},
        {kind: 'DaskJob', spec: {job: {spec: {containers: [{args: ['python', 'train.py', '--lr', '1']}]}}}},
      ],
    })
  })
})

describe('operator install --export', () => {
  it('prints what "operator manifests" does, and asks no server', async () => {
    const [exported, manifests] = await Promise.all([dask('operator', 'install', '--export'), dask('operator', 'manifests')])
    expect({...exported, stdout: exported.stdout.length}).toEqual({code: 0, stdout: manifests.stdout.length, stderr: ''})
    expect(exported.stdout).toBe(manifests.stdout)
    expect((await dask('operator', 'install', '--export', '--dry-run=client')).code).toBe(2)
  })
})

describe('version --client', () => {
  it('asks no server', async () => {
    const {code, stdout} = await dask('version', '--client', '-o', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      client: {version: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node, platform: expect.any(String)},
    })
    expect((await dask('--version')).stdout).toMatch(/^Client Version: v/)
  })
})

describe('a stream that cannot be written to', () => {
  const shell = (script: string): Promise<Ended> => run('sh', ['-c', script, process.execPath, join(root, 'bin', 'kubectl-dask.js')])

  it('is no failure where its reader has gone', async () => {
    expect(await shell('("$0" "$1" --help; echo "$?" >&2) | true')).toEqual({code: 0, stdout: '', stderr: '0\n'})
  })

  it('is told in one sentence where the disk is full', async () => {
    const {code, stderr} = await shell('"$0" "$1" --help > /dev/full')
    expect({code, stderr}).toEqual({code: 1, stderr: expect.stringMatching(/^error: the answer cannot be written: ENOSPC.*\n$/)})
  })
})

describe('a second start on a newer Node.js', () => {
  it('is a first one for the programs that this one starts', async () => {
    const script = `require(${JSON.stringify(join(root, 'bin', 'right-node.js'))}).onRightNode(() => console.log(process.env.DASK_K8S_STARTED_AGAIN))`
    expect(await run(process.execPath, ['-e', script], {DASK_K8S_STARTED_AGAIN: '1'})).toEqual({code: 0, stdout: 'undefined\n', stderr: ''})
  })
})

describe('completion', () => {
  it('speaks kubectl’s protocol', async () => {
    expect((await call('kubectl_complete-dask.js', ['clus'])).stdout).toBe('cluster\n:4\n')
    expect((await call('kubectl_complete-dask.js', ['cluster', 'list', '-o', 'j'])).stdout).toBe('json\njsonpath=\n:4\n')
  })

  it('is silent where no server can be asked', async () => {
    expect(await call('kubectl_complete-dask.js', ['cluster', 'describe', ''])).toEqual({code: 0, stdout: ':4\n', stderr: ''})
  })
})
