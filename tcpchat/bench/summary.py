"""What came out of a load, in numbers and in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from tcpchat.bench.plan import Plan, Receiving, Sending

FULL: Final = 0.9  # of a core: a process that uses that much has no more to give
_RAISE: Final = {
    "rate-limited": "the server's setting --messages-per-second 0 lets everything through",
    "muted": "the server's operator muted the senders",
    "storage-failed": "the server's disk did not take them",
    "text-too-long": "the server's setting --text-characters says how long a text may be",
}


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """Return the least of these values that so many percent of them, 1 to 100, are not above.

    There is at least one value, and they go up.
    """
    return ordered[-(-len(ordered) * percent // 100) - 1]


@attrs.frozen
class Latency:
    """Milliseconds."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Latency | None:
        """Return the nearest ranks; None of nothing."""
        those = sorted(values)
        if not those:
            return None
        return cls(*(nearest_rank(those, percent) for percent in (50, 99, 100)))

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, max {self.max:.1f} ms"


@attrs.frozen(kw_only=True)
class Summary:
    """What `tcpchat bench` prints."""

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
        """Whether everybody stayed, got what was acknowledged once, and was answered once."""
        wrong = self.lost or self.doubled or self.closed or self.unanswered or self.answered_again
        return not wrong and self.acknowledged > 0


def summarize(
    plan: Plan, joined: float, began: float, sending: Sending, receiving: Sequence[Receiving]
) -> Summary:
    """Put together what the processes report. It took `joined` seconds to join; `began` is on the clock."""
    sent = sum(said.sent for said in sending.said)
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
        acknowledged=sent - sum(len(said.not_kept) for said in sending.said),
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
    """Write a few lines for people."""
    s = summary
    each = s.acknowledged / s.seconds if s.seconds else 0
    lines = [
        ("joined", f"{s.receivers:,} receivers and {s.senders:,} senders in {s.joined_seconds:.1f} s"),
        ("sent", f"{s.sent:,} in {s.seconds:.1f} s"),
        ("acknowledged", f"{s.acknowledged:,}, {each:,.0f} a second" + _behind(s.acknowledge)),
        *(("refused", _refused(code, *told)) for code, told in s.refused.items()),
        *([("unanswered", f"{s.unanswered:,}")] if s.unanswered else []),
        *([("repeated", f"{s.answered_again:,} answers")] if s.answered_again else []),
        ("delivered", f"{s.deliveries:,}, {s.deliveries_per_second:,.0f} a second" + _behind(s.deliver)),
        ("lost", f"{s.lost:,}" if s.lost else "none: everybody got what was acknowledged"),
        ("doubled", f"{s.doubled:,}" if s.doubled else "none"),
        *(("closed", f"{count:,} connections by the server: {why}") for why, count in s.closed.items()),
    ]
    width = max(len(name) for name, _ in lines)
    text = [f"{name.ljust(width)}  {value}" for name, value in lines]
    if s.ended_early:
        text.append(f"Ended early, after {s.seconds:.1f} s: this is the result so far.")
    if s.limited_by_load:
        text.append("This load used a whole core, so the server may do more than it shows.")
    return "\n".join(text)


def _behind(latency: Latency | None) -> str:
    return "" if latency is None else f"; {latency}"


def _refused(code: str, count: int, message: str) -> str:
    advice = f" ({_RAISE[code]})" if code in _RAISE else ""
    return f"{count:,} as {code}: {message}{advice}"
