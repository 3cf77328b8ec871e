"""Nouns of runtime.yaml that say what is started and what it is measured by; rules as in `runtime`."""

from __future__ import annotations

from ..contract import Found
from .section import Section

METRICS = ("rate_limit", "network_errors", "health")
"""What a paper profile can name a metric for."""

THRESHOLDS = ("rate_limit_max", "network_errors_max", "health_min")
"""What a paper profile can set a limit for."""


class Entrypoint(Section):
    """One way to start the bot: `trading.entrypoints.<name>`."""

    DOCUMENTED = (
        "environment",
        "description",
        "controller",
        "strategy",
        "risk_profile",
        "tags",
        "bootstrap",
        "trusted_auto_confirm",
    )

    @property
    def environment(self) -> Found:
        """Name of an environment of core.yaml."""
        return self.text("environment")

    @property
    def description(self) -> Found:
        """What it is, for people."""
        return self.text("description")

    @property
    def controller(self) -> Found:
        """What steers it: desktop, headless, ..."""
        return self.text("controller")

    @property
    def strategy(self) -> Found:
        """Name of the strategy that it trades."""
        return self.text("strategy")

    @property
    def risk_profile(self) -> Found:
        """Name of a risk profile of core.yaml."""
        return self.text("risk_profile")

    @property
    def tags(self) -> Found:
        """List of words."""
        return self.names("tags")

    @property
    def bootstrap(self) -> Found:
        """Whether it is started together with the bot."""
        return self.flag("bootstrap")

    @property
    def trusted_auto_confirm(self) -> Found:
        """Whether it acts without asking a person."""
        return self.flag("trusted_auto_confirm")


class PaperProfile(Section):
    """What a paper run is measured by: `execution.paper_profiles.<name>`."""

    @property
    def entrypoint(self) -> Found:
        """Name of the entrypoint that it is for."""
        return self.text("entrypoint")

    @property
    def exchange(self) -> Found:
        """The exchange's label in metrics, such as `kraken`; core.yaml names the adapter behind it."""
        return self.text("exchange")

    @property
    def environment(self) -> Found:
        """Name of an environment of core.yaml."""
        return self.text("environment")

    @property
    def io_queue(self) -> Found:
        """Name of a queue of `io_queue.exchanges`."""
        return self.text("io_queue")

    @property
    def metric_names(self) -> Found:
        """Those of `METRICS` that are named, as a mapping to the metrics' names.

        Raises:
            NotProven: there is no `metrics`.
            Fault: it is no mapping, or a name is no text.
        """
        found = self.closed("metrics", known=(*METRICS, "thresholds"))
        return Found({name: self.metric(name).value for name in METRICS if name in found.value}, found.where)

    def metric(self, name: str) -> Found:
        """The name of the metric for one of `METRICS`; a misspelling of one is a `Fault`."""
        self.closed("metrics", known=(*METRICS, "thresholds"))
        return self.text("metrics", name)

    @property
    def thresholds(self) -> Found:
        """The mapping of thresholds, its values as they stand in the file; a misspelt name is a `Fault`."""
        return self.closed("metrics", "thresholds", known=THRESHOLDS)

    def threshold(self, name: str) -> Found:
        """One of `THRESHOLDS`, a finite number."""
        _ = self.thresholds
        return self.number("metrics", "thresholds", name)


class TradingProfile(Section):
    """`execution.trading_profiles.<name>`."""

    DOCUMENTED = ("entrypoint", "environment", "risk_profile", "io_queue", "tags", "guardrails")

    @property
    def entrypoint(self) -> Found:
        """Name of the entrypoint that it is for."""
        return self.text("entrypoint")

    @property
    def environment(self) -> Found:
        """Name of an environment of core.yaml; a copy of the entrypoint's."""
        return self.text("environment")

    @property
    def risk_profile(self) -> Found:
        """Name of a risk profile of core.yaml; a copy of the entrypoint's."""
        return self.text("risk_profile")

    @property
    def io_queue(self) -> Found:
        """Name of a queue of `io_queue.exchanges`; a copy of the paper profile's."""
        return self.text("io_queue")

    @property
    def tags(self) -> Found:
        """Words that select its runs."""
        return self.names("tags")

    @property
    def guardrails(self) -> Found:
        """Events that watch over it."""
        return self.names("guardrails")
