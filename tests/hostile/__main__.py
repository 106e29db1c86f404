"""The full attacks as a table, or those whose names contain a word: `python -m tests.hostile [WORD …]`."""

from __future__ import annotations

import os
import resource
import sys
import time

from tests.hostile import ATTACKS
from tests.hostile.attack import Attack
from tests.hostile.target import Target

CALM = 5.0  # seconds in which the bystander is alone, to compare with


def main(words: list[str]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    head = ("attack", "seconds", "MB +", "MB peak +", "ping p50", "p99", "was p99", "message p99", "was p99")
    print(" | ".join(head), "| the answer\n" + "-|" * len(head) + "-", flush=True)
    for attack in ATTACKS:
        if not words or any(word in attack.name for word in words):
            print(_row(attack), flush=True)


def _row(attack: Attack) -> str:
    with Target(*attack.options) as target:
        time.sleep(1)
        target.observe()
        time.sleep(CALM)
        calm = target.observe()
        memory = target.memory()
        target.reset_peak()
        _stand_back()
        began = time.monotonic()
        answer = attack.act(target, attack.full)
        seconds = time.monotonic() - began
        hot = target.observe()
        grown, peak = target.memory() - memory, target.memory("VmHWM") - memory
        bugs = target.bugs()
    figures = (hot["ping_p50"], hot["ping_p99"], calm["ping_p99"], hot["message_p99"], calm["message_p99"])
    cells = [
        attack.name,
        f"{seconds:.1f}",
        f"{grown:.0f}",
        f"{peak:.0f}",
        *(f"{ms:.1f} ms" for ms in figures),
    ]
    failed = f" BUGS: {bugs[:3]}" if bugs else ""
    failed += " TOO MUCH MEMORY" if grown > 2 * attack.memory else ""
    return " | ".join([*cells, answer + failed])


def _stand_back() -> None:
    """Leave the cores to the server and the bystander, since the attacker's own speed does not matter."""
    if os.getpriority(os.PRIO_PROCESS, 0) < 10:
        os.nice(10)


if __name__ == "__main__":
    main(sys.argv[1:])
