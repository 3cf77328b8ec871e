"""`pytest --golive-checks`: what a line can be bound to."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | pytest.ExitCode | None:
    """List the checks instead of running anything, if that was asked for."""
    if not config.option.golive_checks:
        return None
    config._do_configure()
    try:
        _list(config)
    finally:
        config._ensure_unconfigure()
    return pytest.ExitCode.OK


def _list(config: pytest.Config) -> None:
    from pytest_kraken_golive.gate.described import comment, parameter, purpose, what_breaks  # noqa: PLC0415 - only for a gate run
    from pytest_kraken_golive.gate.registry import is_stock  # noqa: PLC0415
    from pytest_kraken_golive.gate.session import load_checks  # noqa: PLC0415
    from pytest_kraken_golive.reporting.page import Page  # noqa: PLC0415

    registry = load_checks(config)
    page = Page(config.get_terminal_writer())
    page.paragraph(
        "Each check: its name, what it proves, its parameters (name: type = default), what it does to the exchange "
        "(touches), how many sabotages it is proven to notice (breaks), and the comment to paste below a line.",
        light=True,
    )
    page.line()
    for name in sorted(registry.checks):
        check = registry.checks[name]
        signature = registry.signature(check)
        page.write(name, bold=True)
        page.line("" if is_stock(check) else "  (your own)")
        page.paragraph(purpose(check), 2)
        for one in signature.params:
            page.paragraph(parameter(signature, one), 4)
        page.paragraph(f"touches: {check.touches}   breaks: {len(check.breaks) or 'none, so it shows as unproven'}", 2)
        if config.option.verbose > 0:
            for sabotage in check.breaks:
                page.paragraph(f"- {sabotage.name}: {what_breaks(sabotage)}", 4)
        page.line(f"  {comment(check, signature)}", light=True)
        page.line()
    for problem in registry.complain():
        page.paragraph(problem, red=True)
