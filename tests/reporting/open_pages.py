"""The page in a real browser, on paper, and as text taken from paper."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))

from chromium import PROGRAM, Tab, browser

__all__ = ["POPPLER", "PROGRAM", "Tab", "browser", "open_page", "paper", "press", "text_of"]

POPPLER = shutil.which("pdftotext") and shutil.which("pdftoppm")

CONTRASTS = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = numbers(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility() || ["SCRIPT", "STYLE"].includes(one.tagName)) continue;
    const [a, b] = [light(numbers(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${one.tagName}.${one.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(faint)];
})()
"""
"""Texts whose contrast is below what WCAG AA asks of small ones."""


def open_page(tab: Tab, file: Path, *, width: int = 1280, height: int = 1000, scheme: str = "light") -> None:
    """Show a file and wait until its script has run."""
    tab.show(file.as_uri(), width=width, height=height, scheme=scheme)
    tab.wait_for(f"document.readyState == 'complete' && location.href.startsWith({file.as_uri()!r})")


def press(tab: Tab, key: str, code: int, text: str = "") -> None:
    """Press a key."""
    down: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code} | ({"text": text} if text else {})
    tab.call("Input.dispatchKeyEvent", type="keyDown", **down)
    tab.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


def paper(tab: Tab, file: Path) -> None:
    """Print the page that is shown."""
    printed = tab.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
    file.write_bytes(base64.b64decode(printed["data"]))


def text_of(pdf: Path) -> list[str]:
    """The text of each sheet; pictures of the first ones lie beside it."""
    subprocess.run(["pdftoppm", "-r", "60", "-l", "6", "-png", pdf, pdf.with_suffix("")], check=True)
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True)
    return done.stdout.removesuffix("\f").split("\f")
