"""The memory of an idle connection."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from benchmarks.benchmark import PUSHING, Benchmark, Figure, Lab
from benchmarks.loads import LoadError
from benchmarks.servers import OWN_BUILDS, running


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    count = lab.count(int(case))
    with running(server, lab.folder) as reached:
        before = reached.resident()
        where = [reached.protocol, "127.0.0.1", str(reached.port)]
        command = [str(lab.folder / "joins"), "idle", *where, str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            assert load.stdout is not None
            if b"joined" not in load.stdout.readline():
                raise LoadError(f"{server} did not accept all {count} connections")
            grown = reached.resident() - before
            load.communicate()  # which closes its stdin and so ends it
        return {"kb": grown / count / 1024}


BENCHMARK = Benchmark(
    name="memory",
    title="Memory of an idle connection",
    what="All clients connect, get their name or subscription, and then send nothing. The figure is the "
    "growth of the server's resident memory divided by the number of clients. It does not include the "
    "kernel's memory for sockets. On ngIRCd the clients join no channel.",
    figures=(Figure(name="kb", title="memory of a connection", unit="KB", more_is_better=False),),
    once=True,
    cases={"10000": (*OWN_BUILDS, *PUSHING[1:])},
    case_title="{} connections",
    measure=measure,
)
