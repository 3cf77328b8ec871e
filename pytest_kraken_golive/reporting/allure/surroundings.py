"""What stands around the results: environment, categories, who ran it, and Allure 3's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_kraken_golive.reporting.allure.words import categories

Json = dict[str, Any]

HISTORY = "allure-history.jsonl"
"""Allure 3 keeps the trend of earlier runs here, beside the results."""
RUNS_KEPT = 50

CONFIG_HEAD = "export default "


def environment(document: Json) -> str:
    """`environment.properties`: what the verdict is about, in Java's notation."""
    scope = document["scope"]
    known: dict[str, Any] = {
        "verdict": document["verdict"],
        "reason": document["reason"],
        "scope": scope["name"],
        "production sign-off": document["production_signoff"],
        "deployment": scope["deployment"],
        "exchange": scope["exchange"],
        "hosts": " ".join(scope["hosts"]),
        "commit": document["commit"],
        "uncommitted changes": document["dirty"],
        "started": document["started_at"],
        "finished": document["finished_at"],
        "valid until": document["valid_until"],
        "run id": document["run_id"],
    }
    known |= {f"sha256 of {book['path']}": book["sha256"] for book in document["runbooks"]}
    identity: Json = document.get("identity") or {}  # what the run was like, not what it proved
    packages = identity.get("packages") or {}
    known |= {name: identity[name] for name in ("implementation", "python", "platform", "machine") if name in identity}
    known |= {f"package {name}": version for name, version in packages.items()}
    return "".join(f"{_escaped(name, key=True)}={_escaped(_said(value))}\n" for name, value in known.items())


def _said(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split()) or "none"


def _escaped(text: str, *, key: bool = False) -> str:
    text = text.replace("\\", "\\\\")
    if key:
        text = "".join(f"\\{char}" if char in " =:" else char for char in text)
    units = text.encode("utf-16-be", errors="surrogatepass")
    numbers = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(number) if 32 <= number < 127 else f"\\u{number:04x}" for number in numbers)  # noqa: PLR2004 - printable ASCII


def executor(environ: Mapping[str, str]) -> Json | None:
    """Which CI ran it; None: nobody says so."""
    for kind, (name, present, fields) in _CI.items():
        if environ.get(present):
            found = {field: _filled(template, environ) for field, template in fields.items()}
            order = found.pop("buildOrder", None)
            known: Json = {"name": name, "type": kind, **{field: text for field, text in found.items() if text}}
            if order is not None and order.isdecimal():
                known["buildOrder"] = int(order)
            return known
    return None


_CI: dict[str, tuple[str, str, dict[str, str]]] = {
    "github": (
        "GitHub Actions",
        "GITHUB_ACTIONS",
        {
            "url": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}",
            "buildOrder": "{GITHUB_RUN_NUMBER}",
            "buildName": "{GITHUB_WORKFLOW} #{GITHUB_RUN_NUMBER}",
            "buildUrl": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        },
    ),
    "gitlab": (
        "GitLab CI",
        "GITLAB_CI",
        {
            "url": "{CI_PROJECT_URL}",
            "buildOrder": "{CI_PIPELINE_IID}",
            "buildName": "{CI_PROJECT_PATH} #{CI_PIPELINE_IID}",
            "buildUrl": "{CI_PIPELINE_URL}",
        },
    ),
    "jenkins": (
        "Jenkins",
        "JENKINS_URL",
        {
            "url": "{JENKINS_URL}",
            "buildOrder": "{BUILD_NUMBER}",
            "buildName": "{JOB_NAME} #{BUILD_NUMBER}",
            "buildUrl": "{BUILD_URL}",
        },
    ),
}


def _filled(template: str, environ: Mapping[str, str]) -> str | None:
    """The template with its variables; None where one is not set."""
    try:
        return template.format_map(environ)
    except KeyError:
        return None


def allure3_config(document: Json) -> Json:
    """Allure 3's configuration; it ignores `categories.json`. Paths in it are relative to the reports' folder."""
    name = f"{document['verdict']} ({document['scope']['name']})"
    page = {"singleFile": True, "reportName": name, "reportLanguage": "en", "groupBy": ["epic", "feature", "story"]}
    return {
        "name": name,
        "historyPath": f"./{HISTORY}",
        "historyLimit": RUNS_KEPT,
        "categories": categories(),
        "plugins": {"awesome": {"options": page}},
    }


def as_module(config: Json) -> str:
    """The configuration as `allurerc.mjs`."""
    return f"{CONFIG_HEAD}{json.dumps(config, indent=1, ensure_ascii=False)};\n"


def from_module(text: str) -> Json:
    """The configuration that `as_module` wrote.

    Raises:
        ValueError: somebody else wrote it.
    """
    found = json.loads(text.removeprefix(CONFIG_HEAD).rstrip().removesuffix(";"))
    if not isinstance(found, dict):
        raise ValueError("no mapping")
    return found
