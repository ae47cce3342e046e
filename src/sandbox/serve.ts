/** A whole sandbox in this process: API server, process node, and the kubeconfig that leads there. */
import {randomBytes, randomInt} from 'node:crypto'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {KubeClient} from '../kube/client.ts'
import {loadKubeConfig} from '../kube/config.ts'
import {connect} from '../kube/connect.ts'
import {startInformer} from '../kube/start-informer.ts'
import {startApiServer} from './apiserver/server.ts'
import {claimsDirectory, dropUnclaimed, forgetKept, isToKeep, readKept, writeKept} from './kept.ts'
import {addContext, removeContext, userKubeconfig, writeOwnKubeconfig} from './kubeconfig.ts'
import {startNode} from './node/node.ts'
import {contextName, makeDirectory, nodeDirectory, processStart, removeState, type SandboxInfo, writeState} from './state.ts'
import {makeCertificates} from './tls.ts'

export interface ServeOptions {
  readonly name: string
  readonly python: string
  readonly log: (line: string) => void
}

export interface Sandbox {
  readonly info: SandboxInfo
  readonly client: KubeClient
  /** Tells other processes that the sandbox serves: writes its state and puts its context beside the user's own. */
  announce(): Promise<void>
  /** Ends every pod, then the server; the context goes too. What it held is written first, where its user has asked for it. */
  stop(): Promise<void>
}

/** Resolves when `/readyz` answers and the node takes pods; with what was kept of it, where something was. */
export async function startSandbox({name, python, log}: ServeOptions): Promise<Sandbox> {
  const directory = await makeDirectory(name)
  const context = contextName(name)
  const kept = await readKept(directory)
  if (kept) await dropUnclaimed(directory, kept)
  else await forgetKept(directory)
  const certificates = await makeCertificates(join(directory, 'tls'))
  const token = randomBytes(24).toString('base64url')
  const portFile = join(directory, 'port')
  // Of its own: several sandboxes share the machine's loopback.
  const serviceCidr = kept?.serviceCidr ?? `127.${randomInt(96, 128)}.0.0/16`
  const server = await startApiServer({
    directory,
    ...(kept && {kept}),
    address: '127.0.0.1',
    // The same port as last time where it is free, so that a kubeconfig that somebody copied stays good.
    port: Number(await readFile(portFile, 'utf8').catch(() => '0')),
    tls: {...certificates.server, ca: certificates.ca},
    tokens: [{token, user: 'sandbox-admin', groups: ['system:masters']}],
    serviceCidr,
    kubeletClient: certificates.kubeletClient,
    log,
  })
  await writeFile(portFile, String(server.port), {mode: 0o600})
  const entry = {context, url: server.url, ca: certificates.ca, token}
  const kubeconfig = join(directory, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, entry)
  const client = connect(await loadKubeConfig({kubeconfig}))
  const node = await startNode({
    client,
    startInformer,
    name: 'sandbox',
    directory: nodeDirectory(name),
    claims: claimsDirectory(directory),
    python,
    podAddresses: {kind: 'loopback'},
    kubelet: {address: '127.0.0.1', tls: {...certificates.kubelet, clientCa: certificates.ca}},
    log,
  })
  const pidStart = (await processStart(process.pid)) ?? ''
  const info: SandboxInfo = {
    name,
    pid: process.pid,
    pidStart,
    url: server.url,
    context,
    kubeconfig,
    directory,
    python,
    hasKept: kept !== undefined,
    startedAt: new Date().toISOString(),
  }
  return {
    info,
    client,
    announce: async () => {
      await addContext(userKubeconfig(), entry)
      await writeState(info)
    },
    stop: async () => {
      await removeState(name)
      await removeContext(userKubeconfig(), context)
      if (await isToKeep(directory))
        await writeKept(directory, {...server.holds(), serviceCidr}).catch((error: unknown) => log(`nothing could be kept: ${error}`))
      await node.stop()
      await client.close()
      await server.stop()
    },
  }
}
