"""The command line: runs benchmarks, prints the results, and writes the report.

Servers listen on loopback and keep their data in a temporary folder. In each round every server gets the same
load, one after another, each in a new process. Ratios are of medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks import loads, machine, report
from benchmarks.benchmark import Benchmark, Lab
from benchmarks.estimate import estimate, in_words, runs
from benchmarks.results import ELAPSED, OWN, Outcome, load, save
from benchmarks.servers import TITLES, is_installed
from benchmarks.suite import BENCHMARKS, BY_NAME
from benchmarks.tables import as_text

ROUNDS, SECONDS = 3, 2.5
SHOWN = 200  # characters of an error
QUICK = 1.0  # seconds of a load in a quick run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py",
        description=__doc__,
        epilog="Benchmarks: " + ", ".join(f"{one.name} ({', '.join(one.cases)})" for one in BENCHMARKS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="a benchmark or one of its cases: fanout, fanout-100"
    )
    parser.add_argument("--servers", help="only these, separated by commas: tcpchat,redis")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="number of rounds (%(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of each load (%(default)s)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one short round with a tenth of the clients, to check that everything runs",
    )
    parser.add_argument("--data", type=Path, help="folder for the servers' data, to use another disk")
    parser.add_argument(
        "--report",
        action="store_true",
        help="write docs/performance.md, its plots and benchmarks/results.json",
    )
    parser.add_argument(
        "--render",
        action="store_true",
        help="write the page from benchmarks/results.json without measuring",
    )
    return parser.parse_args()


def chosen(only: Sequence[str] | None) -> list[Benchmark]:
    """Return the benchmarks with the cases that `--only` names. Raises SystemExit for an unknown name."""
    if only is None:
        return list(BENCHMARKS)
    cases: dict[str, list[str]] = {}
    for word in only:
        name, dash, case = word.partition("-")
        benchmark = BY_NAME.get(name)
        if benchmark is None or (dash and case not in benchmark.cases):
            raise SystemExit(f"there is no benchmark {word}; choose from {', '.join(BY_NAME)}; see --help")
        cases.setdefault(name, []).extend([case] if dash else benchmark.cases)
    return [
        attrs.evolve(one, cases={case: one.cases[case] for case in one.cases if case in cases[one.name]})
        for one in BENCHMARKS
        if one.name in cases
    ]


def measure(
    benchmark: Benchmark, lab: Lab, rounds: int, servers: Sequence[str], known: dict[str, str]
) -> Outcome:
    outcome = Outcome(known, *((1, 0) if benchmark.once else (rounds, lab.seconds)))
    for case, server in runs(benchmark, rounds, servers):
        if outcome.failure(case, server) is not None:
            continue
        _show(f"{benchmark.name} {case} {server} …")
        began = time.monotonic()
        try:
            figures = benchmark.measure(lab, case, server)
            outcome.add(case, server, {**figures, ELAPSED: round(time.monotonic() - began, 1)})
        except loads.LoadError as error:
            if server == OWN:
                raise SystemExit(f"{benchmark.name} {case}: {error}") from None
            outcome.fail(case, server, str(error)[:SHOWN])
    _show("")
    return outcome


def _show(text: str) -> None:
    """Show the present step on a terminal."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)


def main() -> None:
    given = arguments()
    if given.render:
        report.write(load(report.RESULTS))
        return
    if given.report and (given.quick or given.servers):
        raise SystemExit("--report needs whole benchmarks: leave out --quick and --servers")
    benchmarks = chosen(given.only)
    if given.report and any(one.cases != BY_NAME[one.name].cases for one in benchmarks):
        raise SystemExit("--report needs whole benchmarks: --only fanout, not fanout-100")
    servers = [name for name in (given.servers.split(",") if given.servers else TITLES) if is_installed(name)]
    for missing in sorted(set(TITLES) - set(servers)) if not given.servers else ():
        print(f"{TITLES[missing]} is not installed, so it is left out (make bench-peers installs it)")
    rounds, seconds = (1, QUICK) if given.quick else (given.rounds, given.seconds)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # servers and loads inherit it
    began, busy = time.monotonic(), os.getloadavg()[0]
    results = load(report.RESULTS)
    takes = estimate(benchmarks, rounds, seconds, servers, {} if given.quick else results)
    print(f"this takes about {in_words(takes)}; the load average is {busy:.2f}", flush=True)
    with tempfile.TemporaryDirectory(dir=given.data) as folder:
        loads.build(Path(folder))
        known = machine.describe(Path(folder))
        lab = Lab(folder=Path(folder), seconds=seconds, small=given.quick)
        if given.quick:
            print("quick: one short round with a tenth of the sizes in the tables; the figures mean nothing")
        for benchmark in benchmarks:
            outcome = results[benchmark.name] = measure(benchmark, lab, rounds, servers, known)
            outcome.load_averages[:] = [round(busy, 2), round(os.getloadavg()[0], 2)]
            print(as_text(benchmark, outcome), report.footer(outcome), sep="\n", end="\n\n", flush=True)
            if given.report:
                save(results, report.RESULTS)
    if given.report:
        report.write(results)
    print(f"it took {in_words(time.monotonic() - began)}; the load average is {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
