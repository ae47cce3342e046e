import type {PodSpec} from '../api/core.ts'

/**
 * What runs in a worker's container before SIGTERM reaches it, whoever deletes the pod: the worker's results move away and what it
 * executes is finished (contract 4.5, last part). It works with the operator down.
 */

/** Left of the grace period for the worker's own end. */
const RESERVE_SECONDS = 5

/** Only the standard library and the worker's own `distributed`. It always ends with exit code 0: a hook that fails helps nobody. */
const SCRIPT = `
import asyncio, os, signal, sys
bound = float(sys.argv[1])
has_own_address = sys.argv[2:] != ["host-network"]
name = os.environ.get("DASK_WORKER_NAME", "")
addresses = []
STATE = {"op": "dump_state", "reply": True, "exclude": ["tasks", "log", "logs", "stimulus_log", "config", "data", "has_what",
         "transfer_incoming_log", "transfer_outgoing_log"]}
async def main():
    import dask
    # A scheduler that has gone is no reason to hold up the end of its workers.
    dask.config.set({"distributed.comm.timeouts.connect": "3s"})
    from distributed.comm import get_address_host
    from distributed.core import connect, rpc
    from distributed.security import Security
    from distributed.utils import get_ip
    address = os.environ.get("DASK_SCHEDULER_ADDRESS") or sys.exit(0)
    # The worker's own certificate, where the cluster speaks TLS.
    security = Security().get_connection_args("worker")
    async with rpc(address, connection_args=security) as scheduler:
        known = (await asyncio.wait_for(scheduler.identity(), 5))["workers"]
        def named(worker):
            found = str(worker.get("name"))
            return name and (found == name or (found.startswith(name + "-") and found[len(name) + 1:].isdigit()))
        # Who was started without --name is known by the pod's address, which it has chosen in this way too.
        here = get_ip(get_address_host(address)) if has_own_address else None
        addresses.extend([a for a, worker in known.items() if named(worker)] or [a for a, worker in known.items() if worker.get("host") == here])
        if not addresses:
            return
        await scheduler.retire_workers(workers=addresses, remove=False, close_workers=False)
        left = set(addresses)
        looks = 0
        while left:
            looks += 1
            # Who could not hand over at first (all others were leaving too) works on: it is asked again, since somebody may have come.
            if looks % 5 == 0:
                known = (await scheduler.identity())["workers"]
                again = [a for a in left if known.get(a, {}).get("status") == "running"]
                if again:
                    await scheduler.retire_workers(workers=again, remove=False, close_workers=False)
            for a in list(left):
                state = (await scheduler.broadcast(workers=[a], on_error="ignore", msg=STATE)).get(a)
                if not state:
                    left.discard(a)
                    continue
                queued = list(state.get("ready", ())) + list(state.get("constrained", ()))
                if queued and not state.get("running"):
                    comm = await connect(address, **security)
                    await comm.write({"op": "connection_stream", "reply": False})
                    await comm.write([{"op": "reschedule", "key": k, "worker": a, "stimulus_id": "pre-stop"} for k in queued])
                    await comm.write([{"op": "close-stream"}])
                    await comm.close()
                busy = state.get("executing") or state.get("long_running")
                waiting = set((await scheduler.processing(workers=[a])).get(a, ())) - set(queued)
                if not busy and not waiting:
                    # One that is not let go still holds what nobody else could take.
                    if a in await scheduler.retire_workers(workers=[a], remove=True, close_workers=True):
                        left.discard(a)
            if left:
                await asyncio.sleep(0.2)
lost = False
try:
    asyncio.run(asyncio.wait_for(main(), bound))
except BaseException as error:
    lost = not isinstance(error, asyncio.TimeoutError)
    print("pre-stop: " + repr(error), file=sys.stderr)
# A worker that no scheduler knows, or whose scheduler has gone meanwhile, has nothing to hand over. While it waits for another one it
# takes no notice of a first SIGTERM, only of a second: this is the first, to the processes of this pod alone, by the name that only they have.
if name and (lost or not addresses):
    marker = ("DASK_WORKER_NAME=" + name).encode()
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open("/proc/%d/environ" % pid, "rb") as file:
                if pid != os.getpid() and marker in file.read().split(b"\\0"):
                    os.kill(pid, signal.SIGTERM)
        except OSError:
            pass
os._exit(0)
`

/**
 * Every worker pod carries it, to the API server, into etcd, and back to whoever watches pods: without what only its readers here need it is a
 * quarter smaller, and still to be read by whoever looks at a pod.
 */
const CARRIED = SCRIPT.trim()
  .split('\n')
  .filter((line) => !/^ *#/.test(line))
  .map((line) => line.replace(/^(?: {4})+/, (indent) => ' '.repeat(indent.length / 4)))
  .join('\n')

/**
 * Command of an exec `preStop` hook for a worker's container; it ends five seconds before the grace period does (Kubernetes' default: 30).
 * A pod in its node's own network shares its address with others: its workers are known by name alone.
 */
export const preStopCommand = ({
  terminationGracePeriodSeconds = 30,
  hostNetwork,
}: Pick<PodSpec, 'terminationGracePeriodSeconds' | 'hostNetwork'>): readonly string[] => [
  'python',
  '-c',
  CARRIED,
  String(Math.max(1, terminationGracePeriodSeconds - RESERVE_SECONDS)),
  ...(hostNetwork === true ? ['host-network'] : []),
]
