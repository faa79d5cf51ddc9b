/* Keys, claims and small comforts. Every page works without it. */
"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  for (const field of all("[data-submit]")) field.addEventListener("change", () => field.form.requestSubmit());

  const light = (number, on) => {
    for (const mark of all("mark[data-marks]"))
      if (mark.dataset.marks.split(" ").includes(number)) mark.classList.toggle("lit", on);
  };
  for (const item of all("li[data-mark]")) {
    item.addEventListener("pointerenter", () => light(item.dataset.mark, true));
    item.addEventListener("pointerleave", () => light(item.dataset.mark, false));
  }

  /* The queue: take what is shown, keep it while the page is looked at. */
  const held = find("[data-claim]");
  const claim = async () => {
    if (document.visibilityState !== "visible") return;
    const answer = await fetch(held.dataset.claim, { method: "POST", headers: { "X-CSRF": document.body.dataset.csrf, Accept: "application/json" } });
    const told = find("[data-claimed]");
    if (answer.ok || answer.status === 409) {
      told.textContent = (await answer.json()).told;
      find(".claim button")?.remove();
    }
  };
  if (held) {
    setTimeout(() => claim().catch(() => {}), 1000); // who only passes by takes nothing
    setInterval(() => claim().catch(() => {}), Number(held.dataset.every) * 1000);
  }

  /* Keys. */
  const rows = all("[data-row]");
  let at = -1;
  const select = (step) => {
    if (!rows.length) return;
    at = Math.min(rows.length - 1, Math.max(0, at + step));
    rows.forEach((row, n) => row.classList.toggle("at", n === at));
    const link = find("a", rows[at]);
    link.focus();
    rows[at].scrollIntoView({ block: "nearest" });
  };
  const follow = (selector) => {
    const link = find(selector);
    if (link) link.click();
    return Boolean(link);
  };
  const open = (id) => {
    const panel = document.getElementById(id);
    if (!panel) return;
    claim().catch(() => {});
    for (const other of all(".decide details")) other.open = other === panel;
    const field = find("textarea", panel);
    field.focus();
    panel.scrollIntoView({ block: "nearest" });
  };
  const send = (id) => {
    const form = document.getElementById(id);
    const button = form && find("button:not(:disabled)", form);
    if (button) form.requestSubmit(button);
  };
  const places = { q: "/queue", o: "/", s: "/outcomes", r: "/reports" };
  let going = false;
  const keys = {
    j: () => follow("[data-next]") || select(1),
    k: () => follow("[data-previous]") || select(-1),
    a: () => send("approve"),
    e: () => open("edit"),
    r: () => open("reject"),
    "/": () => { const field = find("[data-search]"); if (field) { field.focus(); field.select(); } else location.href = "/outcomes"; },
    "?": () => { const help = find("#keys"); if (help) help.open ? help.close() : help.showModal(); },
    g: () => { going = true; },
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select");
    if (field) {
      if (event.key === "Escape") field.blur();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field.form) { event.preventDefault(); field.form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!find("#keys")) return;
    if (find("#keys").open && event.key !== "?") return;
    if (going && places[event.key]) { event.preventDefault(); location.href = places[event.key]; return; }
    going = false;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  /* A decision is sent once, however often the button is pressed. */
  for (const form of all(".decide form"))
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    });
})();
