"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const lines = [...document.querySelectorAll("details.line")];
  const parts = [...document.querySelectorAll("section.part")];

  const until = Date.parse(by("expired").dataset.until);
  by("expired").hidden = !(until < Date.now());

  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details.line")) {
      target.hidden = target.parentElement.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
    folded = [];
  });

  if (!by("tools")) return;
  const texts = new Map();
  const text = (line) => {
    if (!texts.has(line)) texts.set(line, line.textContent.toLowerCase());
    return texts.get(line);
  };
  const fine = (line) => line.classList.contains("passed") || line.classList.contains("signed");
  const filter = () => {
    const word = by("find").value.trim().toLowerCase();
    const only = by("open-only").checked;
    let shown = 0;
    for (const line of lines) {
      line.hidden = (only && fine(line)) || (word !== "" && !text(line).includes(word));
      if (!line.hidden) shown += 1;
    }
    for (const part of parts) part.hidden = !part.querySelector("details.line:not([hidden])");
    by("shown").textContent = word || only ? `${shown} of ${lines.length} lines` : "";
  };
  let soon = 0;
  by("find").addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(filter, 120);
  });
  by("open-only").addEventListener("change", filter);
  by("tools").addEventListener("submit", (event) => event.preventDefault());
  for (const [id, open] of [["unfold", true], ["fold", false]]) {
    by(id).addEventListener("click", () => {
      for (const line of lines) if (!line.hidden) line.open = open;
    });
  }
  by("tools").hidden = false;
})();
