"""A histogram of durations as an SVG picture that is readable on white, on black and in print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from pytest_kraken_golive.telemetry.percentiles import summary

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 28, 64, 42
_MOST_BARS = 40
_WHOLE_MS = 100
_STYLE = """
svg { color-scheme: light dark; --ink: #1f2937; --faint: #9ca3af; --bar: #2563eb; --budget: #b45309; --paper: #ffffff; }
@media (prefers-color-scheme: dark) {
 svg { --ink: #e5e7eb; --faint: #6b7280; --bar: #60a5fa; --budget: #fbbf24; --paper: #111827; } }
text { font: 12px system-ui, sans-serif; fill: var(--ink); } .t { font-weight: 600; font-size: 14px; }
.p { fill: var(--paper); } .b { fill: var(--bar); } .a { stroke: var(--faint); } .m { stroke: var(--ink); }
.l { stroke: var(--budget); stroke-dasharray: 5 3; } .lt { fill: var(--budget); }
"""


def histogram_svg(title: str, samples_s: Sequence[float], budgets_s: Mapping[str, float]) -> str:
    """Draw how often which duration was measured.

    The axis is logarithmic where the slowest sample is far from the fastest. Percentiles are marked, and those budgets
    that lie within the picture; the others are named.

    Args:
        title: what was measured.
        samples_s: durations in seconds, at least one.
        budgets_s: limits in seconds by name.

    Raises:
        ValueError: no sample, or one that is negative or not finite.
    """
    if not samples_s:
        raise ValueError("samples_s: expected at least one, found none")
    figures = summary(samples_s)
    scale = _Scale(min(samples_s), max(samples_s))
    counts = scale.counts(samples_s)
    said = [f"p{one.percent} {_ms(one.value or 0.0)}" for one in (figures.p50, figures.p95, figures.p99)]
    caption = f"{len(samples_s)} samples: {', '.join(said)}"
    outside = [f"{name} {_ms(at_s)}" for name, at_s in budgets_s.items() if not scale.shows(at_s)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" width="{WIDTH}" '
        f'height="{HEIGHT}" aria-label="{escape(f"{title}, {caption}")}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="p" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        _text(_LEFT, 18, title, "t"),
        _text(_LEFT, 36, caption),
        *([_text(_LEFT, 54, f"budgets beyond the picture: {', '.join(outside)}")] if outside else []),
        *_bars(counts),
        *_axis(scale, max(counts)),
        *(_mark(scale.x(one.value), f"p{one.percent}", "m", "") for one in (figures.p50, figures.p95) if one.value),
        *(_mark(scale.x(at_s), name, "l", "lt") for name, at_s in budgets_s.items() if scale.shows(at_s)),
        "</svg>",
    ]
    return "\n".join(parts)


class _Scale:
    """Where a duration stands between left and right."""

    def __init__(self, least_s: float, most_s: float) -> None:
        self.logarithmic = least_s > 0 and most_s / least_s > _MOST_BARS
        spread = 1.0 if most_s > least_s else 1.5
        self._low, self._high = self._on(least_s) / spread, self._on(most_s) * spread
        if self.logarithmic:
            self._low, self._high = self._on(least_s), self._on(most_s)
        if self._high <= self._low:
            self._high = self._low + 1e-6

    def _on(self, at_s: float) -> float:
        return math.log10(at_s) if self.logarithmic else at_s

    def _share(self, at_s: float) -> float:
        return (self._on(at_s) - self._low) / (self._high - self._low)

    def shows(self, at_s: float) -> bool:
        return at_s > 0 and 0 <= self._share(at_s) <= 1

    def x(self, at_s: float) -> float:
        return _LEFT + self._share(at_s) * (WIDTH - _LEFT - _RIGHT)

    def ticks_s(self) -> list[float]:
        points = [self._low + (self._high - self._low) * part / 4 for part in range(5)]
        return [10**point for point in points] if self.logarithmic else points

    def counts(self, samples_s: Sequence[float]) -> list[int]:
        bars = min(_MOST_BARS, max(5, math.isqrt(len(samples_s)) * 2))
        counts = [0] * bars
        for sample in samples_s:
            counts[min(bars - 1, int(self._share(sample) * bars))] += 1
        return counts


def _bars(counts: Sequence[int]) -> list[str]:
    wide, high = (WIDTH - _LEFT - _RIGHT) / len(counts), HEIGHT - _TOP - _BOTTOM
    bars = []
    for place, count in enumerate(counts):
        if count:
            tall = max(2.0, count / max(counts) * high)  # a single slow call must be seen
            x, y = _LEFT + place * wide, HEIGHT - _BOTTOM - tall
            bars.append(f'<rect class="b" x="{x:.1f}" y="{y:.1f}" width="{wide * 0.86:.1f}" height="{tall:.1f}"/>')
    return bars


def _axis(scale: _Scale, most: int) -> list[str]:
    ground = HEIGHT - _BOTTOM
    lines = [f'<line class="a" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{ground}" y2="{ground}"/>']
    for at_s in scale.ticks_s():
        lines.append(_text(scale.x(at_s), ground + 16, _ms(at_s), middle=True))
    kind = "duration, logarithmic" if scale.logarithmic else "duration"
    lines.append(_text((WIDTH + _LEFT - _RIGHT) / 2, HEIGHT - 8, kind, middle=True))
    lines += [_text(8, _TOP + 10, str(most)), _text(8, ground, "0")]
    return lines


def _mark(x: float, name: str, line: str, words: str) -> str:
    near_the_edge = x > WIDTH - _RIGHT - 12 * len(name)
    written = _text(x - 4 if near_the_edge else x + 4, _TOP + 10, name, words, end=near_the_edge)
    return f'<line class="{line}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>{written}'


def _text(x: float, y: float, words: str, look: str = "", *, middle: bool = False, end: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ' text-anchor="end"' if end else ""
    styled = f' class="{look}"' if look else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{anchor}{styled}>{escape(words)}</text>'


def _ms(at_s: float) -> str:
    milli = at_s * 1000
    return f"{milli:.0f} ms" if milli >= _WHOLE_MS else f"{milli:.3g} ms"
