"""What a run left for Allure, as a test looks at it, and whether it agrees with the verdict."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pytest_kraken_golive.reporting.allure.words import STATUSES

Json = dict[str, Any]


class Results:
    """The results of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*-result.json"))]

    def of(self, line_id: str) -> Json:
        """The one result of a line."""
        found: Json
        (found,) = [result for result in self.all if result["fullName"].endswith(f"#{line_id}")]
        return found

    def labels(self, line_id: str, name: str) -> list[str]:
        return [label["value"] for label in self.of(line_id)["labels"] if label["name"] == name]

    def attachment(self, attached: Json) -> str:
        return Path(self.folder, attached["source"]).read_text(encoding="utf-8")

    @property
    def errors(self) -> list[str]:
        """What is said about the run as a whole."""
        files = [json.loads(path.read_text(encoding="utf-8")) for path in self.folder.glob("*-globals.json")]
        return [error["message"] for file in files for error in file["errors"]]

    def disagreements(self, verdict: Json) -> list[str]:
        """Where they are not what the verdict is: a line without result, two results, another outcome."""
        lines = {
            f"{book['path'].removesuffix('.md').replace('/', '.')}#{line['id']}": line["outcome"]
            for book in verdict["runbooks"]
            for line in book["lines"]
        }
        found = Counter(result["fullName"] for result in self.all)
        wrong = [f"{name}: {found[name]} results" for name in lines if found[name] != 1]
        for result in self.all:
            outcome = lines.get(result["fullName"])
            said = [label["value"] for label in result["labels"] if label["name"] == "outcome"]
            if outcome is not None and (result["status"], said) != (STATUSES[outcome], [outcome]):
                wrong.append(f"{result['fullName']}: {result['status']} {said}, and {outcome} in the verdict")
        ids = Counter(result["historyId"] for result in self.all)
        wrong += [f"{one}: the history of {count} results" for one, count in ids.items() if count > 1]
        wrong += [f"{path.name} is left behind" for path in self.folder.glob("golive-parts")]
        return wrong + [f"{path.name} is half written" for path in self.folder.rglob("*.tmp")]
