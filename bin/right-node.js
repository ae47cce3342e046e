// Plain JavaScript for Node.js from 12 on: runs the bundled program on this Node.js, or on the newer one that lies beside it.
import * as nodeModule from 'node:module'

// An ES import of a module of Node.js reads all that it exports, and loads what that takes: 5 ms for `node:fs`.
const require = nodeModule.createRequire(import.meta.url)
// By names without `node:`, which `require` knows only from Node.js 14.18 on.
const [fs, os, path, url] = ['fs', 'os', 'path', 'url'].map((name) => require(name))

const NEEDED = [22, 19]

/** Set for the second start, so that there is never a third. */
const STARTED_AGAIN = 'DASK_K8S_STARTED_AGAIN'

const root = path.join(path.dirname(url.fileURLToPath(import.meta.url)), '..')

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
const startAgain = async (node) => {
  // Loaded here: the straight way does not need it.
  const childProcess = await import('node:child_process')
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
export const onRightNode = (work) => {
  if (isNewEnough()) return work()
  const node = process.env[STARTED_AGAIN] ? undefined : nodeBeside()
  if (node) return startAgain(node)
  return fail(
    `this needs Node.js ${NEEDED.join('.')} or later, and this is ${process.versions.node}: install a current one from https://nodejs.org`,
  )
}

/** `program` is a file of dist/ that exports `start(name)`. */
export const run = (program, name) =>
  onRightNode(async () => {
    const file = path.join(root, 'dist', program)
    if (!fs.existsSync(file)) return fail(`${name} is not built yet: run \`npm run build\` in ${root}`)
    if (nodeModule.default.enableCompileCache) nodeModule.default.enableCompileCache()
    const {start} = await import(url.pathToFileURL(file).href)
    return start(name)
  })
