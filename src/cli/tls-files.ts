import {rmSync} from 'node:fs'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileVariables} from '../api/tls.ts'
import type {KubeClient} from '../kube/client.ts'

/** A cluster's certificate as files for a local client, and Dask's variables that lead to them. */
export interface TlsFiles {
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => void
}

/** In a folder that nobody but the user can read. Rejects where the Secret may not be read, or is no certificate. */
export async function writeTlsFiles(
  client: KubeClient,
  {namespace, secret, signal}: {readonly namespace: string; readonly secret: string; readonly signal: AbortSignal},
): Promise<TlsFiles> {
  const {readIdentity} = await import('../dask/tls-identity.ts')
  const {ca, cert, key} = await readIdentity(client, {namespace, name: secret}, signal)
  // Made with mode 0700.
  const directory = await mkdtemp(join(tmpdir(), 'dask-tls-'))
  const removeNow = (): void => rmSync(directory, {recursive: true, force: true})
  // A second Ctrl-C ends the process at once.
  process.once('exit', removeNow)
  const remove = (): void => {
    process.off('exit', removeNow)
    removeNow()
  }
  try {
    for (const [name, text] of Object.entries({'ca.crt': ca, 'tls.crt': cert, 'tls.key': key}))
      await writeFile(join(directory, name), text, {mode: 0o600})
  } catch (error) {
    remove()
    throw error
  }
  return {env: fileVariables(directory, ['CLIENT']), remove}
}
