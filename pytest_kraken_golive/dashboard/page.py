"""The page "Exchanges": drawn with Streamlit from what the other modules say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from ..clock import Clock, SystemClock
from ..contract import Fault, NotProven
from ..policy import FILE as POLICY
from ..policy import Policy
from ..telemetry.alerts import Alert, AlertThresholds, alerts
from .benchmarks import benchmark_tables
from .charts import latency_chart, success_chart
from .figures import KEY, NBSP, SIGNS, Row, State, comparison
from .growing import growing
from .sources import BENCHMARK, EVENTS, METRICS, VERDICT, Read, read, read_policy
from .standing import age, standing
from .stopping import Stop, StopDesk, stop_desk
from .wording import verbatim

TITLE = "Exchanges"
REFRESH_S = 5.0
STOP_SHOWN_S = 900.0
"""How long the answer to a stop stands there: the bot may have been started again since."""
READING_S = 1.5
"""How long one drawing may read events; a log that takes longer is read on with the next."""

_COLOURS: dict[State, str] = {
    "good": "green",
    "alert": "red",
    "no_data": "orange",
    "unreadable": "red",
    "stale": "orange",
}
_WORDS = {"degraded": "✘ DEGRADED", "no_data": "? NO DATA", "unreadable": "! UNREADABLE", "stale": "~ STALE"}
_WINDOWS = {"last hour": 3600.0, "last 24 hours": 86_400.0, "last 7 days": 7 * 86_400.0, "everything": None}


def exchanges_page(config: Path, clock: Clock | None = None) -> None:
    """Draw the page.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        clock: the time now.
    """
    st.set_page_config(page_title=TITLE, layout="wide", initial_sidebar_state="collapsed")
    root, clock = config.parent.parent, clock or SystemClock()
    st.title(TITLE, anchor=False)
    policy = read_policy(root)
    _stop_section(stop_desk(root, config), policy if isinstance(policy, Policy) else Policy(), clock)
    st.fragment(_live, run_every=REFRESH_S)(root, clock)


def _live(root: Path, clock: Clock) -> None:
    """All that changes by itself; read anew each time."""
    policy = read_policy(root)
    now = clock.time()
    _verdict_section(read(root, VERDICT), now)
    thresholds = policy.alerts if isinstance(policy, Policy) else None
    exchanges = list(policy.exchanges) if isinstance(policy, Policy) else []
    metrics = read(root, METRICS)
    found = _alerts_of(metrics, thresholds or AlertThresholds(), exchanges, now)
    if isinstance(policy, str):
        found = [Alert("unreadable", None, POLICY, policy), *(one for one in found if one.kind != "degraded")]
    _alert_section(found, now)
    _figure_section(comparison(metrics.data, exchanges, found, thresholds))
    _trend_section(root, clock)
    _benchmark_section(read(root, BENCHMARK), now)


def _alerts_of(metrics: Read, thresholds: AlertThresholds, exchanges: list[str], now: float) -> list[Alert]:
    if metrics.data is not None or metrics.absent:
        return alerts(metrics.data, thresholds, exchanges, now)
    return [Alert("unreadable", None, METRICS, metrics.problem or "it cannot be read.")]


def _stop_section(desk: StopDesk, policy: Policy, clock: Clock) -> None:
    state = st.session_state
    asked = state.setdefault("stop_asked", False)
    if st.button("Stop trading …", key="stop", type="primary", icon=":material/stop_circle:", disabled=asked):
        state["stop_asked"] = True
        st.rerun()
    if asked:
        st.warning("Really stop? No new order will be placed, and the bot's open orders will be cancelled.")
        with st.container(horizontal=True):
            confirmed = st.button("Yes, stop trading now", key="stop_confirmed", type="primary")
            refused = st.button("No, go on trading", key="stop_refused")
        if confirmed or refused:
            state["stop_asked"] = False
            if confirmed:
                with st.spinner("Stopping: the command is running …"):
                    state["stop_answer"] = desk.stop(policy, clock)
            st.rerun()
    answers: list[Stop] = [one for one in (desk.last, state.get("stop_answer")) if one is not None]
    answer = max(answers, key=lambda one: one.asked_at, default=None)
    if answer is not None and clock.time() - answer.asked_at < STOP_SHOWN_S:
        _stop_answer(answer)


def _stop_answer(answer: Stop) -> None:
    asked = f"asked {_moment(answer.asked_at)}"
    said = verbatim(answer.output) or "it said nothing"
    if answer.exit_status == 0:
        st.success(f"**✔ STOPPED** ({asked}, exit status 0): {said}")
        return
    status = "no exit status" if answer.exit_status is None else f"exit status {answer.exit_status}"
    st.error(
        f"**✘ NOT STOPPED** ({asked}, {status}): {said} — Next: `kraken-golive stop` in a terminal; "
        "if that fails too, cancel all orders at the exchange."
    )


def _verdict_section(source: Read, now: float) -> None:
    about = standing(source, now)
    text = f"**{about.headline}** — {verbatim(about.detail)}"
    {"go": st.success, "notice": st.info, "alert": st.error}[about.weight](text)


def _alert_section(found: list[Alert], now: float) -> None:
    st.subheader("Alerts", anchor=False)
    if not found:
        st.success(f"**✔ NONE** — every figure is within its limit ({_moment(now)}).")
        return
    lines = [f"- **{_WORDS[one.kind]}** {verbatim(one.message)}" for one in found]
    st.error("\n".join([f"**{len(found)} to look at** ({_moment(now)})", "", *lines]))


def _figure_section(rows: list[Row]) -> None:
    st.subheader("Comparison", anchor=False)
    names = list(rows[0].cells)
    if not names:
        st.warning("**? NO DATA** — no exchange is known.")
        return
    table = {"Figure": [row.figure.name for row in rows], "Limit": [row.limit or "—" for row in rows]}
    for name in names:
        table[verbatim(name)] = [_cell(row.cells[name].state, row.cells[name].text) for row in rows]
    st.table(table, hide_index=True)
    st.caption(KEY)


def _cell(state: State, text: str) -> str:
    shown = f"{SIGNS[state]}{NBSP}{verbatim(text)}".strip()
    return f":{_COLOURS[state]}[{shown}]" if state in _COLOURS else shown


def _trend_section(root: Path, clock: Clock) -> None:
    st.subheader("Trends", anchor=False)
    chosen = st.selectbox("Time", list(_WINDOWS), index=1, key="window")
    seconds = _WINDOWS[chosen]
    source = growing(root / EVENTS, EVENTS)
    try:
        reading = source.read_on(READING_S, clock)
        if reading.share < 1:
            st.progress(reading.share, text=f"reading {EVENTS}: {reading.share:.0%} of {reading.size / 1e6:,.0f} MB")
        found = source.trends(0.0 if seconds is None else clock.time() - seconds)
    except NotProven as error:
        st.warning(f"**? NO DATA** — {verbatim(str(error))}")
        return
    except Fault as error:
        st.error(f"**! UNREADABLE** — {verbatim(str(error))}")
        return
    left, right = st.columns(2)
    with left:
        st.markdown("**Success** — filled of ended orders")
        st.altair_chart(success_chart(found.buckets), key="success")
    with right:
        st.markdown("**Latency** — of accepted orders in milliseconds, p50 solid, p95 dashed")
        st.altair_chart(latency_chart(found.buckets), key="latency")
    orders = sum(one.attempts for one in found.buckets)
    torn = f" ✘ {found.unread_lines} lines are no events that could be read." if found.unread_lines else ""
    st.caption(f"{orders:,} attempts to place an order, {chosen}, from {EVENTS}.{torn}")


def _benchmark_section(source: Read, now: float) -> None:
    st.subheader("Benchmark and volume ladder", anchor=False)
    if source.data is None:
        if source.absent:
            st.info(f"**? NO DATA** — {BENCHMARK} is not there. Next: kraken-golive bench.")
        else:
            st.error(f"**! UNREADABLE** — {verbatim(source.problem or BENCHMARK)}")
        return
    try:
        made, tables = benchmark_tables(source.data)
    except Fault as error:
        st.error(f"**! UNREADABLE** — {verbatim(str(error))}")
        return
    for title, table in tables:
        st.markdown(f"**{verbatim(title)}**")
        st.table(
            {verbatim(name): [verbatim(text) for text in column] for name, column in table.items()}, hide_index=True
        )
    st.caption(f"Measured {_moment(made)}, {age(now - made)} ago.")


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
