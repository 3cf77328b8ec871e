from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_user import DATA, signature

from pytest_kraken_golive.sandbox.signature import Verifier

VECTORS = json.loads((DATA / "signature_vectors.json").read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_the_published_vectors_are_accepted(vector: dict[str, Any]) -> None:
    verifier = Verifier(vector["secret"])
    body = vector["body"].encode()
    assert verifier.accepts(vector["api_sign"], vector["path"].encode(), vector["nonce"], body)
    assert not verifier.accepts(vector["api_sign"], vector["path"].encode(), vector["nonce"], body + b" ")
    assert not verifier.accepts(vector["api_sign"], b"/0/private/Balancf", vector["nonce"], body)
    assert not verifier.accepts(vector["api_sign"], vector["path"].encode(), vector["nonce"] + "0", body)


def test_a_signature_has_one_form_only() -> None:
    vector = VECTORS[0]
    sign = vector["api_sign"]
    assert sign.endswith("LUQ==")
    same_bytes = sign[:-3] + "R=="
    assert base64.b64decode(same_bytes) == base64.b64decode(sign)
    verifier = Verifier(vector["secret"])
    for given_sign in (same_bytes, sign + "\n", sign.rstrip("="), "", "é", sign.lower()):
        assert not verifier.accepts(given_sign, vector["path"].encode(), vector["nonce"], vector["body"].encode())


@given(secret=st.binary(min_size=1, max_size=80), body=st.binary(max_size=60), other=st.binary(max_size=60))
def test_exactly_the_signed_bytes_are_accepted(secret: bytes, body: bytes, other: bytes) -> None:
    text = base64.b64encode(secret).decode()
    sign = signature(text, "/0/private/AddOrder", "17", body)
    assert Verifier(text).accepts(sign, b"/0/private/AddOrder", "17", body)
    assert Verifier(text).accepts(sign, b"/0/private/AddOrder", "17", other) == (body == other)


def test_a_secret_that_is_not_base64_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="not Base64") as caught:
        Verifier("not*base64")
    assert "not*base64" not in str(caught.value)
