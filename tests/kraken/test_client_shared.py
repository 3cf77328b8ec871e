"""What processes share about a key: its nonces, its buckets, its lockout."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from scripted_exchange import KEY, SECRET, ScriptedExchange, error, ok

from pytest_kraken_golive.clock import SystemClock, VirtualClock
from pytest_kraken_golive.kraken import (
    BucketLimit,
    KrakenClient,
    LockoutError,
    NonceError,
    RateLimits,
    SharedNonces,
    SharedPacer,
    SharedStateError,
    Unlimited,
)
from pytest_kraken_golive.kraken.limits import GLOBAL
from pytest_kraken_golive.kraken.lockout import SharedLockout
from pytest_kraken_golive.kraken.shared import SharedBytes, hashed, runtime_directory
from pytest_kraken_golive.sandbox import SandboxServer, SandboxSettings

CALLER = """
import os, sys, threading
from pytest_kraken_golive.kraken import NO_RETRY, KrakenClient, Unlimited
key, secret, url = sys.argv[1:]
client = KrakenClient(key, secret, base_url=url, environ={}, limits=Unlimited(), retry=NO_RETRY)
seen = []
forked = hasattr(os, "fork") and os.fork() == 0
client = KrakenClient(key, secret, base_url=url, environ={}, limits=Unlimited(), retry=NO_RETRY, on_call=seen.append)
def call():
    for _ in range(20):
        client.get_account_balance()
threads = [threading.Thread(target=call) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert [record.result for record in seen] == ["ok"] * 60, [record.errors for record in seen]
if not forked and hasattr(os, "fork"):
    assert os.wait()[1] == 0
"""


def test_threads_forks_and_processes_of_a_key_never_meet_an_invalid_nonce() -> None:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        account = server.settings.accounts[0]
        words = [account.api_key.get_secret_value(), account.api_secret.get_secret_value(), server.url()]
        running = [
            subprocess.Popen([sys.executable, "-c", CALLER, *words], stderr=subprocess.PIPE, text=True) for _ in "ab"
        ]
        for process in running:
            _, told = process.communicate(timeout=60)
            assert process.returncode == 0, told
        books = server.exchange.observed()
    assert books["errors"] == {}
    assert books["concurrency_max"] == 1, "one call of the key at a time, over all processes"
    assert books["by_endpoint"] == {"Balance": 240 if hasattr(os, "fork") else 120}


def test_nonces_rise_over_sources_that_share_a_file_even_where_the_clock_goes_back(tmp_path: Path) -> None:
    clocks = [VirtualClock(start=1_790_000_000.0), VirtualClock(start=1_780_000_000.0)]
    sources = [SharedNonces(SecretStr(KEY), clock, tmp_path) for clock in clocks]
    drawn = []
    for source in sources * 3:
        with source.lend() as nonce:
            drawn.append(nonce)
    assert all(later > earlier for earlier, later in itertools.pairwise(drawn))
    assert drawn[0] == 1_790_000_000 * 10**9


def test_a_nonce_is_lent_to_one_at_a_time(tmp_path: Path) -> None:
    first, second = (SharedNonces(SecretStr(KEY), None, tmp_path) for _ in range(2))
    lent = threading.Event()

    def borrow() -> None:
        with second.lend():
            lent.set()

    waiting = threading.Thread(target=borrow)
    with first.lend():
        waiting.start()
        assert not lent.wait(0.05)
    assert lent.wait(60)
    waiting.join()


def test_a_lock_that_is_never_given_back_is_a_typed_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_kraken_golive.kraken.shared._LONGEST_WAIT_S", 0.0)
    first, second = (SharedBytes("x", tmp_path) for _ in range(2))
    with first.held(), pytest.raises(SharedStateError, match="nothing was sent"):
        second.acquire()
    with second.held():
        pass


def test_neither_name_nor_content_shows_the_key(tmp_path: Path) -> None:
    with SharedNonces(SecretStr(KEY), None, tmp_path).lend():
        pass
    (file,) = tmp_path.iterdir()
    assert KEY not in file.name
    assert KEY.encode() not in file.read_bytes()
    assert hashed(KEY) != hashed(KEY + "x")


def test_the_directory_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    folder = runtime_directory()
    assert folder.parent == tmp_path
    if sys.platform != "win32":
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o755)
        with pytest.raises(SharedStateError, match="open to other users"):
            runtime_directory()
    folder.rmdir()
    folder.write_text("")
    with pytest.raises(SharedStateError, match=r"Next: make it a directory"):
        KrakenClient(KEY, SECRET, base_url="http://127.0.0.1:9", environ={})


def test_what_nobody_has_opened_for_a_month_is_dropped(tmp_path: Path) -> None:
    for name, age_s in (("old", 31 * 86_400), ("young", 86_400)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    SharedBytes("new", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "young"]


def pacer(directory: Path, clock: VirtualClock, capacity: float = 5) -> SharedPacer:
    limit = BucketLimit(capacity, 1.0)
    return SharedPacer(RateLimits(limit, limit, limit, limit), clock, SharedBytes("limits", directory))


def test_what_is_in_use_for_a_month_is_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_kraken_golive.kraken.shared._LOOK_EVERY_S", 0.0)
    old = SharedBytes("old", tmp_path)
    os.utime(old.path, (time.time() - 40 * 86_400,) * 2)
    with old.held():
        pass
    SharedBytes("new", tmp_path)
    assert old.path.exists()


def test_a_file_that_somebody_tidied_up_does_not_part_those_who_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_kraken_golive.kraken.shared._LOOK_EVERY_S", 0.0)
    folder = tmp_path / "own"
    folder.mkdir()
    one, key = SharedBytes("file", folder), SecretStr(KEY)
    lockout = SharedLockout(SystemClock(), SharedBytes("lockout", folder))
    nonces = SharedNonces(key, directory=folder)
    for path in folder.iterdir():
        path.unlink()
    other = SharedBytes("file", folder)
    with one.held():
        one.data[0] = 7
    assert other.data[0] == 7
    SharedLockout(SystemClock(), SharedBytes("lockout", folder)).begin()
    assert lockout.left_s() > 0
    with nonces.lend() as first:
        pass
    shutil.rmtree(folder)
    with nonces.lend() as second:
        assert second > first, "without a directory the key's calls go on"


def test_processes_draw_on_the_same_buckets(tmp_path: Path) -> None:
    clock = VirtualClock()
    clock.advance(100)
    one, other = pacer(tmp_path, clock), pacer(tmp_path, clock)
    assert [each.wait_for([GLOBAL]) for each in (one, other, one, other, one)] == [0.0] * 5
    assert other.wait_for([GLOBAL]) == pytest.approx(1.0)
    assert one.tokens()[GLOBAL] == pytest.approx(0.0)
    assert pacer(tmp_path, clock).tokens()[GLOBAL] == pytest.approx(0.0), "nor does a new process begin with a full one"


def test_buckets_outlive_a_restart_of_the_machines_seconds(tmp_path: Path) -> None:
    before = VirtualClock()
    before.advance(1_000_000)
    drained = pacer(tmp_path, before)
    for _ in range(5):
        drained.wait_for([GLOBAL])
    after = VirtualClock()
    after.advance(7)
    assert pacer(tmp_path, after).wait_for([GLOBAL]) == pytest.approx(1.0)


def test_a_lockout_stops_every_client_of_the_key_at_that_exchange() -> None:
    locked = ScriptedExchange(error("EGeneral:Temporary lockout"))
    other = ScriptedExchange(ok({"ZUSD": "1"}))
    settings = {"clock": SystemClock(), "limits": Unlimited()}
    url = f"http://127.0.0.1:9{os.getpid() % 1000:03}"
    with locked.client(base_url=url, **settings) as first, other.client(base_url=url, **settings) as second:
        with pytest.raises(LockoutError):
            first.get_account_balance()
        with pytest.raises(LockoutError, match="Not sent"):
            second.get_account_balance()
    with other.client(base_url="http://127.0.0.1:9", **settings) as elsewhere:
        elsewhere.get_account_balance()
    assert len(other.asked) == 1
    for file in runtime_directory().glob(f"*{hashed(KEY, url)}"):
        file.unlink()


def test_an_invalid_nonce_is_retried_once_with_shared_nonces() -> None:
    exchange = ScriptedExchange(error("EAPI:Invalid nonce"))
    with exchange.client(clock=SystemClock()) as client, pytest.raises(NonceError):
        client.get_account_balance()
    first, second = (int(asked.fields["nonce"]) for asked in exchange.asked)
    assert second > first
