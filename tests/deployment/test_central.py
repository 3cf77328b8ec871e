"""Which central list of revocations counts: one outside of the deployment, whatever leads to it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.central import fetch_central
from pytest_kraken_golive.deployment.issue import SigningKey, revocations_payload, signed


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    root = tmp_path / "deployment"
    root.mkdir()
    text = json.dumps(signed(revocations_payload(7, datetime.now(UTC)), SigningKey.new("tests")))
    for place in (root / "local.json", root / "copy.json", tmp_path / "central.json"):
        place.write_text(text, encoding="utf-8")
    return root


def test_a_list_elsewhere(deployment: Path) -> None:
    central = fetch_central(str(deployment.parent / "central.json"), deployment / "local.json", deployment)
    assert central.sequence.value == 7


def _hard_link(root: Path, place: Path) -> None:
    os.link(root / "local.json", place)


def _link_to_copy(root: Path, place: Path) -> None:
    place.symlink_to(root / "copy.json")


def _link_to_folder(root: Path, place: Path) -> None:
    place.symlink_to(root, target_is_directory=True)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (None, "deployment/local.json"),
        (None, "deployment/copy.json"),
        (None, "other/../deployment/copy.json"),
        (_hard_link, "linked.json"),
        (_link_to_copy, "linked.json"),
        (_link_to_folder, "linked/copy.json"),
    ],
)
def test_a_list_of_the_deployment_is_none(deployment: Path, make: object, name: str) -> None:
    if callable(make):
        place = deployment.parent / name.split("/", 1)[0]
        try:
            make(deployment, place)
        except OSError:
            pytest.skip("this system makes no such link for this user")
    with pytest.raises(Fault, match=r"(?s)outside of the deployment.*Next: "):
        fetch_central(str(deployment.parent / name), deployment / "local.json", deployment)


def test_a_deployment_behind_a_link_is_the_same(deployment: Path) -> None:
    alias = deployment.parent / "alias"
    try:
        alias.symlink_to(deployment, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no such link for this user")
    with pytest.raises(Fault, match=r"outside of the deployment"):
        fetch_central(str(deployment / "copy.json"), alias / "local.json", alias)


@pytest.mark.parametrize("central", [None, "", "nowhere/central.json"])
def test_no_list(deployment: Path, central: str | None) -> None:
    with pytest.raises(NotProven, match=r"Next: "):
        fetch_central(central, deployment / "local.json", deployment)


def test_an_address_without_tls(deployment: Path) -> None:
    with pytest.raises(Fault, match=r"expected https"):
        fetch_central("http://lists.invalid/central.json", deployment / "local.json", deployment)
