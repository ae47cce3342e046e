import {spawn} from 'node:child_process'

/** Runs `go` in the folder of a module; resolves with what it prints, rejects with its last words. */
export const go = (folder: string, ...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    // Workspaces around the checkout are none of its business; nice, because somebody works on this machine.
    const child = spawn('nice', ['go', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {...process.env, GOWORK: 'off', CGO_ENABLED: '0'},
    })
    let said = ''
    let words = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-2000)
    })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve(said)
        : reject(new Error(code === 127 ? 'there is no Go here (go.dev/dl)' : words.trim() || said.trim() || `go ended with ${code}`)),
    )
  })
