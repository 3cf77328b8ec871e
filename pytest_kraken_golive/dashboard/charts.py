"""Charts of the trends, in the theme's colours: exchanges also differ by shape, percentiles by dashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt

from ..telemetry.trends import Bucket

HEIGHT_PX = 320
_DAY_S = 86_400.0


def success_chart(buckets: Sequence[Bucket]) -> alt.Chart:
    """Share of filled orders among those that ended, over time."""
    points = [_point(one, one.success_rate) for one in buckets if one.success_rate is not None]
    return _chart(points, ".0%", alt.Scale(domain=[0, 1]), _time_form(buckets))


def latency_chart(buckets: Sequence[Bucket]) -> alt.Chart:
    """Latency of accepted orders over time in milliseconds, p50 and p95."""
    points = [
        {**_point(one, seconds * 1000), "percentile": name}
        for one in buckets
        for name, seconds in (("p50", one.p50_s), ("p95", one.p95_s))
        if seconds is not None
    ]
    dashes = alt.StrokeDash("percentile:N", legend=None, scale=alt.Scale(domain=["p50", "p95"], range=[[1, 0], [5, 3]]))
    return _chart(points, ",.6~g", alt.Scale(zero=True), _time_form(buckets)).encode(strokeDash=dashes)


def _point(bucket: Bucket, value: float) -> dict[str, Any]:
    return {
        "time": datetime.fromtimestamp(bucket.start, UTC).isoformat(),
        "exchange": bucket.exchange,
        "value": value,
    }


def _time_form(buckets: Sequence[Bucket]) -> str:
    """Hours and minutes; over more than two days, days."""
    starts = [one.start for one in buckets]
    return "%m-%d %H:%M" if max(starts) - min(starts) > 2 * _DAY_S else "%H:%M"


def _chart(points: list[dict[str, Any]], form: str, scale: alt.Scale, time_form: str) -> alt.Chart:
    utc = alt.Scale(type="utc")  # as every time on the page
    legend = alt.Legend(title=None, orient="bottom", columns=2)
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(points), height=HEIGHT_PX)
        .mark_line(point=alt.OverlayMarkDef(size=45))
        .encode(
            x=alt.X("time:T", title="UTC", scale=utc, axis=alt.Axis(format=time_form, labelOverlap=True)),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(format=form), scale=scale),
            color=alt.Color("exchange:N", legend=legend),
            shape=alt.Shape("exchange:N", legend=legend),
            tooltip=[alt.Tooltip("exchange:N"), alt.Tooltip("value:Q", format=form)],
        )
    )
    return chart
