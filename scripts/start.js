// Plain JavaScript for any Node.js: brings the checkout's own packages and Node.js, then runs scripts/<name>.ts on it.
// `npm run check`, `npm test`, `npm run quickstart` and `npm run bench` all come through here, so that each of them works in a fresh clone.
import {spawn, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {constants} from 'node:os'
import {delimiter, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [name, ...args] = process.argv.slice(2)

const fail = (sentence) => {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

/** Installs the locked packages, unless those of this very lock file are there already. */
const install = () => {
  const stamp = join(root, 'node_modules', '.installed-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === lock
  if (isInstalled()) return
  const release = takeTurn()
  try {
    if (isInstalled()) return
    process.stderr.write('Installing packages (npm ci), once …\n')
    const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {...process.env, npm_config_engine_strict: 'false'},
    })
    if (npm.signal) process.kill(process.pid, npm.signal)
    if (npm.status !== 0) return '`npm ci` failed; its own words stand above. Is the package registry within reach?'
    writeFileSync(stamp, lock)
  } finally {
    release()
  }
}

/** One `npm ci` at a time: two in one folder take each other's packages away. Returns what ends the turn. */
const takeTurn = () => {
  const file = join(root, '.installing')
  let isTold = false
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), {flag: 'wx'})
      return () => rmSync(file, {force: true})
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isGone(file)) rmSync(file, {force: true})
    else {
      if (!isTold) process.stderr.write('Waiting for the packages that another command installs …\n')
      isTold = true
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
}

/** Whether the command that wrote its process id there has ended without taking it away. */
const isGone = (file) => {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Empty for the moment between its making and its writing.
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** The Node.js that the toolchain brings, or the running one where there is none for this platform. */
const node = () => {
  const own = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(own)) return own
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return process.execPath
  return fail(`This needs Node.js 22.19 or later; this is ${process.versions.node}. Install a current one from nodejs.org and try again.`)
}

const failure = install()
if (failure) fail(failure)
const child = spawn(node(), ['--no-warnings', join(root, 'scripts', `${name}.ts`), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: {...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)},
})
// The terminal sends Ctrl-C to the whole group; a signal sent to this process alone is handed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
child.on('error', (error) => fail(`${node()} does not start: ${error.message}`))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
