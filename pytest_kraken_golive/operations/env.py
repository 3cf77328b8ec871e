"""`kraken-golive env`: mode, URL, limits and key of a deployment, each with its place, and nothing that is secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.names import LARGEST_ORDER, LIMITS
from pytest_kraken_golive.bot.settings import KeyPair, LiveSettings
from pytest_kraken_golive.contract import Fault, Found, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, Endpoint
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.kraken.limits import BucketName

DONE, WRONG = 0, 2
"""Exit statuses: all can be read; something is missing or wrong."""

Paint = Callable[[str, str], str]
"""Gives a text the look of a role: `name`, `value`, `place` or `problem`."""


@dataclass(frozen=True)
class Row:
    """One thing that the environment says."""

    name: str
    """What it is, in words."""
    value: str
    """What people may see of it."""
    places: tuple[str, ...]
    """Where it is set, or `default NAME`."""


@dataclass
class EnvironmentSummary:
    """What a bot of a deployment would read."""

    rows: list[Row] = field(default_factory=list)
    """For people."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same for programs: mode, base_url, credentials, limits, flags and more; null where it cannot be read."""
    hidden: list[str] = field(default_factory=list)
    """Variables of the process that hide another value of `.env`."""
    problems: list[str] = field(default_factory=list)
    """What is missing or wrong, each once."""

    @property
    def exit_status(self) -> int:
        """`DONE` or `WRONG`."""
        return WRONG if self.problems else DONE

    def as_json(self) -> str:
        """The summary as JSON."""
        return json.dumps({**self.data, "hidden": self.hidden, "problems": self.problems}, indent=2)

    def text(self, paint: Paint = lambda _, text: text) -> str:
        """The summary for people; it says the same without colours."""
        width = max((len(row.name) for row in self.rows), default=0)
        middle = max((len(row.value) for row in self.rows if row.places), default=0)
        lines = []
        for row in self.rows:
            shown = paint("name", row.name.ljust(width)) + "  " + paint("value", row.value)
            if row.places:
                shown += " " * (middle - len(row.value) + 2) + paint("place", ", ".join(row.places))
            lines.append(shown)
        return "\n".join(lines)


def summarise(config: Path, process: Mapping[str, str]) -> EnvironmentSummary:
    """Read what a bot would read.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root. It need not exist where the variables
            say all.
        process: the variables of the process.
    """
    summary = EnvironmentSummary()
    try:
        settings = LiveSettings.of(Deployment(config.parent.parent, config, process))
    except (Fault, NotProven) as error:
        summary.problems.append(str(error))
        return summary
    return _Reader(settings, summary).read()


class _Reader:
    """Goes through the settings; what cannot be read is a problem, and the rest is read all the same."""

    def __init__(self, settings: LiveSettings, summary: EnvironmentSummary) -> None:
        self._settings = settings
        self._summary = summary

    def read(self) -> EnvironmentSummary:
        settings, summary = self._settings, self._summary
        ask = self._ask
        summary.data = {
            "mode": ask(lambda: self._mode(settings.mode)),
            "base_url": ask(lambda: self._endpoint(settings.endpoint)),
            "credentials": ask(lambda: self._credentials(settings.key_pair)),
            "limits": {bucket: ask(partial(self._limit, bucket)) for bucket in LIMITS},
            "flags": {str(found.where.key): self._row(found) for found in settings.flag_texts()},
            "bench_wait_s": ask(lambda: self._bench_wait(settings.bench_wait_s)),
            "largest_order_usd": ask(lambda: self._arming(settings.arming)),
        }
        ask(lambda: settings.flags)
        ask(settings.refuse_misspelt)
        summary.hidden = [f"{one.where} hides another value in {one.shadows}" for one in settings.shadowed()]
        summary.rows += [Row("hidden", one, ()) for one in summary.hidden]
        return summary

    def _mode(self, found: Found) -> Any:
        self._add("mode", found.value, found.where)
        return {"value": found.value, "source": str(found.where)}

    def _endpoint(self, endpoint: Endpoint) -> Any:
        place = self._settings.variables.place(BASE_URL_VARIABLE)
        source = str(place) if BASE_URL_VARIABLE in self._settings.variables else f"default {BASE_URL_VARIABLE}"
        self._add("base URL", endpoint.url, source)
        self._add("because", endpoint.reason)
        return {"value": endpoint.url, "reason": endpoint.reason, "source": source}

    def _credentials(self, pair: KeyPair) -> Any:
        count = len(base64.b64decode(pair.credentials.api_secret.get_secret_value()))
        self._add("API key", f"fingerprint {pair.credentials.fingerprint}", pair.key)
        self._add("API secret", f"*** (Base64 of {count} bytes)", pair.secret)
        return {
            "fingerprint": pair.credentials.fingerprint,
            "key_source": str(pair.key),
            "secret_bytes": count,
            "secret_source": str(pair.secret),
        }

    def _limit(self, bucket: BucketName) -> Any:
        capacity, fill_rate = self._settings.limit(bucket)
        self._add(bucket, f"{capacity.value:g} tokens, {fill_rate.value:g} a second", capacity.where, fill_rate.where)
        places = [str(capacity.where), str(fill_rate.where)]
        return {"capacity": capacity.value, "fill_rate": fill_rate.value, "sources": places}

    def _bench_wait(self, found: Found) -> Any:
        self._add("benchmark wait", f"{found.value:g} s", found.where)
        return found.value

    def _arming(self, arming: Arming | None) -> Any:
        largest = None if arming is None else str(arming.max_notional_usd)
        if largest is None:
            self._add("largest real order", "none: not armed")
        else:
            self._add("largest real order", f"{largest} USD", self._settings.variables.place(LARGEST_ORDER))
        return largest

    def _row(self, found: Found) -> Any:
        self._add(str(found.where.key), str(found.value), found.where)
        return {"value": found.value, "source": str(found.where)}

    def _add(self, name: str, value: str, *places: object) -> None:
        self._summary.rows.append(Row(name, value, tuple(str(place) for place in places)))

    def _ask(self, read: Callable[[], Any]) -> Any:
        """What is read; None where it cannot be, and then there is a problem."""
        try:
            return read()
        except (Fault, NotProven) as error:
            if str(error) not in self._summary.problems:
                self._summary.problems.append(str(error))
            return None
