"""`config/core.yaml` as nouns: `core.environment("kraken_paper").exchange`; rules as in `runtime`."""

from __future__ import annotations

from pathlib import Path

from ..contract import Found
from .documents import Document, load_yaml
from .kinds import unlike
from .naming import Name
from .section import Section, not_below

KINDS = ("paper", "live", "testnet")
"""What an environment can be."""


class Environment(Section):
    """One account at one exchange: `environments.<name>`."""

    DOCUMENTED = (
        "exchange",
        "keychain_key",
        "risk_profile",
        "required_permissions",
        "forbidden_permissions",
        "ip_allowlist",
        "adapter_settings",
    )

    @property
    def exchange(self) -> Found:
        """The adapter, such as `kraken_spot`; metrics and paper profiles use a label of their own."""
        return self.text("exchange")

    @property
    def kind(self) -> Found:
        """One of `KINDS`; the key in the file is `environment`."""
        found = self.text("environment")
        if found.value not in KINDS:
            raise unlike(found, f"one of {', '.join(KINDS)}", "write one of these")
        return found

    @property
    def keychain_key(self) -> Found:
        """The name of its credentials in the secret store."""
        return self.text("keychain_key")

    @property
    def risk_profile(self) -> Found:
        """Name of one of `risk_profiles`."""
        return self.text("risk_profile")

    @property
    def required_permissions(self) -> Found:
        """What its key must be allowed to do, as a list of words."""
        return self.names("required_permissions")

    @property
    def forbidden_permissions(self) -> Found:
        """What its key must not be allowed to do, as a list of words."""
        return self.names("forbidden_permissions")

    @property
    def ip_allowlist(self) -> Found:
        """Addresses from which its key may be used; empty: any."""
        return self.names("ip_allowlist")

    @property
    def adapter_settings(self) -> Found:
        """The adapter's own settings."""
        return self.mapping("adapter_settings")

    @property
    def symbols(self) -> Found:
        """The pairs that are traded: `adapter_settings.symbols`."""
        return self.names("adapter_settings", "symbols")


class RiskProfile(Section):
    """Limits on what a strategy may do: `risk_profiles.<name>`. Parts of the equity are fractions, 0.02 is 2 %."""

    @property
    def max_daily_loss_pct(self) -> Found:
        """Loss of a day at which trading stops, as a part of the equity."""
        return self.at_least(0, "max_daily_loss_pct")

    @property
    def max_position_pct(self) -> Found:
        """Largest position, as a part of the equity."""
        return self.at_least(0, "max_position_pct")

    @property
    def max_leverage(self) -> Found:
        """Largest leverage; 1 is none."""
        return self.at_least(0, "max_leverage")

    @property
    def max_open_positions(self) -> Found:
        """Most positions open at once."""
        return not_below(self.whole("max_open_positions"), 0)

    @property
    def hard_drawdown_pct(self) -> Found:
        """Loss from the highest equity at which everything is closed, as a part of the equity."""
        return self.at_least(0, "hard_drawdown_pct")


class ExchangeAccount(Section):
    """`exchange_accounts.<label>.<paper or live>`: a further copy of what an environment says."""

    @property
    def environment(self) -> Found:
        """Name of an environment."""
        return self.text("environment")

    @property
    def keychain_key(self) -> Found:
        """The name of its credentials in the secret store."""
        return self.text("keychain_key")

    @property
    def risk_profile(self) -> Found:
        """Name of a risk profile."""
        return self.text("risk_profile")


class CoreConfig(Section):
    """`config/core.yaml`."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)

    @classmethod
    def load(cls, path: Path, shown: str) -> CoreConfig:
        """Read the file; `shown` is how messages call it. Errors as with `load_yaml`."""
        return cls(load_yaml(path, shown))

    @property
    def document(self) -> Document:
        """The whole file."""
        return self._document

    def environment(self, name: Name) -> Environment:
        """One environment; `NotProven` if there is none of this name, `Fault` if a file gives the name."""
        return Environment.named(self._document, name, "environments")

    @property
    def environment_names(self) -> Found:
        """All environments, as a list of names."""
        return self.keys("environments")

    def risk_profile(self, name: Name) -> RiskProfile:
        """One risk profile; errors as with `environment`."""
        return RiskProfile.named(self._document, name, "risk_profiles")

    @property
    def risk_profile_names(self) -> Found:
        """All risk profiles, as a list of names."""
        return self.keys("risk_profiles")

    @property
    def exchange_accounts(self) -> Found:
        """The mapping of all exchange accounts by label."""
        return self.mapping("exchange_accounts")

    def exchange_account(self, label: str, kind: str) -> ExchangeAccount:
        """The account of an exchange's label for `paper` or `live`; `NotProven` if there is none."""
        return ExchangeAccount(self._document, "exchange_accounts", label, kind).required()

    @property
    def license(self) -> Section:
        """The block `license`, which repeats runtime.yaml's `licensing`."""
        return Section(self._document, "license").required()
