"""The one model of every variable: what bot, client, commands and checks read from `.env` and the environment.

Values are read when they are asked for, by the same rules as the client's own, so that a fault in one reaches only who
reads that one. Each value comes with its place; one that is not set comes from the place `default`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from pytest_kraken_golive.bot.names import BENCH_WAIT, FLAG_VARIABLES, LARGEST_ORDER, LIMITS, OWN, meant_by
from pytest_kraken_golive.contract import Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secret_stores import (
    KEY_VARIABLE,
    SECRET_VARIABLE,
    TOKEN_VARIABLE,
    VariableSecretStore,
)
from pytest_kraken_golive.deployment.secrets import Credentials, key_fingerprint
from pytest_kraken_golive.deployment.variables import Variable, Variables
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.endpoint import (
    BASE_URL_VARIABLE,
    USE_SANDBOX_VARIABLE,
    Endpoint,
    EndpointError,
    resolve_endpoint,
)
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.kraken.limits import BucketLimit, BucketName, RateLimits
from pytest_kraken_golive.policy import load_policy
from pytest_kraken_golive.redact import MASK
from pytest_kraken_golive.telemetry.flags import Flags, read_flags

DEFAULT = "default"
"""The place of a value that nobody set."""
DEFAULT_BENCH_WAIT_S = 10.0
_ANY_LOOPBACK = "http://127.0.0.1"
_HIDDEN = frozenset({SECRET_VARIABLE, TOKEN_VARIABLE})


@dataclass(frozen=True)
class KeyPair:
    """Credentials and where they come from."""

    credentials: Credentials
    """Key and secret."""
    key: Where
    """Place of the key."""
    secret: Where
    """Place of the secret."""
    in_variables: bool
    """False: they come from the secret store that runtime.yaml names."""


class LiveSettings:
    """What the variables of a deployment say.

    Args:
        variables: those that are set.
        stored: hands out the key pair of the secret store, and says where it is; asked where neither variable of a
            key pair is set.
        sandbox_hosts: hosts besides loopback that are sandboxes.
    """

    def __init__(
        self,
        variables: Variables,
        stored: Callable[[], KeyPair] | None = None,
        *,
        sandbox_hosts: Sequence[str] = (),
    ) -> None:
        self.variables = variables
        self.sandbox_hosts = sandbox_hosts
        self._stored = stored

    def __repr__(self) -> str:
        return f"LiveSettings({self.variables!r})"

    @classmethod
    def of(cls, deployment: Deployment, keychain_key: str | None = None) -> LiveSettings:
        """The settings of a deployment; errors as with `Deployment.variables` and `load_policy`.

        Args:
            deployment: its folder.
            keychain_key: names the key pair in its secret store; by default that of its live environments.
        """

        def stored() -> KeyPair:
            name = keychain_key or live_keychain_key(deployment.core).value
            store = deployment.secrets
            if isinstance(store, VariableSecretStore):  # which has been looked at before
                raise NotProven(missing_pair(str(deployment.variables.place(KEY_VARIABLE))))
            where = Where(store.place(name))
            return KeyPair(store.credentials(name), where, where, in_variables=False)

        policy = load_policy(deployment.root)
        hosts = [] if policy is None else policy.kraken.sandbox_hosts
        return cls(deployment.variables, stored, sandbox_hosts=hosts)

    # ---- where calls go ----

    @property
    def use_sandbox(self) -> Found:
        """`KRAKEN_USE_SANDBOX`, default true.

        Raises:
            Fault: the value is empty, padded or unknown, or the name is misspelt; quotes it.
        """
        self.refuse_misspelt(USE_SANDBOX_VARIABLE)
        given = {name: text for name, text in self.variables.items() if name == USE_SANDBOX_VARIABLE}
        try:  # with a URL that suits either mode, so that nothing but this variable decides
            endpoint = resolve_endpoint(base_url=_ANY_LOOPBACK, environ=given)
        except EndpointError as error:
            raise self._fault(USE_SANDBOX_VARIABLE, error) from None
        return Found(endpoint.mode == "sandbox", self._place(USE_SANDBOX_VARIABLE))

    @property
    def mode(self) -> Found:
        """`sandbox` or `production`; errors as with `use_sandbox`."""
        found = self.use_sandbox
        return Found("sandbox" if found.value else "production", found.where)

    @property
    def endpoint(self) -> Endpoint:
        """Where calls go, and why.

        Raises:
            Fault: as with `use_sandbox`; or the URL is not usable, missing in sandbox mode, or no sandbox's.
        """
        _ = self.use_sandbox
        self.refuse_misspelt(BASE_URL_VARIABLE)
        try:
            return resolve_endpoint(environ=self.variables, sandbox_hosts=self.sandbox_hosts)
        except EndpointError as error:
            raise self._fault(BASE_URL_VARIABLE, error) from None

    # ---- how fast ----

    def limit(self, bucket: BucketName) -> tuple[Found, Found]:
        """A bucket's capacity in tokens, and its fill rate in tokens per second.

        Raises:
            Fault: a value is no positive finite number, or a name is misspelt.
        """
        names = LIMITS[bucket]
        for name in names:
            self.refuse_misspelt(name)
        try:
            size = RateLimits.from_environ({name: self.variables[name] for name in names if name in self.variables})
        except ValueError as error:
            raise self._fault(str(error).partition(":")[0], error) from None
        found = size.by_bucket()[bucket]
        capacity, fill_rate = (self._place(name) for name in names)
        return Found(found.capacity, capacity), Found(found.fill_rate, fill_rate)

    @property
    def limits(self) -> RateLimits:
        """The sizes of all buckets; errors as with `limit`."""
        sizes = (BucketLimit(*(found.value for found in self.limit(bucket))) for bucket in LIMITS)
        return RateLimits(*sizes)

    @property
    def bench_wait_s(self) -> Found:
        """`SMC_BENCH_MAX_WAIT`: how long a benchmark waits for a fill, in seconds; errors as with `limit`."""
        return self._number(BENCH_WAIT, DEFAULT_BENCH_WAIT_S)

    @property
    def arming(self) -> Arming | None:
        """`KRAKEN_MAX_ORDER_USD`: the largest real order; None where it is not set: then none leaves.

        Raises:
            Fault: it is no positive finite number, or misspelt.
        """
        self.refuse_misspelt(LARGEST_ORDER)
        if LARGEST_ORDER not in self.variables:
            return None
        self.variables.number(LARGEST_ORDER)
        return Arming(Decimal(self.variables[LARGEST_ORDER]))

    @property
    def flags(self) -> Flags:
        """`FEATURE_TOGGLES_ENABLED` and `FF_<COMPONENT>_…`; what is not set means the old path.

        Raises:
            Fault: a value is empty, padded, misspelt or out of range, or a name is misspelt; quotes it.
        """
        self.refuse_misspelt(*FLAG_VARIABLES)
        return read_flags(self.variables, lambda name: str(self.variables.place(name)))

    # ---- who calls ----

    @property
    def key_pair(self) -> KeyPair:
        """The credentials: `KRAKEN_API_KEY` and `KRAKEN_API_SECRET`; without either, those of the secret store.

        Raises:
            NotProven: there are none, or half of them.
            Fault: they cannot be used, or a name is misspelt. No message shows them.
        """
        for name in (KEY_VARIABLE, SECRET_VARIABLE):
            self.refuse_misspelt(name)
        if KEY_VARIABLE in self.variables or SECRET_VARIABLE in self.variables:
            credentials = VariableSecretStore(self.variables).credentials("")
            return KeyPair(credentials, self._place(KEY_VARIABLE), self._place(SECRET_VARIABLE), in_variables=True)
        if self._stored is None:
            raise NotProven(missing_pair(str(self.variables.place(KEY_VARIABLE))))
        try:
            return self._stored()
        except NotProven as error:
            place = self.variables.place(KEY_VARIABLE)
            raise NotProven(f"{missing_pair(str(place))} The secret store has none either: {error}") from error

    def client(self, **options: Any) -> KrakenClient:
        """A client as these settings make it; errors as with `key_pair`, `endpoint` and `limit`.

        Args:
            options: further arguments of `KrakenClient`, such as `clock`, `on_call` or `arming`.
        """
        _ = self.endpoint, self.limits  # whose faults name the place
        pair = self.key_pair.credentials
        try:
            hosts = self.sandbox_hosts
            return KrakenClient(pair.api_key, pair.api_secret, environ=self.variables, sandbox_hosts=hosts, **options)
        except ValueError as error:
            raise Fault(f"{self.key_pair.key}: {error}") from None

    # ---- what is wrong ----

    def shadowed(self, *names: str) -> list[Variable]:
        """Those of the variables whose value in `.env` is hidden by another of the process; by default of all."""
        return [one for one in self.variables.shadowed() if one.name in (names or OWN)]

    def refuse_misspelt(self, *names: str) -> None:
        """Do nothing unless a name that is set was meant to be one of these; by default any.

        Raises:
            Fault: names the line, and the name that was meant.
        """
        for name, meant in self._misspelt.items():
            if not names or meant in names:
                raise Fault(
                    f"{self.variables.place(name)}: expected the name {meant}, found {name}, which no program reads. "
                    f"Next: rename it to {meant}, or remove it."
                )

    @cached_property
    def _misspelt(self) -> dict[str, str]:
        """Names that are set, and the names that they were meant to be."""
        meant = {name: meant_by(name, self.variables) for name in self.variables}
        return {name: known for name, known in meant.items() if known is not None}

    def shown(self, name: str) -> Found:
        """A variable that is set as people may see it: a key by its fingerprint, a secret not at all."""
        variable = self.variables.variable(name)
        return Found(_masked(variable), variable.where)

    def flag_texts(self) -> Iterator[Found]:
        """The feature flags that are set, as they are written."""
        return (self.shown(name) for name in FLAG_VARIABLES if name in self.variables)

    def _number(self, name: str, default: float) -> Found:
        self.refuse_misspelt(name)
        return self.variables.number(name) if name in self.variables else Found(default, self._place(name))

    def _place(self, name: str) -> Where:
        return self.variables.place(name) if name in self.variables else Where(DEFAULT, key=name)

    def _fault(self, name: str, error: Exception) -> Fault:
        """An error of the client's own reader, with the variable's place in front."""
        text, place = str(error), self.variables.place(name)
        return Fault(f"{place}{text.removeprefix(name)}" if text.startswith(name) else f"{place}: {text}")


def live_keychain_key(core: CoreConfig) -> Found:
    """The name of the key pair that live environments use.

    Raises:
        NotProven: there is no live environment.
        Fault: they use several.
    """
    names = core.environment_names
    live = [core.environment(name) for name in names.value]
    keys = [environment.keychain_key for environment in live if environment.kind.value == "live"]
    if not keys:
        raise NotProven(f"{names.where}: expected a live environment, found none. Next: add one with its keychain_key.")
    for other in keys[1:]:
        if other.value != keys[0].value:
            raise Fault(
                f"{other.where}: expected the key pair of {keys[0].where}, {keys[0].value!r}, found {other.value!r}. "
                f"Next: let live environments use one key pair, or set {KEY_VARIABLE} and {SECRET_VARIABLE}."
            )
    return keys[0]


def missing_pair(place: str) -> str:
    """What to say where there are no credentials."""
    return (
        f"{place}: expected {KEY_VARIABLE} and {SECRET_VARIABLE}, found neither in .env nor in the process "
        "environment. Next: add both lines to .env (mode 0600), or put the key pair into the secret store."
    )


def _masked(variable: Variable) -> str:
    if variable.name == KEY_VARIABLE:
        return f"fingerprint {key_fingerprint(variable.text)}"
    if variable.name in _HIDDEN:
        return MASK
    return f"{MASK}@{variable.text.rpartition('@')[2]}" if "@" in variable.text else variable.text
