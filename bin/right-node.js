// Plain JavaScript for Node.js from 12 on: runs the bundled program on this Node.js, or on the newer one that lies beside it.

/** Modules of Node.js by names without `node:`, which `require` knows only from Node.js 14.18 on. */
const load = (name) => require(name)
const [fs, nodeModule, os, path] = ['fs', 'module', 'os', 'path'].map(load)

const NEEDED = [22, 19]

/** Set for the second start, so that there is never a third. */
const STARTED_AGAIN = 'DASK_K8S_STARTED_AGAIN'

const root = path.join(__dirname, '..')

const isNewEnough = () => {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

const fail = (sentence) => {
  process.stderr.write(`error: ${sentence}\n`)
  process.exit(1)
}

/** The Node.js of the package `node-<platform>-<arch>`, where it is installed beside this one. */
const nodeBeside = () => {
  try {
    const name = process.platform === 'win32' ? 'node.exe' : 'node'
    const found = path.join(path.dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)), 'bin', name)
    return fs.existsSync(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** Starts the program once more under the right Node.js; signals go on to it, its exit code comes back. */
const startAgain = (node) => {
  // Loaded here: the straight way does not need it.
  const childProcess = load('child_process')
  const child = childProcess.spawn(node, process.argv.slice(1), {stdio: 'inherit', env: {...process.env, [STARTED_AGAIN]: '1'}})
  // A terminal sends Ctrl-C to the child as well: it would come twice.
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => {
      if (!(hasTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
    })
  child.on('error', (error) => fail(`${node} does not start: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + os.constants.signals[signal] : code))
}

/** Does the work on a Node.js that can: in this process, or in another one that runs the same command. */
const onRightNode = (work) => {
  if (isNewEnough()) {
    // Programs that this one starts (a shell of `cluster run`, say) may start it again on the old Node.js: for them it is the first time.
    delete process.env[STARTED_AGAIN]
    return work()
  }
  const node = process.env[STARTED_AGAIN] ? undefined : nodeBeside()
  if (node) return startAgain(node)
  return fail(
    `this needs Node.js ${NEEDED.join('.')} or later, and this is ${process.versions.node}: install a current one from https://nodejs.org`,
  )
}

/** `entry` is one of those of the program: `start` or `complete`. */
const run = (entry, name) =>
  onRightNode(() => {
    const file = path.join(root, 'dist', 'program.cjs')
    if (!fs.existsSync(file)) return fail(`${name} is not built yet: run \`npm run build\` in ${root}`)
    if (nodeModule.enableCompileCache) nodeModule.enableCompileCache()
    return require(file)[entry](name)
  })

module.exports = {onRightNode, run}
