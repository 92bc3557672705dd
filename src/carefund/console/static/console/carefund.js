// What a page cannot do without a script: keep a dialog open over the page, tick all rows, and close what floats.
// Everything here is a comfort; each page works without it.

document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.closest("dialog") ?? (event.target.id === "dialog" ? event.target : null);
  if (dialog && !dialog.open) dialog.showModal();
  const heading = dialog?.querySelector("[data-focus]");
  if (heading) heading.focus();
});

// A fragment that the database refused: the page stays, with all that was typed, and says why until the next answer.
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("unavailable")?.remove();
  if (event.detail.xhr?.status !== 503) return;
  const note = document.createElement("p");
  note.id = "unavailable";
  note.className = "note bad";
  note.setAttribute("role", "alert");
  note.textContent =
    "Carefund’s database cannot be used now. Nothing was saved, and what you typed is still here. Try again in a minute.";
  (document.querySelector("dialog[open] > *") ?? document.getElementById("content")).prepend(note);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    const dialog = event.target.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
  }
  for (const open of document.querySelectorAll("details.pop[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// A dialog that says that the page behind it is no longer yours leads away from it, however it is closed.
document.addEventListener(
  "close",
  (event) => {
    const way = event.target.querySelector?.("[data-leave]");
    if (way) window.location.assign(way.href);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details.pop[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !document.querySelector("dialog[open]")) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

// Ticks of a table: those in its "pick" cells, all set or unset by the box in its head or by two links above it.
const TICKS = "td.pick input[type=checkbox]";

function tickAll(form, set) {
  for (const box of form.querySelectorAll(TICKS)) box.checked = set;
  countTicked();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) tickAll(event.target.form, event.target.checked);
  else if (event.target.matches(TICKS)) countTicked();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-tick]");
  if (!link) return;
  event.preventDefault();
  tickAll(link.closest("form"), link.dataset.tick === "all");
});

// On a phone the filters would fill the first screen: they begin folded unless one of them is in use.
if (window.matchMedia("(max-width: 34rem)").matches) {
  for (const fold of document.querySelectorAll("[data-fold]:not([data-in-use])")) fold.open = false;
}

document.addEventListener("htmx:afterSettle", countTicked);
window.addEventListener("pageshow", countTicked);

function countTicked() {
  for (const place of document.querySelectorAll("[data-ticked], [data-ticked-number]")) {
    const number = place.closest("form").querySelectorAll(`${TICKS}:checked`).length;
    place.textContent = "tickedNumber" in place.dataset ? String(number) : number ? `(${number})` : "";
  }
}
