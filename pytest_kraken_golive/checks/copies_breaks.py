"""Ways in which a configuration is right where the runbook looks, and wrong beside it."""

from __future__ import annotations

from pytest_kraken_golive.contract import Copy, sabotage

RUNTIME = "config/runtime.yaml"
CORE = "config/core.yaml"
OTHER_ENTRYPOINT = "trading.entrypoints.kraken_headless_paper"
OTHER_PROFILE = "execution.paper_profiles.kraken_headless"
PAPER_PROFILE = "execution.paper_profiles.kraken_paper"
TRADING_PROFILE = "execution.trading_profiles.kraken_desktop"


@sabotage("expected a paper environment for kraken_headless_paper")
def other_entrypoint_is_live(copy: Copy) -> None:
    """The entrypoint beside it, which the same run starts, trades with real money."""
    copy.edit(RUNTIME, f"{OTHER_ENTRYPOINT}.environment", "kraken_live")


@sabotage(f"{OTHER_PROFILE}.environment")
def other_profile_names_another_environment(copy: Copy) -> None:
    """The paper profile of the entrypoint beside it is for the live environment."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.environment", "kraken_live")


@sabotage("expected no tag that says live")
def other_entrypoint_tagged_live(copy: Copy) -> None:
    """Whoever filters by `live` finds an entrypoint that trades on paper."""
    copy.edit(RUNTIME, f"{OTHER_ENTRYPOINT}.tags", ["headless", "paper", "kraken", "Live"])


@sabotage("expected the key environment, found 'enviroment'")
def account_copy_misspelt(copy: Copy) -> None:
    """A copy that contradicts is no absent one because its key is misspelt."""
    copy.drop(CORE, "exchange_accounts.kraken.paper.environment")
    copy.edit(CORE, "exchange_accounts.kraken.paper.enviroment", "kraken_live")


@sabotage("copies of one value to agree")
def other_entrypoint_has_another_risk_profile(copy: Copy) -> None:
    """The entrypoint beside it risks more than its environment allows."""
    copy.edit(RUNTIME, f"{OTHER_ENTRYPOINT}.risk_profile", "aggressive")


@sabotage(f"{OTHER_PROFILE}.io_queue")
def other_profile_with_another_queue(copy: Copy) -> None:
    """The entrypoint beside it goes around the queue."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.io_queue", "default")


@sabotage("expected no tag that says live")
def paper_profile_tagged_live(copy: Copy) -> None:
    """A paper profile that calls itself live."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.tags", ["live"])


@sabotage("metrics.rate_limit: expected 'bot_exchange_rate_limited_total', found 'foo'")
def metric_misnamed(copy: Copy) -> None:
    """A metric that nobody serves."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.rate_limit", "foo")


@sabotage(f"{OTHER_PROFILE}.metrics.health")
def other_metric_misnamed(copy: Copy) -> None:
    """The entrypoint beside it is measured by a metric that nobody serves."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.metrics.health", "foo")


@sabotage("observability.prometheus.enabled: expected true, found false")
def metrics_not_served(copy: Copy) -> None:
    """The bot is told to serve no metrics."""
    copy.edit(RUNTIME, "observability.prometheus.enabled", False)


@sabotage("observability.prometheus.port: expected a whole number")
def metrics_port_is_text(copy: Copy) -> None:
    """The bot is told to listen at no port."""
    copy.edit(RUNTIME, "observability.prometheus.port", "9100")


@sabotage("io_queue.burst: expected a whole number")
def default_limit_is_text(copy: Copy) -> None:
    """What the next queue would inherit is no number."""
    copy.edit(RUNTIME, "io_queue.burst", "10")


@sabotage(f"{OTHER_PROFILE}.metrics.thresholds.network_errors_max: expected at most 0, found 99")
def other_profile_tolerates_errors(copy: Copy) -> None:
    """The report's summary would be `ok` with ninety-nine errors."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.metrics.thresholds.network_errors_max", 99)


@sabotage(f"{OTHER_PROFILE}.metrics.thresholds.health_min: expected at least 1, found -5")
def other_profile_asks_for_no_health(copy: Copy) -> None:
    """A health that every bot has."""
    copy.edit(RUNTIME, f"{OTHER_PROFILE}.metrics.thresholds.health_min", -5)


@sabotage("expected the key rate_limit_max, found 'rate-limit-max'")
def threshold_in_disguise(copy: Copy) -> None:
    """A second threshold, which a program that takes dashes for underscores reads."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds.rate-limit-max", 99)


@sabotage("expected no tag that says live")
def trading_profile_tagged_live(copy: Copy) -> None:
    """The run would be found among live ones."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.tags", ["desktop", "paper", "kraken", "live"])


@sabotage("copies of one value to agree")
def trading_profile_is_live(copy: Copy) -> None:
    """A further section that names the entrypoint, and gives it real money."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.environment", "kraken_live")


@sabotage("copies of one value to agree")
def trading_profile_risks_more(copy: Copy) -> None:
    """A further section that names the entrypoint, and another risk profile."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.risk_profile", "aggressive")


@sabotage("kraken_futures")
def trading_profile_with_another_queue(copy: Copy) -> None:
    """A further section that names the entrypoint, and sends it around the queue."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.io_queue", "kraken_futures")


@sabotage("exchange_accounts.kraken_spot.paper.environment")
def account_under_adapter_is_live(copy: Copy) -> None:
    """A second account for the same exchange, under its adapter's name."""
    copy.edit(CORE, "exchange_accounts.kraken_spot", {"paper": {"environment": "kraken_live"}})


@sabotage("expected no tag that says live")
def other_trading_profile_tagged_live(copy: Copy) -> None:
    """A second trading profile for the entrypoint says that it is live."""
    copy.edit(RUNTIME, "execution.trading_profiles.other", {"entrypoint": "kraken_desktop_paper", "tags": ["live"]})


@sabotage("execution.default_mode: expected 'paper', found 'live'")
def starts_live_by_default(copy: Copy) -> None:
    """Whoever starts the bot without a word trades for real."""
    copy.edit(RUNTIME, "execution.default_mode", "live")
    copy.edit(RUNTIME, "trading.default_entrypoint", "kraken_desktop_live")


@sabotage("adapter_settings.base_url: expected an exchange to play on")
def adapter_is_sent_to_kraken(copy: Copy) -> None:
    """Paper by name, and the adapter trades at the real exchange."""
    copy.edit(CORE, "environments.kraken_paper.adapter_settings.base_url", "https://api.kraken.com")


@sabotage("adapter_settings.ws_url: expected an exchange to play on")
def adapter_takes_orders_over_websocket(copy: Copy) -> None:
    """Not the feed of prices: the socket that takes orders."""
    copy.edit(CORE, "environments.kraken_paper.adapter_settings.ws_url", "wss://ws-auth.kraken.com/v2")


@sabotage("adapter_settings.http.endpoints")
def adapter_has_a_list_of_endpoints(copy: Copy) -> None:
    """The real exchange as the second of two addresses."""
    addresses = ["https://sandbox.example.org", "https://api.kraken.com"]
    copy.edit(CORE, "environments.kraken_paper.adapter_settings.http", {"endpoints": addresses})


@sabotage("adapter_settings.trading_mode: expected a mode that agrees with a paper environment")
def adapter_mode_is_live(copy: Copy) -> None:
    """Paper by name, and the adapter is told to trade for real."""
    copy.edit(CORE, "environments.kraken_paper.adapter_settings.trading_mode", "Live")


@sabotage("kraken_desktop_live.bootstrap: expected false")
def live_entrypoint_starts_along(copy: Copy) -> None:
    """Whoever starts the paper bot starts the real one, too."""
    copy.edit(RUNTIME, "execution.live.enabled", True)
    copy.edit(RUNTIME, "trading.entrypoints.kraken_desktop_live.bootstrap", True)


@sabotage("risk.default_profile")
def default_risk_profile_is_none(copy: Copy) -> None:
    """Who names no risk profile gets one that does not exist."""
    copy.edit(RUNTIME, "risk.default_profile", "balancd")


@sabotage("expected a keychain key that only")
def paper_key_is_the_live_key(copy: Copy) -> None:
    """One name for both: what is put there for live, the paper bot trades with."""
    copy.edit(CORE, "environments.kraken_live.keychain_key", "kraken_paper_trading")
    copy.edit(CORE, "exchange_accounts.kraken.live.keychain_key", "kraken_paper_trading")


@sabotage("exchange_accounts.kraken.live.keychain_key")
def live_account_names_another_key(copy: Copy) -> None:
    """The live environment and its account contradict each other."""
    copy.edit(CORE, "exchange_accounts.kraken.live.keychain_key", "kraken_other")
