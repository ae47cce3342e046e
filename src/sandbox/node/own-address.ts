/**
 * Loaded by every Node.js of a pod, by the `node` on its path: what `sitecustomize` does for Python, as far as servers go. One that listens
 * on every interface listens on the pod's address alone, so that pods do not take each other's ports and nobody outside gets in.
 */
export const OWN_ADDRESS = `
const {Server} = process.getBuiltinModule('node:net')
const host = process.env.SANDBOX_POD_IP
const isEverywhere = (given) => given === undefined || given === null || ['', '0.0.0.0', '::'].includes(given)
const {listen} = Server.prototype
if (host)
  Server.prototype.listen = function (...args) {
    const callback = typeof args.at(-1) === 'function' ? [args.pop()] : []
    const [first, second, third] = args
    if (typeof first === 'object' && first !== null) {
      const isPort = first.port !== undefined && first.path === undefined
      return listen.call(this, isPort && isEverywhere(first.host) ? {...first, host} : first, ...args.slice(1), ...callback)
    }
    // The path of a socket.
    if (typeof first === 'string' && !/^[0-9]+$/.test(first)) return listen.call(this, ...args, ...callback)
    const [named, backlog] = typeof second === 'number' ? [undefined, second] : [second, third]
    return listen.call(this, {port: first ?? 0, host: isEverywhere(named) ? host : named, backlog}, ...callback)
  }
`
