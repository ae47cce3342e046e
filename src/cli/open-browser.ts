import {spawn} from 'node:child_process'
import {once} from 'node:events'

const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Shows an address in the person's own browser, as the system would. Rejects when it has no way to. */
export async function openBrowser(url: string): Promise<void> {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  const child = spawn(program, [...args, url], {stdio: 'ignore', detached: true})
  await once(child, 'spawn')
  child.unref()
}
