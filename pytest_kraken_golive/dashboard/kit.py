"""The page as a person sees it, told by Streamlit's own test kit: `python -m … RUNTIME_YAML… ANSWER_JSON`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .extra import require_extra
from .wording import as_read

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Look:
    """What the page says at one moment; texts as people read them."""

    title: str
    """Its heading."""
    figures: dict[str, dict[str, str]]
    """By exchange: figure by its name."""
    alerts: list[str]
    """Texts in red or orange."""
    praise: list[str]
    """Texts in green."""
    notices: list[str]
    """Texts in blue."""
    buttons: list[str]
    """Labels of the buttons that can be pressed."""
    charts: int
    """How many there are."""
    crashes: list[str]
    """What Streamlit would show as an error of the page itself."""


class OpenPage:
    """The page in a browser that is none.

    Args:
        config: runtime.yaml of the deployment.

    Raises:
        NotProven: the extra `dashboard` is not installed.
    """

    def __init__(self, config: Path) -> None:
        require_extra()
        from streamlit.testing.v1 import AppTest  # noqa: PLC0415 - an extra

        self._app = AppTest.from_function(_script, args=(str(config),), default_timeout=_PATIENCE_S).run()

    def look(self) -> Look:
        """What it says now."""
        return _look(self._app)

    def choose(self, window: str) -> Look:
        """Look at the trends of another time."""
        self._app.selectbox(key="window").set_value(window).run()
        return self.look()

    def ask_to_stop(self) -> Look:
        """Press the stop button, which asks back."""
        self._app.button(key="stop").click().run()
        return self.look()

    def confirm_stop(self) -> Look:
        """Say yes; the page as it is once the stop command has ended."""
        self._app.button(key="stop_confirmed").click().run()
        return self.look()

    def refuse_stop(self) -> Look:
        """Say no."""
        self._app.button(key="stop_refused").click().run()
        return self.look()


def _script(config: str) -> None:
    """Run by the test kit from its source alone: it imports all that it uses."""
    from pathlib import Path  # noqa: PLC0415

    from pytest_kraken_golive.dashboard.page import exchanges_page  # noqa: PLC0415

    exchanges_page(Path(config))


def _look(app: AppTest) -> Look:
    return Look(
        title=str(app.title[0].value) if app.title else "",
        figures=_figures(app),
        alerts=[as_read(one.value) for one in [*app.error, *app.warning]],
        praise=[as_read(one.value) for one in app.success],
        notices=[as_read(one.value) for one in app.info],
        buttons=[one.label for one in app.button if not one.disabled],
        charts=len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")),
        crashes=[str(one.value) for one in app.exception],
    )


def _figures(app: AppTest) -> dict[str, dict[str, str]]:
    """The first table: figures by row, exchanges by column after the first two."""
    if not app.table:
        return {}
    table = app.table[0].value
    names = [as_read(str(name)) for name in table.iloc[:, 0]]
    return {
        as_read(str(column)): dict(zip(names, (_uncoloured(str(cell)) for cell in table[column]), strict=True))
        for column in table.columns[2:]
    }


def _uncoloured(cell: str) -> str:
    """The text of `:red[text]`."""
    text = cell.partition("[")[2].removesuffix("]") if cell.startswith(":") else cell
    return as_read(text).strip()


def main(words: Sequence[str]) -> None:
    """Look at the page of each deployment and write what it says, as a JSON list of `Look`s."""
    logging.disable()  # the kit warns that it is no server
    *configs, answer = words
    looks = [asdict(OpenPage(Path(config)).look()) for config in configs]
    Path(answer).write_text(json.dumps(looks, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
