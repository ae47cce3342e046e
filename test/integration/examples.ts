/** Where each example of each help is at home: what has to be there before it, and how it ends. */

export interface Example {
  readonly command: string
  /** Its exit code; 0 where it is not given. */
  readonly code?: number
  /** Words among what it says, on either stream. */
  readonly says?: string
  /** It never ends by itself: it is ended by Ctrl-C once it has said something. */
  readonly goesOn?: true
  readonly onTerminal?: true
  /** Calls just before it. */
  readonly after?: readonly string[]
  /** Names and ports in it, and in what it says, that are made up, with what the real one is. */
  readonly names?: Readonly<Record<string, 'node' | 'worker' | 'port'>>
}

export interface Scene {
  readonly given: string
  /** Calls of the program, or of kubectl, that make it. */
  readonly calls: readonly string[]
  /** Made anew for each example, since they change or delete it. */
  readonly isAnew?: true
  readonly examples: readonly (Example | string)[]
}

const JOB = 'train-x7k2p'
const RUNNING = `job run --detach --name ${JOB} -w 1 -- python -c "import time; print('epoch 1', flush=True); time.sleep(600)"`
const EDIT = `kubectl patch daskcluster demo --type=json -p '${JSON.stringify([
  {op: 'add', path: '/spec/worker/spec/containers/0/env', value: [{name: 'STEP', value: '1'}]},
])}'`
const DEMO = 'cluster create demo -w 2 --label team=ml --group highmem=1 --wait'
const HIGHMEM = 'workergroup create highmem -c demo -w 2 --wait'

export const SCENES: readonly Scene[] = [
  {
    given: 'an empty namespace',
    calls: [],
    examples: [
      ...['cluster list', 'cluster list -A -o wide', 'job list', 'job list -o name', 'workergroup list', 'autoscaler list'],
      ...['autoscaler list -o wide', 'completion bash', 'completion zsh', 'completion fish', 'doctor', 'doctor -o json', 'version'],
      ...['version --client -o json', 'generate cluster demo -w 4 --memory 8Gi'],
      'generate cluster demo --image my.org/rapids:1 --gpu 1 --worker-command "dask cuda worker"',
      'generate job train -w 4 --image my.org/train:1 -- python -m train',
      ...['operator manifests > operator.yaml', 'operator manifests --no-crds --replicas 2'],
      {command: 'operator run --apply-crds', goesOn: true},
      {command: 'operator run --context staging -n team-a', goesOn: true},
      {command: 'cluster prune', onTerminal: true, says: 'nothing is left over'},
      'cluster prune --idle 2h --finished 1d --dry-run=client',
      'cluster prune -A --idle 12h --older-than 7d --finished 2d --yes',
      'workergroup create highmem -c demo --image my.org/dask:1 --dry-run=client -o yaml',
      'cluster create demo --image my.org/dask:1 --dry-run=client -o yaml',
    ],
  },
  {
    given: 'an empty namespace, each time',
    calls: [],
    isAnew: true,
    examples: [
      ...['cluster create demo', 'cluster create demo --workers 4 --wait', 'cluster create demo --file demo.yaml'],
      ...['cluster create -f cluster.yaml', 'cluster create demo --tls', 'cluster create demo --pod-security restricted'],
      {command: 'cluster create demo -w 10 --cpu 2 --memory 8Gi --wait', code: 1, says: 'Unschedulable'},
      'cluster create demo --adapt 0..20 --group highmem=2,memory=64Gi,worker-resource=MEM=1',
      'cluster create demo --volume pvc/data:/data --env-from secret/s3 --node-selector pool=dask',
      ...['job run -w 4 -- python train.py --epochs 3', 'job run --workers 4 -- python train.py'],
      ...['job run --file model.py -e RUN=7 -- python train.py', 'job run --detach --name train -- python train.py'],
      ...['job run -f job.yaml', 'job run --detach -f jobs/'],
    ],
  },
  {
    given: 'a cluster',
    calls: [DEMO, HIGHMEM],
    examples: [
      ...['cluster list demo -o yaml', 'cluster describe demo', 'cluster describe demo -o json', 'cluster wait demo --timeout 2m'],
      ...['cluster top', 'cluster top -A --sort-by memory'],
      ...[
        'cluster workers demo',
        'cluster workers demo -o wide',
        'cluster workers demo --sort-by memory',
        'cluster workers demo --unready -o wide',
        'cluster workers demo -o custom-columns=POD:.pod,STATUS:.status',
        'workergroup list --dask-cluster demo',
      ],
      ...['workergroup describe demo-highmem', 'workergroup describe demo-default'],
      ...['cluster logs demo --scheduler --tail 50', 'cluster logs demo --since 10m --grep "WARNING|ERROR"'],
      ...['cluster logs demo --download logs', 'cluster logs demo --workers --previous'],
      {command: 'cluster logs demo -f', goesOn: true},
      ...['cluster watch', 'cluster watch demo', 'cluster watch -A -o lines'].map((command) => ({command, goesOn: true as const})),
      "cluster watch demo -o json | head -1 | jq '.clusters[0].tasks'",
      ...['cluster dashboard demo', 'cluster dashboard demo --no-open', 'cluster dashboard demo --no-open -o json'].map((command) => ({
        ...{command, goesOn: true as const, says: 'http://127.0.0.1:'},
      })),
      ...['cluster port-forward demo', 'cluster port-forward demo -o json'].map((command) => ({
        ...{command, goesOn: true as const, says: 'tcp://127.0.0.1:'},
      })),
      {
        ...{command: 'cluster port-forward demo --port 8786 --dashboard-port 8787', goesOn: true, says: 'tcp://127.0.0.1:8786'},
        // A Dask of the machine's own may have these.
        names: {8786: 'port', 8787: 'port'},
      },
      {command: 'cluster run demo -- python train.py', says: 'trained'},
      ...['cluster run demo', 'job run --on demo -- python train.py'],
      ...['cluster scale demo 2 --dry-run=server', 'workergroup scale highmem 1 --dry-run=server', 'workergroup scale highmem 2 --wait'],
      ...['cluster scale demo 5', 'cluster scale demo 2 --wait'],
      {command: 'cluster retire demo --node node-7 --timeout 30m', names: {'node-7': 'node'}},
      {
        ...{
          command: 'cluster retire demo --worker demo-default-worker-1a2b3c4d5e',
          names: {'demo-default-worker-1a2b3c4d5e': 'worker' as const},
        },
        after: ['cluster wait demo'],
      },
      ...['cluster adapt demo --max 50', 'cluster adapt demo --min 0 --max 20', 'cluster adapt demo --group highmem --max 4'],
      ...['autoscaler describe demo', 'autoscaler describe demo -o json', 'autoscaler delete demo', 'autoscaler delete --all --yes'],
      {command: 'cluster rollout status demo', after: ['cluster wait demo']},
      ...['cluster rollout restart demo', 'cluster restart demo --wait', 'cluster suspend demo', 'cluster suspend demo --wait'],
      'cluster resume demo --wait',
    ],
  },
  {
    given: 'a cluster, each time',
    calls: ['cluster create demo -w 1 --label team=ml'],
    isAnew: true,
    examples: [
      ...['cluster delete demo --yes', 'cluster delete demo --no-wait', 'cluster delete -l team=ml'],
      {command: 'cluster delete -f cluster.yaml', after: ['cluster create -f cluster.yaml']},
      {command: 'cluster wait demo --for deleted', after: ['cluster delete demo --no-wait']},
      {command: 'cluster rollout undo demo', after: ['cluster wait demo', EDIT, 'cluster rollout status demo']},
      {command: 'cluster rollout history demo', after: ['cluster wait demo']},
      'workergroup create highmem --dask-cluster demo -w 2 --memory 64Gi',
      ...['workergroup delete highmem', 'workergroup delete highmem --now'].map((command) => ({
        command,
        after: ['workergroup create highmem -c demo -w 1'],
      })),
    ],
  },
  {
    given: 'a job that has ended',
    calls: [`job run --name ${JOB} -- python train.py`],
    examples: [
      ...[`job describe ${JOB}`, `job describe ${JOB} -o json`],
      ...[`job logs ${JOB}`, `job logs ${JOB} -f`, `job attach ${JOB} --tail 20`, `job wait ${JOB} --timeout 2h`, `job retry ${JOB}`],
      ...[{command: 'job delete -f jobs/', after: ['job run --detach -f jobs/']}, `job delete ${JOB}`, 'job delete --all --yes'],
    ],
  },
  {
    given: 'a job that runs, each time',
    calls: [RUNNING, `kubectl wait daskjob/${JOB} --for=jsonpath={.status.jobStatus}=Running --timeout=60s`],
    isAnew: true,
    examples: [
      {command: `job attach ${JOB}`, goesOn: true, says: 'epoch 1'},
      ...[`job stop ${JOB}`, `job stop ${JOB} --no-wait`, `job suspend ${JOB}`],
      {command: `job resume ${JOB}`, after: [`job suspend ${JOB}`]},
    ],
  },
  {
    given: 'a machine, with a sandbox and without one',
    calls: [],
    examples: [
      ...['sandbox up', 'sandbox status', 'sandbox status -o json', 'sandbox run -w 2 -- python train.py'],
      ...['sandbox down --keep', {command: 'sandbox down', after: ['sandbox up']}],
      ...[
        'sandbox run -- python train.py',
        'sandbox run --keep -- python train.py',
        {command: 'sandbox up --python ~/venv/bin/python', after: ['sandbox down']},
      ],
      {command: 'sandbox up --no-operator', after: ['sandbox down']},
      {command: 'operator install --dry-run=server', after: ['kubectl config use-context dask-sandbox']},
      ...['operator install', 'operator status', 'operator status -o json', {command: 'operator logs -f', goesOn: true as const}],
      ...[{command: 'operator logs --previous', code: 1, says: 'previous'}, 'operator install --take-over', 'operator uninstall'],
      {
        command: 'operator install --watch-namespaces team-a,team-b',
        after: ['kubectl create namespace team-a', 'kubectl create namespace team-b'],
      },
      'operator uninstall --all',
    ],
  },
]
