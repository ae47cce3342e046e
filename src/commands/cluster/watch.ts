import {once} from 'node:events'
import {stripVTControlCharacters} from 'node:util'
import {Args, Flags} from '@oclif/core'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {type BoardFeed, openBoardFeed} from '../../cli/board-feed.ts'
import {DaskCommand} from '../../cli/command.ts'
import {readCluster, renderCluster} from '../../cli/describe-cluster.ts'
import {listFlags} from '../../cli/flags.ts'
import {followMany} from '../../cli/many-logs.ts'
import {answer} from '../../cli/output.ts'
import {scaleCluster} from '../../cli/scale.ts'
import {usageError} from '../../cli/user-error.ts'
import type {KubeClient} from '../../kube/client.ts'
import {modeFor} from '../../ui/progress/show.ts'
import type {Board} from '../../ui/watch/model.ts'
import type {ScreenFeed} from '../../ui/watch/screen.tsx'

/** A log on the screen begins with so many lines of each pod. */
const TAIL = 500
/** Lines that come together are drawn together. */
const GATHER_MS = 150

export default class ClusterWatch extends DaskCommand {
  static override summary = 'Watch clusters, workers and jobs live.'
  static override description =
    'On a terminal full-screen: keys move, open, scale, show logs and descriptions ("?" lists them). In a pipe a line for each change, with "-o json" a document for each.\n'
  static override examples = [
    {description: 'All clusters and jobs of the namespace', command: 'cluster watch'},
    {description: 'One cluster and its workers', command: 'cluster watch demo'},
    {description: 'Everywhere, as lines for a log', command: 'cluster watch -A -o lines'},
    {description: 'How many tasks wait now?', command: "cluster watch demo -o json | head -1 | jq '.clusters[0].tasks'"},
  ]
  static override args = {name: Args.string({description: 'Name of one cluster.', ignoreStdin: true})}
  static override flags = {
    'all-namespaces': listFlags['all-namespaces'],
    selector: listFlags.selector,
    output: Flags.string({
      char: 'o',
      options: ['lines', 'json'],
      helpValue: 'FORMAT',
      summary: 'lines or json, instead of the full screen.',
    }),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterWatch)
    const {name} = args
    if (name !== undefined && flags['all-namespaces']) throw usageError('NAME and --all-namespaces exclude each other', 'give -n instead')
    const {client, namespace} = await this.connect(flags)
    const isLive = flags.output === undefined && process.stdin.isTTY && modeFor(process.stdout, false) === 'live'
    if (name !== undefined) await client.get(DASK_CLUSTERS, {namespace, name}, {signal: this.signal})
    const end = new AbortController()
    const signal = AbortSignal.any([this.signal, end.signal])
    const place = {namespace: flags['all-namespaces'] ? undefined : namespace, name, selector: flags.selector}
    try {
      const feed = await openBoardFeed({client, ...place, signal})
      if (!isLive) return await this.#print(feed, flags.output === 'json')
      // chalk, which ink draws with, knows FORCE_COLOR alone; it reads it once, when it is loaded.
      if (process.env['NO_COLOR']) process.env['FORCE_COLOR'] ??= '0'
      const {openScreen} = await import('../../ui/watch/screen.tsx')
      const opened = name === undefined ? {} : {cluster: `${namespace}/${name}`}
      await openScreen(screenFeed(feed, client, this.binAnywhere, signal), {...opened, signal})
    } finally {
      end.abort()
    }
  }

  async #print(feed: BoardFeed, isJson: boolean): Promise<void> {
    const {newLines} = await import('../../ui/watch/lines.ts')
    let told: Board | undefined
    const print = (): void => {
      const board = feed.board()
      if (isJson) answer(`${JSON.stringify(board)}\n`)
      else for (const line of newLines(told, board)) answer(`${new Date(board.at).toISOString()} ${line}\n`)
      told = board
    }
    print()
    feed.subscribe(print)
    await once(this.signal, 'abort')
  }
}

const screenFeed = (feed: BoardFeed, client: KubeClient, bin: string, life: AbortSignal): ScreenFeed => ({
  ...feed,
  scale: async ({namespace, name}, replicas) => {
    const {before} = await scaleCluster(name, {client, namespace, replicas, dryRun: false, signal: life})
    return before === replicas ? `${name} has ${replicas} workers already` : `${name}: from ${before} to ${replicas} workers`
  },
  read: async (source, onLines, signal) => {
    const {namespace} = source
    if (source.kind === 'describe')
      return onLines(
        renderCluster(await readCluster(client, namespace, source.cluster, signal), bin, Date.now())
          .trimEnd()
          .split('\n'),
      )
    const gathered: string[] = []
    const gather = setInterval(() => {
      if (gathered.length > 0) onLines(gathered.splice(0))
    }, GATHER_MS)
    const isOne = source.pod !== undefined
    const onLine = (pod: string, line: string): void => {
      const text = stripVTControlCharacters(line)
        .replaceAll('\t', '    ')
        .replaceAll(/[\u0000-\u001F\u007F]/g, '')
      gathered.push(isOne ? text : `[${pod}] ${text}`)
    }
    const {selector, pod} = source
    try {
      await followMany({client, namespace, selector, pod, tailLines: TAIL, signal: AbortSignal.any([signal, life]), onLine})
    } finally {
      clearInterval(gather)
    }
  },
})
