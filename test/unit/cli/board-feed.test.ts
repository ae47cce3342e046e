import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {type BoardFeed, openBoardFeed} from '../../../src/cli/board-feed.ts'
import {applyCrds} from '../../../src/cli/crds.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {startApiServer} from '../../../src/sandbox/apiserver/server.ts'
import {writeOwnKubeconfig} from '../../../src/sandbox/kubeconfig.ts'
import {makeCertificates} from '../../../src/sandbox/tls.ts'

/** The next board that is drawn and that `isWanted`. */
const boards = (feed: BoardFeed, isWanted: (trouble: string | undefined) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stop = feed.subscribe(() => {
      if (!isWanted(feed.board().trouble)) return
      stop()
      resolve()
    })
  })

it('a board says that there is no connection for as long as there is none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'board-feed-'))
  const certificates = await makeCertificates(join(directory, 'tls'))
  const start = (port?: number) =>
    startApiServer({
      ...{directory, address: '127.0.0.1', serviceCidr: '127.96.0.0/16', kubeletClient: certificates.kubeletClient},
      ...{tls: {...certificates.server, ca: certificates.ca}, tokens: [{token: 'test', user: 'test', groups: ['system:masters']}]},
      ...(port !== undefined && {port}),
      log: () => undefined,
    })
  const end = new AbortController()
  let server = await start()
  const port = Number(new URL(server.url).port)
  const kubeconfig = join(directory, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, {context: 'test', url: server.url, ca: certificates.ca, token: 'test'})
  const client = connect(loadKubeConfig({kubeconfig}))
  try {
    await applyCrds(client, AbortSignal.timeout(10_000))
    const feed = await openBoardFeed({client, namespace: 'default', name: undefined, selector: undefined, signal: end.signal})
    expect(feed.board().trouble).toBeUndefined()

    await server.stop()
    await boards(feed, (trouble) => trouble !== undefined)
    const told: (string | undefined)[] = []
    await boards(feed, (trouble) => told.push(trouble) === 12)
    expect([...new Set(told)]).toEqual(['no connection'])

    server = await start(port)
    await applyCrds(client, AbortSignal.timeout(10_000))
    await boards(feed, (trouble) => trouble === undefined)
  } finally {
    end.abort()
    await client.close()
    await server.stop()
    await rm(directory, {recursive: true, force: true})
  }
}, 90_000)
