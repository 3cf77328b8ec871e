"""The digest of a check's source: what changes what a check does, changes it; what does not, does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """\
{top}
from pytest_kraken_golive import check

{above}
@check("it"){marks}
def it(evidence{argument}) -> None:
    {inside}
    assert {asked}
"""

DIGEST = """\
import sys, pathlib, importlib
sys.path.insert(0, sys.argv[1])
from pytest_kraken_golive.gate.check_source import Sources
module = importlib.import_module(sys.argv[2])
print(Sources(pathlib.Path(sys.argv[1])).digest_of(module.it))
"""


def digest(root: Path, module: str = "conftest") -> str:
    """In a process of its own, as every run takes it."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", DIGEST, str(root), module], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check(
    *, top: str = "", above: str = "", marks: str = "", argument: str = "", inside: str = "pass", asked: str = "True"
) -> str:
    marks = f"\n{marks}" if marks else ""
    return CHECK.format(top=top, above=above, marks=marks, argument=argument, inside=inside, asked=asked)


FINE = "def fine(value=1):\n    return value == 1\n"
LAX = "def fine(value=1):\n    return True\n"

MADE = """\
from pytest_kraken_golive import check


def made(most):
    @check("it")
    def it(evidence):
        assert most < 6
    return it
"""

PARTIAL = """\
import functools
from pytest_kraken_golive import check


def base(most, evidence):
    assert most < 6


it = check("it")(functools.partial(base, {most}))
"""

WAYS = {
    "an import within the function": (
        {"conftest.py": check(inside="from helpers import fine", asked="fine()"), "helpers.py": FINE},
        {"helpers.py": LAX},
    ),
    "an import with dots": (
        {
            "conftest.py": check(top="import lib.deep.helpers", asked="lib.deep.helpers.fine()"),
            "lib/deep/helpers.py": FINE,
        },
        {"lib/deep/helpers.py": LAX},
    ),
    "an import of everything": (
        {"conftest.py": check(top="from helpers import *", asked="fine()"), "helpers.py": FINE},
        {"helpers.py": LAX},
    ),
    "a name that is passed on": (
        {
            "conftest.py": check(top="from lib import fine", asked="fine()"),
            "lib/__init__.py": "from .words import fine\n",
            "lib/words.py": FINE,
        },
        {"lib/words.py": LAX},
    ),
    "a module that is passed as a whole": (
        {"conftest.py": check(top="import helpers", asked='getattr(helpers, "fine")()'), "helpers.py": FINE},
        {"helpers.py": LAX},
    ),
    "a decorator that softens it": (
        {
            "conftest.py": check(top="from helpers import soft", marks="@soft"),
            "helpers.py": "def soft(f):\n    return f\n",
        },
        {"helpers.py": "def soft(f):\n    return lambda evidence: None\n"},
    ),
    "a decorator with wraps": (
        {
            "conftest.py": check(top="from helpers import soft", marks="@soft"),
            "helpers.py": "import functools\n\n\ndef soft(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n"
            "        return f(*a, **k)\n    return g\n",
        },
        {
            "helpers.py": "import functools\n\n\ndef soft(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n"
            "        return None\n    return g\n",
        },
    ),
    "a constant that is changed later": (
        {"conftest.py": check(above='LIMITS = {"a": 1}\nLIMITS["a"] = 2\n', asked='LIMITS["a"] == 2')},
        {"conftest.py": check(above='LIMITS = {"a": 1}\nLIMITS["a"] = 3\n', asked='LIMITS["a"] == 2')},
    ),
    "a constant that is updated": (
        {"conftest.py": check(above='LIMITS = {"a": 1}\nLIMITS.update(a=2)\n', asked='LIMITS["a"] == 2')},
        {"conftest.py": check(above='LIMITS = {"a": 1}\nLIMITS.update(a=3)\n', asked='LIMITS["a"] == 2')},
    ),
    "a constant with two definitions": (
        {"conftest.py": check(above="import sys\nif sys.path:\n    N = 1\nelse:\n    N = 2\n", asked="N == 1")},
        {"conftest.py": check(above="import sys\nif not sys.path:\n    N = 1\nelse:\n    N = 2\n", asked="N == 1")},
    ),
    "an attribute of a class": (
        {"conftest.py": check(above="class Limits:\n    most = 1\n\nLimits.most = 2\n", asked="Limits.most == 2")},
        {"conftest.py": check(above="class Limits:\n    most = 1\n\nLimits.most = 9\n", asked="Limits.most == 2")},
    ),
    "a fixture of the project": (
        {
            "conftest.py": check(
                above="import pytest\n\n\n@pytest.fixture\ndef seen():\n    return 1\n",
                argument=", seen",
                asked="seen == 1",
            )
        },
        {
            "conftest.py": check(
                above="import pytest\n\n\n@pytest.fixture\ndef seen():\n    return 1 or 2\n",
                argument=", seen",
                asked="seen == 1",
            )
        },
    ),
    "a fixture of the root's conftest": (
        {"acme/ours.py": check(argument=", seen", asked="seen == 1"), "conftest.py": "def seen():\n    return 1\n"},
        {"conftest.py": "def seen():\n    return 1 or 2\n"},
    ),
    "a fixture that is asked for by name": (
        {
            "acme/ours.py": check(argument=", request", asked='request.getfixturevalue("seen") == 1'),
            "conftest.py": "def seen():\n    return 1\n",
        },
        {"conftest.py": "def seen():\n    return 1 or 2\n"},
    ),
    "a module beside the check's folder": (
        {"acme/ours.py": check(top="from lib.helpers import fine", asked="fine()"), "lib/helpers.py": FINE},
        {"lib/helpers.py": LAX},
    ),
    "a file of data": (
        {
            "conftest.py": check(
                top="import json, pathlib",
                above='DATA = json.loads(pathlib.Path(__file__).with_name("most.json").read_text())\n',
                asked="DATA == 1",
            ),
            "most.json": "1",
        },
        {"most.json": "2"},
    ),
    "a function that makes it": (
        {"conftest.py": f"{MADE}\n\nit = made(5)\n"},
        {"conftest.py": f"{MADE}\n\nit = made(500)\n"},
    ),
    "a function that makes it, written elsewhere": (
        {"helpers.py": MADE, "conftest.py": "from helpers import made\n\nit = made(5)\n"},
        {"conftest.py": "from helpers import made\n\nit = made(500)\n"},
    ),
    "a partial": (
        {"conftest.py": PARTIAL.format(most=5)},
        {"conftest.py": PARTIAL.format(most=500)},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_decides_a_check_is_in_its_digest(tmp_path: Path, way: str) -> None:
    before, after = WAYS[way]
    write(tmp_path, before)
    module = "acme.ours" if "acme/ours.py" in before else "conftest"
    was = digest(tmp_path, module)
    assert len(was) == 64
    write(tmp_path, after)
    assert digest(tmp_path, module) != was


def test_what_does_not_decide_it_is_not_in_its_digest(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "conftest.py": check(top="from helpers import fine", asked="fine()") + "\n\nOTHER = 1\n",
            "helpers.py": FINE + "\n\ndef other():\n    return 1\n",
            "config/runtime.yaml": "a: 1\n",
        },
    )
    was = digest(tmp_path)
    write(
        tmp_path,
        {
            "conftest.py": check(top="import math\nfrom helpers import fine", asked="fine()  ") + "\n\nOTHER = 2\n",
            "helpers.py": FINE + "\n\ndef other():\n    return 2\n",
            "config/runtime.yaml": "a: 2\n",
        },
    )
    assert digest(tmp_path) == was
