"""A client of a project's own that is not what the checks ask for is told so, by method and shape."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kraken_golive.checks.client_shape import granted_by
from pytest_kraken_golive.contract import Fault

URL = "http://127.0.0.1:1"


def client(info: Any = None, **more: Any) -> Any:
    return SimpleNamespace(**{"base_url": URL, "api_key_info": lambda: info, **more})


@pytest.mark.parametrize("names", [["query-funds"], ("query-funds",), {"query-funds"}])
def test_any_collection_of_names_will_do(names: Any) -> None:
    assert granted_by(client(SimpleNamespace(permissions=names))) == ["query-funds"]


@pytest.mark.parametrize(
    ("made", "part", "found"),
    [
        (client({"permissions": ["query-funds"]}), "api_key_info().permissions", "which has none"),
        (client(None), "api_key_info().permissions", "null, which has none"),
        (client(SimpleNamespace(permissions="query-funds")), "api_key_info().permissions", "query-funds"),
        (client(SimpleNamespace(permissions=[3])), "api_key_info().permissions", "[3]"),
        (client(base_url=None), "base_url", "null"),
        (SimpleNamespace(base_url=URL), "api_key_info", "null"),
    ],
)
def test_the_message_names_method_shape_and_page(made: Any, part: str, found: str) -> None:
    with pytest.raises(Fault) as caught:
        granted_by(made)
    message = str(caught.value)
    assert message.startswith(f"kraken_client (SimpleNamespace).{part}: expected ")
    assert found in message
    assert "kraken-golive docs your-own-parts" in message
