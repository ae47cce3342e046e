"""Many small Dask clusters in one process, so that a schedule costs no process start for each of its workers.

The schedulers, workers and clients are distributed's own. One JSON object a line is asked on stdin and answered on stdout; a worker that
ended without being asked to is told as {"ended": {"cluster": ..., "worker": ...}}.
"""

import asyncio
import contextlib
import json
import sys
import time

import dask
from distributed import Client, Scheduler, Worker

dask.config.set(
    {
        "distributed.scheduler.work-stealing": True,
        "distributed.comm.timeouts.connect": "5s",
        "distributed.worker.memory.terminate": False,
        "distributed.admin.system-monitor.gil.enabled": False,
    }
)

START_SECONDS = 15
FINISH_SECONDS = 60
CLOSE_SECONDS = 3

clusters = {}


def tell(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Cluster:
    def __init__(self, name):
        self.name = name
        self.scheduler = None
        self.workers = {}
        self.load = None
        self.keys = 0
        self.loading = False
        self.futures = []

    async def start(self):
        self.scheduler = await Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address=":0")
        return {"port": self.scheduler.port}

    async def add_worker(self, worker, host):
        made = Worker(
            self.scheduler.address, host=host, name=worker, nthreads=1, memory_limit=0, dashboard=False, heartbeat_interval="200ms"
        )
        # Without a limit it would wait for a scheduler that has ended meanwhile.
        try:
            await asyncio.wait_for(made, START_SECONDS)
        except BaseException:
            await made.close(timeout=0, executor_wait=False, nanny=False)
            raise
        self.workers[worker] = made
        asyncio.create_task(self.watch(worker, made))
        return {}

    async def watch(self, worker, made):
        await made.finished()
        if self.workers.get(worker) is made:
            del self.workers[worker]
            tell({"ended": {"cluster": self.name, "worker": worker}})

    async def end_worker(self, worker):
        made = self.workers.pop(worker, None)
        if made is not None:
            try:
                await asyncio.wait_for(made.close(timeout=0, executor_wait=False, nanny=False), CLOSE_SECONDS)
            except asyncio.TimeoutError:
                # A process would have been killed by now, and its connections with it.
                await self.scheduler.remove_worker(made.address, stimulus_id="killed", close=False)
        return {}

    async def is_used(self, worker):
        """Whether it has tasks, or may be given some at any moment."""
        made = self.workers.get(worker)
        return {"yes": int(made is not None and (self.loading or bool(made.state.tasks)))}

    async def begin_load(self, directory):
        self.loading = True
        self.load = asyncio.create_task(self.keep_busy(directory))
        return {}

    async def keep_busy(self, directory):
        """Wave after wave; half of each needs results of the other half, and all results are kept to the end."""

        def work(key, path, before=None):
            with open(path, "a") as file:
                file.write(f"{key}\n")
            time.sleep(0.05)
            return key

        path = f"{directory}/starts"
        async with Client(self.scheduler.address, asynchronous=True) as client:
            futures = self.futures
            while self.loading:
                keys = range(self.keys, self.keys + 8)
                self.keys += 8
                first = [client.submit(work, key, path, key=f"work-{key}") for key in keys[:4]]
                second = [client.submit(work, key, path, one, key=f"work-{key}") for key, one in zip(keys[4:], first)]
                futures.extend(first + second)
                # The longer it lasts the less there is to do: a cluster that takes long to settle must not be given ever more to move.
                await asyncio.sleep(self.keys / 400)
                while self.loading and sum(not future.done() for future in futures) > 8:
                    await asyncio.sleep(0.02)
            results = await client.gather(futures)
            assert results == list(range(self.keys)), results

    async def end_load(self):
        self.loading = False
        done, _ = await asyncio.wait([self.load], timeout=FINISH_SECONDS)
        if not done:
            raise TimeoutError("; ".join([self.overview(), *self.unfinished()]))
        self.load.result()
        return {"tasks": self.keys}

    def overview(self):
        held = [task for task in self.scheduler.tasks.values() if task.state == "memory"]
        workers = {worker.name: worker.status.name for worker in self.scheduler.workers.values()}
        waiting = [future.key for future in self.futures if not future.done()]
        stack = [str(frame) for frame in self.load.get_stack(limit=3)]
        return f"{len(held)} of {self.keys} tasks in memory, workers {workers}, the client waits for {waiting}, in {stack}"

    def unfinished(self):
        """Each task that is stuck, as its scheduler and the worker that has it see it."""
        for task in self.scheduler.tasks.values():
            if task.state == "memory":
                continue
            on = task.processing_on
            seen = f"{task.key} is {task.state}"
            if on is not None:
                worker = self.workers.get(on.name)
                theirs = worker.state.tasks.get(task.key) if worker else None
                seen += f" on {on.name} ({on.status.name}), which says {theirs.state if theirs else 'nothing'}"
            waits = [f"{one.key} ({one.state} on {[each.name for each in one.who_has or ()]})" for one in task.dependencies]
            yield seen + (f", for {waits}" if waits else "")

    async def count(self):
        return {"running": sum(state.status.name == "running" for state in self.scheduler.workers.values())}

    async def end(self):
        self.loading = False
        if self.load is not None:
            self.load.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self.load
        for worker in list(self.workers):
            await self.end_worker(worker)
        if self.scheduler is not None:
            await self.scheduler.close()
        clusters.pop(self.name, None)
        return {}


async def handle(asked):
    name = asked["cluster"]
    try:
        if asked["do"] == "start":
            clusters[name] = Cluster(name)
        cluster = clusters.get(name)
        if cluster is None:
            raise LookupError(f"there is no cluster {name}")
        answer = await getattr(cluster, asked["do"])(**asked.get("with", {}))
        tell({"id": asked["id"], "answer": answer})
    except Exception as error:
        tell({"id": asked["id"], "error": f"{type(error).__name__}: {error}"})


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    underway = set()
    tell({"ready": True})
    while line := await reader.readline():
        task = asyncio.create_task(handle(json.loads(line)))
        underway.add(task)
        task.add_done_callback(underway.discard)


asyncio.run(main())
