"""A measured latency: every sample, what was waited for, and what may be said about the percentiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from .percentiles import Percentile, Summary, summary


@dataclass(frozen=True)
class Latency:
    """Durations of one kind of call, one by one."""

    samples_s: tuple[float, ...]
    """Seconds of each call, in their order; waiting for a bucket of the client's own is not in them."""
    waits_s: tuple[float, ...]
    """Seconds that each call waited for such a bucket."""
    wanted: int
    """How many samples were asked for."""
    ended: str | None = None
    """Why there are fewer."""

    @cached_property
    def summary(self) -> Summary:
        """Mean and percentiles, each with its number of samples and its upper confidence bound."""
        return summary(self.samples_s)

    @property
    def p50(self) -> Percentile:
        """The median."""
        return self.summary.p50

    @property
    def p95(self) -> Percentile:
        """Exceeded by one of twenty."""
        return self.summary.p95

    @property
    def p99(self) -> Percentile:
        """Exceeded by one of a hundred."""
        return self.summary.p99

    def data(self) -> dict[str, Any]:
        """As evidence shows it, in seconds."""
        return {
            **self.summary.data(),
            "wanted": self.wanted,
            "waited_for_buckets": round(sum(self.waits_s), 6),
            **({} if self.ended is None else {"ended": self.ended}),
        }


class LatencyMeter(Protocol):
    """Measures calls one after the other, when nothing else runs; the fixture `latency`."""

    def measure(
        self,
        call: Callable[[], object],
        samples: int,
        *,
        waited: Callable[[], float] = lambda: 0.0,
        longest_s: float = 60.0,
        enough: Callable[[Sequence[float]], str | None] = lambda samples_s: None,
    ) -> Latency:
        """Call so often, each time on its own.

        Args:
            call: what is measured; what it raises is raised.
            samples: how often.
            waited: seconds that calls have waited for buckets so far.
            longest_s: when no further call is begun.
            enough: looks at the samples before each call; a text, the reason, ends the measurement.

        Raises:
            NotProven: measuring is switched off, or not possible here.
        """
        ...

    def keep_picture(self, latency: Latency, budgets: Mapping[str, float]) -> tuple[str, str]:
        """Draw the samples as a histogram (SVG) with budgets in seconds by name; its place in the reports, and it."""
        ...
