/** A whole sandbox in this process: API server, process node, and the kubeconfig that leads there. */
import {randomBytes, randomInt} from 'node:crypto'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {KubeClient} from '../kube/client.ts'
import {loadKubeConfig} from '../kube/config.ts'
import {connect} from '../kube/connect.ts'
import {startInformer} from '../kube/start-informer.ts'
import {Refusal} from './apiserver/errors.ts'
import {startApiServer} from './apiserver/server.ts'
import {isDiskFull} from './failure.ts'
import {claimsDirectory, dropUnclaimed, forgetKept, readKept, writeKept} from './kept.ts'
import {addContext, removeContext, userKubeconfig, writeOwnKubeconfig} from './kubeconfig.ts'
import {endLead, takeLead} from './lead.ts'
import {startNode} from './node/node.ts'
import {contextName, makeDirectory, nodeDirectory, processStart, removeState, type SandboxInfo, writeState} from './state.ts'
import {makeCertificates} from './tls.ts'

export interface ServeOptions {
  readonly name: string
  readonly python: string
  /** Whether its caller runs an operator beside it; it is told to whoever asks, nothing else. */
  readonly hasOperator: boolean
  readonly log: (line: string) => void
}

export interface Sandbox {
  readonly info: SandboxInfo
  readonly client: KubeClient
  /** Tells other processes that the sandbox serves: writes its state and puts its context beside the user's own. */
  announce(): Promise<void>
  /** Ends every pod, then the server; the context goes too. What it held is written first, where it has been kept before (`POST /sandbox/keep`). */
  stop(): Promise<void>
}

/** Resolves when `/readyz` answers and the node takes pods; with what was kept of it, where something was. */
export async function startSandbox({name, python, hasOperator, log}: ServeOptions): Promise<Sandbox> {
  const directory = await makeDirectory(name)
  const context = contextName(name)
  const kept = await readKept(directory)
  if (kept) await dropUnclaimed(directory, kept)
  else await forgetKept(directory)
  let isToKeep = false
  const keep = async (): Promise<void> => {
    await writeKept(directory, {...server.holds(), serviceCidr}).catch((error: NodeJS.ErrnoException) => {
      throw new Refusal(507, 'InsufficientStorage', isDiskFull(error) ? `there is no room in ${directory}` : error.message)
    })
    isToKeep = true
  }
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
    keep,
  })
  await writeFile(portFile, String(server.port), {mode: 0o600})
  const entry = {context, url: server.url, ca: certificates.ca, token}
  const kubeconfig = join(directory, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, entry)
  const client = connect(await loadKubeConfig({kubeconfig}))
  await (hasOperator ? takeLead(client) : endLead(client))
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
    hasOperator,
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
      // "sandbox down" tries it once more, and says what is wrong with the file.
      await removeContext(userKubeconfig(), context).catch((error: Error) => log(`its context stays: ${error.message}`))
      // Once more, with what has changed since it was asked for; what was written then is there in any case.
      if (isToKeep) await keep().catch((error: Error) => log(`what has changed last could not be kept: ${error.message}`))
      await node.stop()
      await client.close()
      await server.stop()
    },
  }
}
