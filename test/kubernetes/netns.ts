/**
 * `node test/kubernetes/netns.ts COMMAND…` runs a command in a network namespace of its own, where every address of the pod and service
 * ranges is local, and ends with its exit code. As root or, where user namespaces are allowed, without.
 */
import {spawn} from 'node:child_process'
import {constants} from 'node:os'

const SETUP = 'ip link set lo up && ip route add local 10.244.0.0/16 dev lo && ip route add local 10.96.0.0/16 dev lo && exec "$@"'

const command = process.argv.slice(2)
const flags = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net']
const child = spawn('unshare', [...flags, '--', 'sh', '-c', SETUP, 'sh', ...command], {stdio: 'inherit'})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
child.once('error', (error) => {
  console.error(`no network namespace can be made here: ${error.message} (unshare is in util-linux, ip in iproute2)`)
  process.exitCode = 1
})
child.once('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 1)
})
