"""The exchange's own idea of the time, which may be wrong: a clock that is ahead of the true one, or behind."""

from __future__ import annotations

from ..clock import Clock, VirtualClock


class SkewedClock:
    """Another clock whose wall time is off by a constant. Durations are right."""

    def __init__(self, true: Clock, skew_s: float = 0.0) -> None:
        self._true = true
        self.skew_s = skew_s
        """Seconds ahead of the true time; negative is behind."""

    @property
    def is_virtual(self) -> bool:
        """Whether time moves only when it is told to."""
        return isinstance(self._true, VirtualClock)

    def time(self) -> float:
        """Seconds since the Unix epoch, as this clock has it."""
        return self._true.time() + self.skew_s

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        return self._true.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds, in the way of the true clock."""
        self._true.sleep(seconds)
