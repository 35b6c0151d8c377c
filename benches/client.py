"""One client, one workload, one process: `python -m benches.client MODULE BASE_URL PUBLIC KEY CREATES IN_FLIGHT`.

Prints one JSON object. The clock runs from when the client object exists to the last answer, so that neither imports
nor the reading of certificates are in it, but opening connections and asking for challenges are.
"""

from __future__ import annotations

import importlib
import resource
import sys

from benches.work import Work


def peak_kib() -> int:
    """Peak resident memory of this process."""
    try:
        # ru_maxrss may be the parent's from before exec (getrusage(2)); the kernel's own count for this image is not.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak


def main() -> None:
    """Runs it."""
    module, base_url, public_key, private_key, creates, in_flight = sys.argv[1:]
    work = Work(base_url, public_key, private_key, int(creates), int(in_flight))
    ended = importlib.import_module(f"benches.clients.{module}").run(work)
    if ended is not None:  # a coroutine
        import asyncio

        asyncio.run(ended)
    peak = peak_kib()

    import json

    result = {
        "creates": work.creates,
        "created": work.created,
        "wall": work.wall,
        "cpu": work.cpu,
        "errors": work.errors,
        "peak_kib": peak,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
