/**
 * What keeps the start of a command short: libraries whose entry loads far more than we call are bundled so that the rest is loaded late or not at all.
 * The figures are in docs/decisions/0007-lean-start.md.
 */
import {basename, join} from 'node:path'
import type {Plugin} from 'esbuild'

/** What we call of oclif: how commands are described, and the parser of calls. Its own index also loads its runner, configuration and help. */
const OCLIF = `
exports.Args = require('./args')
exports.Command = require('./command').Command
exports.Flags = require('./flags')
exports.Parser = require('./parser')
`

/** Libraries, and modules of its own, that only its plugins, its generated help, its spinners and its log use. */
const UNUSED_BY_OCLIF = [
  ...['clean-stack', 'wrap-ansi', 'indent-string'],
  ...['\\./config', '\\./help', '\\./help/util', '\\.\\./help/index', '\\./ux', '\\.\\./ux', '\\./logger', '\\.\\./logger'],
  '(\\.\\./)+ux/theme',
]

/** Modules of Node.js that oclif loads for answers typed at a terminal and for files as values of flags. */
const LATE_FOR_OCLIF = /^node:(readline|fs\/promises)$/

/** Each maker of a log that is never written. */
const NO_LOG = 'exports.makeDebug = exports.getLogger = () => Object.assign(() => {}, {debug() {}, error() {}})'

/** Its errors are told in our words, without its colours. */
const NO_COLOURS = 'exports.colorize = (_, text) => text'

/** What is left out and yet asked for at the start, by the last part of its path; of anything else nothing is. */
const STANDS_FOR: Readonly<Record<string, string>> = {
  logger: NO_LOG,
  theme: NO_COLOURS,
  // Only whether something is one is asked.
  'sonic-boom': 'module.exports = class {}',
}

/** Libraries that only some ways to log in, some proxies, exec and port-forward need. */
const LATE = ['ws', 'openid-client', 'jsonpath-plus', 'socks', 'socks-proxy-agent', 'hpagent']

/** The classes that client-node generates for each kind of the API, and what they need: we read its kubeconfig and its log-ins alone. */
const UNUSED_IN_CLIENT_NODE = /^\.\/(gen\/index|middleware)\.js$/

/** The parts of undici that an HTTP client needs, each loaded when it is first asked for. Its own index also loads fetch, WebSocket, caches and mocks. */
const UNDICI = `
const Dispatcher = require('./lib/dispatcher/dispatcher')
Object.assign(Dispatcher.prototype, require('./lib/api'))
const late = (name, load) => Object.defineProperty(exports, name, {enumerable: true, get: load})
exports.Dispatcher = Dispatcher
late('Agent', () => require('./lib/dispatcher/agent'))
late('Client', () => require('./lib/dispatcher/client'))
late('Pool', () => require('./lib/dispatcher/pool'))
late('ProxyAgent', () => require('./lib/dispatcher/proxy-agent'))
late('Socks5ProxyAgent', () => require('./lib/dispatcher/socks5-proxy-agent'))
late('EnvHttpProxyAgent', () => require('./lib/dispatcher/env-http-proxy-agent'))
late('errors', () => require('./lib/core/errors'))
exports.request = (url, {dispatcher, ...options}) => {
  const {origin, pathname, search} = new URL(url)
  return dispatcher.request({...options, origin, path: pathname + search, method: options.method ?? 'GET'})
}
`

/** In a pod the operator has its service account and the addresses of pods: no other log-in, no proxy by SOCKS, no port-forward, no kubeconfig. */
const UNUSED_IN_A_POD = [...LATE, 'js-yaml']

/** What pino has for logs that another thread or a file takes, for fields that are to be hidden, and for HTTP requests as fields: lines are handed to a function. */
const UNUSED_BY_PINO = /^(sonic-boom|thread-stream|on-exit-leak-free|@pinojs\/redact|\.\/(lib\/)?(transport|multistream|req|res))$/

const leaveOut: Plugin = {
  name: 'leave-out',
  setup: ({onResolve, onLoad}) => {
    onResolve({filter: new RegExp(`^(${UNUSED_BY_OCLIF.join('|')})$`)}, ({path, importer}) =>
      importer.includes(join('@oclif', 'core', 'lib')) ? {path, namespace: 'left-out'} : undefined,
    )
    onResolve({filter: UNUSED_IN_CLIENT_NODE}, ({path, importer}) =>
      importer.includes(join('@kubernetes', 'client-node', 'dist')) ? {path, namespace: 'left-out'} : undefined,
    )
    onResolve({filter: UNUSED_BY_PINO}, ({path, importer}) =>
      /[\\/]node_modules[\\/]pino/.test(importer) ? {path, namespace: 'left-out'} : undefined,
    )
    onLoad({filter: /.*/, namespace: 'left-out'}, ({path}) => ({contents: STANDS_FOR[basename(path)] ?? 'module.exports = {}'}))
    onLoad({filter: /[\\/]@oclif[\\/]core[\\/]lib[\\/]index\.js$/}, () => ({contents: OCLIF}))
  },
}

const leaveOutInAPod: Plugin = {
  name: 'leave-out-in-a-pod',
  setup: ({onResolve}) => {
    onResolve({filter: new RegExp(`^(${UNUSED_IN_A_POD.join('|')})$`)}, ({path}) => ({path, namespace: 'left-out'}))
  },
}

/** A library behind getters: it is loaded when one of its exports is first used. */
const loadLate: Plugin = {
  name: 'load-late',
  setup: ({onResolve, onLoad}) => {
    onResolve({filter: new RegExp(`^(${LATE.join('|')})$`)}, ({path, importer, namespace, resolveDir}) =>
      namespace === 'file' && !importer.includes(join('node_modules', path))
        ? {path, namespace: 'late', pluginData: resolveDir}
        : undefined,
    )
    onResolve({filter: LATE_FOR_OCLIF}, ({path, importer}) =>
      importer.includes(join('@oclif', 'core', 'lib')) ? {path, namespace: 'late', pluginData: import.meta.dirname} : undefined,
    )
    onLoad({filter: /.*/, namespace: 'late'}, async ({path, pluginData}: {readonly path: string; readonly pluginData: unknown}) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== 'default' && name !== 'module.exports')
      const getters = names.map(
        (name) => `Object.defineProperty(exports, '${name}', {enumerable: true, get: () => require('${path}').${name}})`,
      )
      return {contents: getters.join('\n'), resolveDir: String(pluginData)}
    })
    onLoad({filter: /[\\/]node_modules[\\/]undici[\\/]index\.js$/}, () => ({contents: UNDICI}))
  },
}

/**
 * An ES import of a module of Node.js reads all of its exports, and so loads what these take: the WebSocket of Node's own undici for
 * `node:http` (20 ms), promises and readline for `node:fs` (5 ms). `require` does not.
 */
const requireNode: Plugin = {
  name: 'require-node',
  setup: ({onResolve, onLoad}) => {
    onResolve({filter: /^(node:)?(https?|fs|fs\/promises|os|tty|url|util|path)$/}, ({path, kind, namespace}) =>
      kind === 'require-call' || namespace === 'required' ? undefined : {path: path.replace(/^(node:)?/, 'node:'), namespace: 'required'},
    )
    onLoad({filter: /.*/, namespace: 'required'}, ({path}) => ({contents: `module.exports = require('${path}')`}))
  },
}

export const leanBundle: Plugin[] = [leaveOut, loadLate, requireNode]

/** For the operator's own bundle, which travels in a ConfigMap. */
export const leanOperator: Plugin[] = [leaveOutInAPod, ...leanBundle]
