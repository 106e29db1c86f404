"""The result of a load, in numbers and in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from tcpchat.bench.plan import Plan, Receiving, Sending

FULL: Final = 0.9  # share of a core from which on a process is the bottleneck
_RAISE: Final = {
    "rate-limited": "the server's setting --messages-per-second 0 removes the limit",
    "muted": "the server's operator muted the senders",
    "storage-failed": "the server could not write to its disk",
    "text-too-long": "the server's setting --text-characters is the limit",
}


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile, 1 to 100, of ascending values, of which there is at least one."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


@attrs.frozen
class Latency:
    """Milliseconds."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Latency | None:
        """Return the percentiles of these values; None if there are none."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(*(nearest_rank(ordered, percent) for percent in (50, 99, 100)))

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, max {self.max:.1f} ms"


@attrs.frozen(kw_only=True)
class Summary:
    """The result that `tcpchat bench` prints."""

    receivers: int
    senders: int
    joined_seconds: float
    seconds: float
    sent: int
    acknowledged: int
    unanswered: int
    answered_again: int
    refused: dict[str, tuple[int, str]]
    deliveries: int
    deliveries_per_second: float
    lost: int
    doubled: int
    closed: dict[str, int]
    acknowledge: Latency | None
    deliver: Latency | None
    limited_by_load: bool
    ended_early: bool

    @property
    def ok(self) -> bool:
        """Whether no connection was closed, and each acknowledged message was delivered and answered once."""
        wrong = self.lost or self.doubled or self.closed or self.unanswered or self.answered_again
        return not wrong and self.acknowledged > 0


def summarize(
    plan: Plan, joined: float, began: float, sending: Sending, receiving: Sequence[Receiving]
) -> Summary:
    """Summarize the reports. Joining took `joined` seconds; `began` is of the clock of `last_at`."""
    sent = sum(log.sent for log in sending.logs)
    closed = Counter(sending.closed)
    for one in receiving:
        closed.update(one.closed)
    deliveries = sum(one.deliveries for one in receiving)
    span = max(max((one.last_at for one in receiving), default=0) - began, sending.seconds)
    return Summary(
        receivers=plan.receivers,
        senders=plan.senders,
        joined_seconds=joined,
        seconds=sending.seconds,
        sent=sent,
        acknowledged=sent - sum(len(log.unacknowledged) for log in sending.logs),
        unanswered=sending.unanswered,
        answered_again=sending.answered_again,
        refused=sending.refused,
        deliveries=deliveries,
        deliveries_per_second=deliveries / span if span else 0,
        lost=sum(one.lost for one in receiving),
        doubled=sum(one.doubled for one in receiving),
        closed=dict(closed),
        acknowledge=Latency.of(sending.latencies),
        deliver=Latency.of(latency for one in receiving for latency in one.latencies),
        ended_early=sending.seconds < plan.seconds,
        limited_by_load=max(sending.core, *(one.core for one in receiving)) > FULL,
    )


def as_json(summary: Summary) -> dict[str, Any]:
    plain = attrs.asdict(summary)
    plain["refused"] = {code: count for code, (count, _) in summary.refused.items()}
    return plain | {"ok": summary.ok}


def as_text(summary: Summary) -> str:
    """Return the summary as lines for people."""
    s = summary
    each = s.acknowledged / s.seconds if s.seconds else 0
    joined = f"{_counted(s.receivers, 'receiver')} and {_counted(s.senders, 'sender')}"
    lines = [
        ("joined", f"{joined} in {s.joined_seconds:.1f} s"),
        ("sent", f"{s.sent:,} in {s.seconds:.1f} s"),
        ("acknowledged", f"{s.acknowledged:,}, {each:,.0f} a second" + _behind(s.acknowledge)),
        *(("refused", _refused(code, *found)) for code, found in s.refused.items()),
        *([("unanswered", f"{s.unanswered:,}")] if s.unanswered else []),
        *([("repeated", f"{s.answered_again:,} replies")] if s.answered_again else []),
        ("delivered", f"{s.deliveries:,}, {s.deliveries_per_second:,.0f} a second" + _behind(s.deliver)),
        ("lost", f"{s.lost:,}" if s.lost else "none: every receiver got every acknowledged message"),
        ("doubled", f"{s.doubled:,}" if s.doubled else "none"),
        *(("closed", f"{count:,} connections by the server: {why}") for why, count in s.closed.items()),
    ]
    width = max(len(name) for name, _ in lines)
    text = [f"{name.ljust(width)}  {value}" for name, value in lines]
    if s.ended_early:
        text.append(f"Ended early, after {s.seconds:.1f} s: this is the result so far.")
    if s.limited_by_load:
        text.append("This load used a whole core; the server may be faster than measured.")
    return "\n".join(text)


def _behind(latency: Latency | None) -> str:
    return "" if latency is None else f"; {latency}"


def _refused(code: str, count: int, message: str) -> str:
    advice = f" ({_RAISE[code]})" if code in _RAISE else ""
    return f"{count:,} as {code}: {message}{advice}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"
