"""What a client answers, whoever wrote it: a project's own that has another shape is told which one is asked for."""

from __future__ import annotations

from collections.abc import Collection

from pytest_kraken_golive.contract import Fault, show
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.protocol import ExchangeClient


def granted_by(client: ExchangeClient) -> list[str]:
    """The permissions that a client says the exchange told it.

    Raises:
        Fault: the exchange refused; or a project's own client is not what `ExchangeClient` asks for.
    """
    url = getattr(client, "base_url", None)
    if not isinstance(url, str):
        raise _not_a_client(client, "base_url", "text, the address that it calls", url)
    ask = getattr(client, "api_key_info", None)
    if not callable(ask):
        raise _not_a_client(client, "api_key_info", "a method", ask)
    try:
        info = ask()
    except KrakenError as error:
        raise Fault(f"exchange {url}: {error}") from error
    names = getattr(info, "permissions", None)
    if isinstance(names, str) or not isinstance(names, Collection):
        found = f"{show(info, 120)}, which has none" if names is None else names
        raise _not_a_client(client, "api_key_info().permissions", "a list of Kraken's names", found)
    strangers = [name for name in names if not isinstance(name, str)]
    if strangers:
        raise _not_a_client(client, "api_key_info().permissions", "a list of Kraken's names", list(names))
    return list(names)


def _not_a_client(client: object, part: str, expected: str, found: object) -> Fault:
    said = found if isinstance(found, str) else show(found, 200)
    return Fault(
        f"kraken_client ({type(client).__name__}).{part}: expected {expected}, found {said}. "
        'Next: see the example under "A client of your own" in `kraken-golive docs your-own-parts`.'
    )
