"""Estimate pi on the workers of a Dask cluster, and say which of them took part."""

import random

from distributed import Client, get_worker


def hits(seed: int, tries: int) -> tuple[str, int]:
    rng = random.Random(seed)
    inside = sum(rng.random() ** 2 + rng.random() ** 2 < 1 for _ in range(tries))
    return str(get_worker().name), inside


def main() -> None:
    tasks, tries = 60, 100_000
    # The address comes from DASK_SCHEDULER_ADDRESS, which the operator sets in the job's pod.
    with Client() as client:
        client.wait_for_workers(2, timeout=60)
        print(f"computing {tasks} tasks on {client.scheduler.address}", flush=True)
        results = client.gather(client.map(hits, range(tasks), tries=tries))
    by_worker: dict[str, int] = {}
    for worker, _ in results:
        by_worker[worker] = by_worker.get(worker, 0) + 1
    for worker, count in sorted(by_worker.items()):
        print(f"{worker} computed {count} tasks", flush=True)
    print(f"pi is about {4 * sum(inside for _, inside in results) / (tasks * tries):.4f}", flush=True)


if __name__ == "__main__":
    main()
