"""Secrets are planted in every way that leads out of a run: what it prints and leaves behind holds none of them.

Where a project's own code writes one into a file, nothing masks it: the sweep says which file, and that is a NO-GO.
"""

from __future__ import annotations

import base64
import html
import json
import random
import string
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["golive_project"]

ODD = "+/=%&\"'<>\\äöüß€ "


def planted(seed: int) -> list[str]:
    """A secret of each shape."""
    dice = random.Random(seed)
    letters = string.ascii_letters + string.digits

    def word(characters: str, length: int) -> str:
        return "".join(dice.choice(characters) for _ in range(length))

    return [
        base64.b64encode(dice.randbytes(64)).decode(),
        dice.randbytes(24).hex(),
        *(f"{word(letters, 7)}{word(letters + ODD, 20)}{word(letters, 7)}" for _ in range(4)),
        json.dumps({word(letters, 8): word(letters + "\"'\\/", 16), "n": [1, "ä"]}),
        f"postgres://{word(letters, 8)}:{word(letters + '%+&', 18)}@db.example/x",
    ]


def spelled(secret: str) -> set[str]:
    """How it may stand somewhere; written here anew, so that no mistake is shared with what masks it."""
    raw = secret.encode()
    json_text = json.dumps(secret)[1:-1]
    return {
        secret,
        json_text,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json_text)[1:-1],
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        quote(secret, safe=""),
        html.escape(secret),
        html.escape(secret).encode("ascii", "xmlcharrefreplace").decode(),
        base64.b64encode(raw).decode().rstrip("="),
        raw.hex(),
    }


def found_in(text: str, secrets: list[str]) -> list[str]:
    return [one for secret in secrets for one in spelled(secret) if one in text]


def files_below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("utf-8", "replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


LEAKY = """
import base64, json, logging, os, sys, warnings
from pathlib import Path

SECRETS = [value for name, value in sorted(os.environ.items()) if name.startswith("PLANTED_SECRET_")]
FORMS = (str, repr, json.dumps, lambda one: base64.b64encode(one.encode()).decode(), lambda one: one.encode().hex())


def all_forms():
    return [form(one) for one in SECRETS for form in FORMS]


class Account:
    def __repr__(self) -> str:
        return f"Account({SECRETS!r})"


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def fails():
    print("fixture", *all_forms())
    raise RuntimeError(f"fixture {all_forms()}")


@pytest.fixture
def fails_at_the_end():
    yield 1
    raise RuntimeError(f"teardown {all_forms()}")


@check("asserts")
def asserts(evidence):
    evidence.record("test", {"all": all_forms(), **{one: 1 for one in SECRETS}}, note=SECRETS[0], key=SECRETS[1])
    assert not SECRETS, f"expected none, found {all_forms()}"


@check("compares")
def compares(account, evidence):
    local, more = list(SECRETS), {one: one for one in all_forms()}
    assert local == [], more


@check("breaks")
def breaks(account, evidence):
    local = SECRETS[2]
    try:
        int(local)
    except ValueError as error:
        try:
            raise KeyError(json.dumps(SECRETS)) from error
        except KeyError:
            raise TypeError(f"chained {account!r}")


@check("talks")
def talks(evidence, record_property, record_testsuite_property, caplog):
    evidence.record("test", 1)
    print("out", *all_forms())
    print("err", *all_forms(), file=sys.stderr)
    logging.getLogger("some.where").error("log %s", all_forms())
    logging.getLogger("some.where").warning("in the arguments %s %r", SECRETS[0], SECRETS[3])
    record_property("all", all_forms())
    record_property("one", SECRETS[3])
    for one in SECRETS:
        warnings.warn(f"careful {one!r}", UserWarning)


@check("needs")
def needs(fails, evidence):
    pass


@check("tidies")
def tidies(fails_at_the_end, evidence):
    evidence.record("test", 1)


@check("takes_words")
def takes_words(evidence, *, words: list[str]):
    evidence.record("test", words)
    assert False, f"found {words}"


@check("skips")
def skips(evidence):
    pytest.skip(f"because of {SECRETS}")


@check("dies")
def dies(evidence):
    print(*all_forms(), file=sys.stderr, flush=True)
    os._exit(7)
"""

NAMES = ("asserts", "compares", "breaks", "talks", "needs", "tidies", "skips")


def leaky(project: Project, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"planted({seed})")  # shown where the test fails
    secrets = planted(seed)
    for number, secret in enumerate(secrets):
        monkeypatch.setenv(f"PLANTED_SECRET_{number}", secret)
    project.conftest(LEAKY)
    words = json.dumps(secrets[:4], ensure_ascii=False)
    taken = f"Line w. <!-- golive: {{id: w, check: takes_words, words: {words}}} -->"
    project.runbook(*(f"{name} {name}" for name in names), taken)
    return secrets


def require_none(run: GateRun, folder: Path, secrets: list[str]) -> None:
    for line in run.said.splitlines():
        assert found_in(line, secrets) == []
    for name, text in files_below(folder).items():
        for line in text.splitlines():
            assert found_in(line, secrets) == [], (name, line[:500])
        assert found_in(name, secrets) == [], name


@pytest.mark.parametrize(
    "arguments",
    [("-rA", "-vv", "-l", "--tb=long"), ("-n", "1", "-rA"), ("-rA", "-v", "--showlocals", "--tb=native")],
    ids=["alone", "workers", "native"],
)
def test_nothing_that_a_run_prints_or_writes_holds_a_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    secrets = leaky(project, monkeypatch, *NAMES)
    out = project.root / "out"
    places = ("--junitxml=out/junit.xml", "--alluredir=out/allure", "--log-file=out/run.log", "--log-file-level=INFO")
    run = project.gate(*places, *arguments)
    assert (run.exit_status, run.verdict["verdict"]) == (10, "NO-GO"), run.said
    assert "fixture" in run.said
    require_none(run, project.root / "reports", secrets)
    require_none(run, out, secrets)
    assert "holds a credential" not in run.said


def test_what_a_check_prints_itself_is_masked_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = leaky(project, monkeypatch, *NAMES)
    run = project.gate("-s", "-o", "log_cli=true", "--log-cli-level=INFO")
    assert "talks out *** " in run.out
    assert "in the arguments *** " in run.out
    require_none(run, project.root / "reports", secrets)


def test_a_worker_that_dies_tells_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = leaky(project, monkeypatch, "dies", "talks")
    run = project.gate("-n", "1", "-rA", "--junitxml=reports/junit.xml")
    assert run.exit_status == 10
    assert "died" in run.said
    require_none(run, project.root / "reports", secrets)


WRITTEN = """
import base64, gzip, json, os
from pathlib import Path

import yaml

SECRETS = [value for name, value in sorted(os.environ.items()) if name.startswith("PLANTED_SECRET_")]
WAYS = {
    "clear": lambda one: f"a\\n{one}".encode(),
    "json": lambda one: json.dumps({"a": [one]}).encode(),
    "yaml": lambda one: yaml.safe_dump({"a": {"b": "said " + one}}).encode(),
    "gzip": lambda one: gzip.compress(one.encode()),
    "nested": lambda one: base64.b64encode(b"x" + base64.b64encode(b"ab" + one.encode() + b"c")),
    "utf16": lambda one: one.encode("utf-16"),
}


@check("writes")
def writes(evidence, request):
    evidence.record("test", 1)
    folder = request.config.rootpath / "reports" / "own"
    folder.mkdir()
    for way, written in WAYS.items():
        for number, one in enumerate(SECRETS):
            (folder / f"{way}-{number}").write_bytes(written(one))
    (folder / f"named {SECRETS[1]}").touch()
"""


def test_what_a_project_writes_itself_is_found_file_by_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = leaky(project, monkeypatch)
    project.conftest(WRITTEN)
    project.runbook("a writes")
    run = project.gate("-n", "1")
    run.require("NO-GO", 10, "reports/own/clear-0:2: holds a credential")
    assert f"{6 * len(secrets) + 1} of the files that this run wrote do" in run.verdict["reason"]
    assert "holds a credential" in (project.root / "reports" / "signoff.html").read_text("utf-8")
    for text in (run.said, (project.root / "reports" / "signoff.html").read_text("utf-8"), json.dumps(run.verdict)):
        assert found_in(text, secrets) == []


LOUD = """
import os, subprocess, sys

SECRET = os.environ["PLANTED_SECRET_1"]
CHILD = "import os, sys; print('child', os.environ['PLANTED_SECRET_1']); print('child', sys.argv[1], file=sys.stderr)"


@check("loud")
def loud(evidence: Evidence) -> None:
    evidence.record("test", "yes")
    print("python", SECRET)
    sys.__stderr__.write(f"below {SECRET}\\n")
    os.write(1, f"descriptor {SECRET}".encode())
    os.write(1, b"\\n")
    subprocess.run([sys.executable, "-c", CHILD, SECRET], check=True)
"""


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
@pytest.mark.parametrize("capture", ["-s", "--capture=sys", "--capture=tee-sys", "--capture=fd"])
def test_what_nobody_captures_is_masked(
    project: Project, monkeypatch: pytest.MonkeyPatch, capture: str, spread: tuple[str, ...]
) -> None:
    (secret, *_) = planted(7)
    monkeypatch.setenv("PLANTED_SECRET_1", secret)
    project.conftest(LOUD)
    project.runbook("a loud")
    run = project.gate(capture, *spread)
    run.require("GO", 0)
    assert found_in(run.said, [secret]) == []
    if capture != "--capture=fd":  # nothing is lost either; of a worker's standard output nobody hears
        assert "child ***" in run.err
        assert "below ***" in run.err
        assert spread or "descriptor ***" in run.out
        assert spread or "child ***" in run.out
    if (capture, spread) == ("-s", ()):
        assert "python ***" in run.out
