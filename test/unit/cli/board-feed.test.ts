import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {type AddressInfo, createServer, connect as dial} from 'node:net'
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

/** Keeps one port for servers that come and go: a port that is given back may be another's at once. */
const startProxy = async () => {
  let target: number | undefined
  const listener = createServer((near) => {
    near.on('error', () => near.destroy())
    if (target === undefined) {
      near.destroy()
      return
    }
    const far = dial(target, '127.0.0.1')
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    leadTo: (port: number | undefined): void => {
      target = port
    },
    stop: () => new Promise((resolve) => listener.close(resolve)),
  }
}

it('a board says that there is no connection for as long as there is none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'board-feed-'))
  const certificates = await makeCertificates(join(directory, 'tls'))
  const start = () =>
    startApiServer({
      ...{directory, address: '127.0.0.1', serviceCidr: '127.96.0.0/16', kubeletClient: certificates.kubeletClient},
      ...{tls: {...certificates.server, ca: certificates.ca}, tokens: [{token: 'test', user: 'test', groups: ['system:masters']}]},
      log: () => undefined,
    })
  const end = new AbortController()
  const proxy = await startProxy()
  let server = await start()
  proxy.leadTo(server.port)
  const kubeconfig = join(directory, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, {context: 'test', url: `https://127.0.0.1:${proxy.port}`, ca: certificates.ca, token: 'test'})
  const client = connect(loadKubeConfig({kubeconfig}))
  try {
    await applyCrds(client, AbortSignal.timeout(10_000))
    const feed = await openBoardFeed({client, namespace: 'default', name: undefined, selector: undefined, signal: end.signal})
    expect(feed.board().trouble).toBeUndefined()

    proxy.leadTo(undefined)
    await server.stop()
    await boards(feed, (trouble) => trouble !== undefined)
    const told: (string | undefined)[] = []
    await boards(feed, (trouble) => told.push(trouble) === 12)
    expect([...new Set(told)]).toEqual(['no connection'])

    server = await start()
    proxy.leadTo(server.port)
    await applyCrds(client, AbortSignal.timeout(10_000))
    await boards(feed, (trouble) => trouble === undefined)
  } finally {
    end.abort()
    await client.close()
    await server.stop()
    await proxy.stop()
    await rm(directory, {recursive: true, force: true})
  }
}, 90_000)
