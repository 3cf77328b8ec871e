"""`pytest --golive-checks`: what a line can be bound to."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from _pytest.main import wrap_session


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | pytest.ExitCode | None:
    """List the checks instead of running anything, if that was asked for."""
    return wrap_session(config, _list) if config.option.golive_checks else None


def _list(config: pytest.Config, session: pytest.Session) -> None:
    from pytest_kraken_golive.gate.registry import is_stock  # noqa: PLC0415 - only for a gate run
    from pytest_kraken_golive.gate.session import load_checks  # noqa: PLC0415

    registry = load_checks(config)
    writer: Any = config.get_terminal_writer()
    for name in sorted(registry.checks):
        check = registry.checks[name]
        signature = registry.signature(check)
        writer.write(name, bold=True)
        writer.line("" if is_stock(check) else "  (your own)")
        writer.line(f"  {inspect.getdoc(check.function) or 'no description'}")
        for parameter in signature.params.values():
            writer.line(f"    {str(parameter).replace(chr(39), '')}")
        writer.line(f"  touches: {check.touches}   judges: {check.judges}")
        breaks = ", ".join(one.name for one in check.breaks)
        writer.line(f"  breaks: {breaks or 'none, so it shows as unproven'}")
        example = ", ".join(["id: …", f"check: {name}", *(f"{one}: …" for one in signature.params)])
        writer.line(f"  <!-- golive: {{{example}}} -->")
        writer.line()
    for problem in registry.complain():
        writer.line(problem, red=True)
