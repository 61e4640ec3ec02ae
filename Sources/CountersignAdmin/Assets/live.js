// Asks for the page again when something happened, and puts what is new in the place of what was. Everything works
// without this; it only saves the reload.
"use strict";

const state = document.getElementById("live-state");
let isAsking = false;
let isMissed = false;

// Whether somebody is at work in a part: it must not change beneath their hands.
function isInUse(part) {
  const selection = document.getSelection();
  return (
    part.querySelector("details[open] form") !== null ||
    (!selection.isCollapsed && part.contains(selection.anchorNode))
  );
}

// The same element in the new part: what has the same address or the same words.
function twin(part, element) {
  if (!element) return null;
  const same = [...part.querySelectorAll(element.tagName)];
  return same.find((other) => other.outerHTML === element.outerHTML)
    ?? same.find((other) => other.getAttribute("aria-label") && other.getAttribute("aria-label") === element.getAttribute("aria-label"))
    ?? null;
}

function replace(old, fresh) {
  if (!fresh || old.outerHTML === fresh.outerHTML || isInUse(old)) return;
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  const hadFocus = old.contains(document.activeElement) ? document.activeElement : null;
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  old.replaceWith(fresh);
  const details = [...fresh.querySelectorAll("details")];
  if (details.length === open.length) details.forEach((one, index) => { one.open = one.open || open[index]; });
  fresh.querySelectorAll(".scroll").forEach((box, index) => { box.scrollLeft = scrolled[index] ?? 0; });
  twin(fresh, hadFocus)?.focus({ preventScroll: true });
}

async function refresh() {
  if (isAsking || document.hidden) { isMissed = true; return; }
  isAsking = true;
  isMissed = false;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) { location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live][id]")) {
      replace(part, page.getElementById(part.id));
    }
  } catch {
    // The next change asks again.
  } finally {
    isAsking = false;
  }
  if (isMissed) setTimeout(refresh, 1000);
}

// A page that was posted is the answer to a form: it would be lost.
if (state && !document.querySelector("[data-answer]")) {
  const source = new EventSource("/live");
  source.onopen = () => { state.textContent = "Live."; refresh(); };
  source.onerror = () => { state.textContent = "Not connected; trying again."; };
  source.addEventListener("change", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isMissed) refresh(); });
  window.addEventListener("pagehide", () => source.close());
}
