"use strict";
// The page: what is shown, what keys and clicks do, and what is kept of it.
(async function () {
  const { at, button, KEYS } = views;
  const data = JSON.parse(at("data").textContent), items = data.items, multilabel = data.multilabel;
  const places = new Map(items.map((one, place) => [one.item, place]));
  const INSIST_AFTER = 10; // answers that nothing keeps
  const state = { place: 0, log: [], answers: new Map(), chosen: new Set(), suggest: data.suggestions, annotator: "", kept: true, sway: false };
  let queue = Promise.resolve(), redraw = () => {}, classButtons = new Map();

  // Time that counts: visible, and not long after the last sign of life.
  const clock = { counted: 0, last: performance.now() };
  function tick() {
    const now = performance.now();
    if (!document.hidden && !at("asking").open) { clock.counted += Math.max(0, Math.min(now, clock.alive + data.idle * 1000) - clock.last); }
    clock.last = now;
  }
  function restart() { Object.assign(clock, { counted: 0, last: performance.now(), alive: performance.now() }); }
  function alive() {
    tick();
    clock.alive = performance.now();
  }
  restart();
  ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"].forEach((name) => document.addEventListener(name, alive, { passive: true, capture: true }));
  // What passes while the page is hidden does not count, so time begins anew when it is seen again.
  document.addEventListener("visibilitychange", () => {
    const now = performance.now();
    if (document.hidden) { clock.counted += Math.max(0, Math.min(now, clock.alive + data.idle * 1000) - clock.last); } else { clock.alive = now; }
    clock.last = now;
  });

  // The log, from the first on: what was taken back does not count.
  function replay(log) {
    const undone = new Set(log.filter((one) => one.undoes).map((one) => one.undoes));
    state.log = log.filter((one) => one.answer && !undone.has(one.id) && places.has(one.answer.item));
    state.answers = new Map(state.log.map((one) => [one.answer.item, one.answer]));
  }
  async function reread() { replay(await store.read(data.digest)); }
  async function keep(events) {
    const kept = await store.add(events.map((one) => ({ key: data.digest, id: store.id(), ...one })));
    if (kept) { calm(); } else { warn(); }
    await reread();
    return kept;
  }
  async function setting(name, value) { await store.add([{ key: "settings", id: store.id(), [name]: value }]); }
  function warn() {
    state.kept = false;
    at("warning").hidden = false;
    at("warning").textContent = "This browser does not keep your answers (its storage is refused or full). Download them often: what is not downloaded is lost when this page is closed.";
    if (store.unsaved() && store.unsaved() % INSIST_AFTER === 0) { at("insisting").showModal(); }
  }

  function calm() {
    state.kept = true;
    at("warning").hidden = true;
  }

  // Nothing moves on before the answer is kept: what the page has left behind is on the disk.
  function act(work) { queue = queue.then(work).catch((error) => { say(`Something went wrong: ${error.message}`); }); }
  function say(text) { at("said").textContent = text; }
  function answer(outcome, label) {
    act(async () => {
      tick();
      const item = items[state.place].item, number = state.place + 1;
      const given = {
        item, outcome, label, annotator: state.annotator, seconds: Math.round(clock.counted / 10) / 100,
        at: new Date().toISOString().replace("Z", "+00:00"), shown: state.sway,
      };
      await keep([{ answer: given }]);
      go(next(state.place));
      say(`Item ${number}: ${views.said(given)}. ${state.answers.size === items.length ? "All items are answered: download your answers." : ""}`);
    });
  }
  function undo() {
    act(async () => {
      await reread();
      const last = state.log.findLast((one) => !one.imported);
      if (!last) { say("Nothing to undo."); return; }
      await keep([{ undoes: last.id }]);
      go(places.get(last.answer.item));
      say(`Undone: item ${state.place + 1} is ${views.said(state.answers.get(last.answer.item))}.`);
    });
  }
  // The next without an answer, from here on and around; else just the next.
  function next(from) {
    for (let step = 1; step <= items.length; step += 1) {
      const place = (from + step) % items.length;
      if (!state.answers.has(items[place].item)) { return place; }
    }
    return Math.min(from + 1, items.length - 1);
  }
  function go(place) {
    state.place = Math.max(0, Math.min(items.length - 1, place));
    const now = state.answers.get(items[state.place].item);
    state.chosen = new Set(multilabel && now && now.label ? now.label : []);
    state.sway = false;
    at("search").value = "";
    restart();
    draw();
  }

  function draw() {
    const item = items[state.place], now = state.answers.get(item.item), total = items.length;
    at("frame").replaceChildren(views.content(item, state.place + 1, total));
    at("place").textContent = `${state.place + 1} of ${total} · ${item.item}${now ? ` · ${views.said(now)}` : ""}`;
    drawSuggestion(item);
    drawClasses();
    drawProgress();
  }
  function drawSuggestion(item) {
    const found = item.suggestion, isShown = Boolean(state.suggest && found);
    state.sway = state.sway || isShown;
    at("suggestion").hidden = !isShown;
    if (isShown) { at("suggestion").textContent = `Suggestion: ${found.labels.join(", ") || "none of them"} (${Math.round(100 * found.probability)} %)${multilabel ? "" : " – Enter accepts"}`; }
    at("suggest").textContent = state.suggest ? "Suggestions on" : "Suggestions off";
    at("suggest").setAttribute("aria-pressed", String(state.suggest));
  }
  function drawClasses() {
    const now = state.answers.get(items[state.place].item), wanted = at("search").value.trim().toLocaleLowerCase();
    classButtons.forEach((made, name) => {
      made.setAttribute("aria-pressed", String(multilabel ? state.chosen.has(name) : Boolean(now) && now.label === name));
      made.hidden = !name.toLocaleLowerCase().includes(wanted);
    });
  }
  function drawProgress() {
    const times = state.log.map((one) => one.answer.seconds).filter((one) => one !== null).sort((a, b) => a - b);
    const median = times.length ? `, ${times[Math.floor(times.length / 2)].toFixed(1)} s each` : "";
    at("progress").value = state.answers.size;
    at("count").textContent = `${state.answers.size} of ${items.length}${median}`;
    redraw(state.answers, state.place);
    document.body.dataset.place = state.place;
    document.body.dataset.answered = state.answers.size;
  }

  function choose(name) {
    if (!multilabel) { answer("labelled", name); return; }
    act(() => {
      if (!state.chosen.delete(name)) { state.chosen.add(name); }
      drawClasses();
      say(`${name} ${state.chosen.has(name) ? "chosen" : "not chosen"}. Enter confirms.`);
    });
  }
  const none = () => answer("labelled", []);
  function confirm() {
    act(() => {
      const found = items[state.place].suggestion;
      if (multilabel && state.chosen.size) {
        answer("labelled", data.classes.filter((name) => state.chosen.has(name)));
      } else if (multilabel) { say("Choose classes, or = for none of them."); } else if (state.sway && state.suggest && found) { answer("labelled", found.labels[0]); }
    });
  }
  function zoom() {
    if (at("large").open) { at("large").close(); return; }
    at("enlarged").replaceChildren(views.content(items[state.place], state.place + 1, items.length));
    at("large").showModal();
  }
  function toggleSuggestions() {
    state.suggest = !state.suggest;
    drawSuggestion(items[state.place]);
    act(() => setting("suggest", state.suggest));
  }
  const move = (step) => act(() => go(state.place + step));

  const COMMANDS = {
    Enter: confirm, Backspace: undo, ArrowLeft: () => move(-1), ArrowRight: () => move(1), " ": zoom,
    ".": () => answer("skipped", null), "?": () => answer("unsure", null), "-": () => answer("no-class", null),
    "+": toggleSuggestions, "/": () => at("search").focus(),
  };
  if (multilabel) { COMMANDS["="] = none; }
  function onKey(event) {
    if (event.ctrlKey && event.key === "z") { event.preventDefault(); undo(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) { return; }
    if (at("asking").open || at("insisting").open) { return; }
    if (at("large").open) {
      if (event.key === " ") { event.preventDefault(); zoom(); return; }
      if (event.key === "Escape") { return; }
      at("large").close();
    }
    // A dialog that has just closed keeps the focus until the next frame is drawn: such keys are the page's.
    const inside = event.target.closest("dialog:not([open])") ? document.body : event.target;
    const isField = inside.matches("input, select");
    if (inside === at("search") && (event.key === "Enter" || event.key === "Escape")) {
      event.preventDefault();
      const first = [...classButtons].find((pair) => !pair[1].hidden);
      if (event.key === "Enter" && first && at("search").value.trim()) { choose(first[0]); }
      at("search").value = "";
      at("search").blur();
      drawClasses();
      return;
    }
    if (isField || ((event.key === "Enter" || event.key === " ") && inside.closest("button, label"))) { return; }
    const place = KEYS.indexOf(event.key.toLowerCase());
    if (place >= 0 && place < data.classes.length) { event.preventDefault(); choose(data.classes[place]); return; }
    if (COMMANDS[event.key]) { event.preventDefault(); COMMANDS[event.key](); }
  }

  function download() {
    act(async () => {
      await reread();
      const given = items.map((one) => state.answers.get(one.item)).filter(Boolean);
      const text = answerTable.text(given, data.batch, multilabel);
      const name = [data.campaign, data.batch, state.annotator].filter(Boolean).join("-").replace(/[^\p{L}\p{N}]+/gu, "-");
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
      const link = views.element("a", { href: url, download: `${name}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      store.downloaded();
      say(`${given.length} answers downloaded.`);
    });
  }
  // What is answered here stays; what a file says of the rest is added, all or nothing.
  function bring(file) {
    act(async () => {
      const { answers, errors } = answerTable.read(await file.text(), places, data.classes, multilabel);
      await reread();
      const same = (one, other) => one.outcome === other.outcome && JSON.stringify(one.label) === JSON.stringify(other.label);
      const missing = answers.filter((one) => !state.answers.has(one.item));
      const other = answers.filter((one) => state.answers.has(one.item) && !same(one, state.answers.get(one.item)));
      if (missing.length) { await keep(missing.map((one) => ({ answer: one, imported: true }))); }
      go(state.answers.has(items[state.place].item) ? next(state.place) : state.place);
      say([`${missing.length} answers imported.`, other.length ? `${other.length} differ from answers here, which stay.` : "",
        errors.length ? `${errors.length} rows left out: ${errors[0]}.` : ""].join(" "));
    });
  }

  function build() {
    data.classes.forEach((name, place) => {
      const made = button(name, place < KEYS.length ? KEYS[place] : "", () => choose(name));
      made.firstChild.dir = "auto";
      classButtons.set(name, made);
      at("classes").append(made);
    });
    at("searching").hidden = data.classes.length <= KEYS.length;
    if (multilabel) {
      at("confirming").hidden = false;
      const main = button("Confirm", "Enter", confirm);
      main.classList.add("main");
      at("confirming").append(main, button("None of them", "=", none));
    }
    at("others").append(button("Not sure", "?", COMMANDS["?"]), button("Belongs to no class", "-", COMMANDS["-"]), button("Skip", ".", COMMANDS["."]));
    at("moves").append(button("Undo", "Backspace", undo), button("Back", "ArrowLeft", () => move(-1)), button("Next", "ArrowRight", () => move(1)), button("Large", "Space", zoom));
    at("suggest").hidden = !items.some((one) => one.suggestion);
    redraw = views.list(items, (place) => act(() => { go(place); at("shown").scrollIntoView({ block: "nearest" }); }));
    at("suggest").addEventListener("click", toggleSuggestions);
    at("download").addEventListener("click", download);
    at("insisting").addEventListener("close", download);
    at("frame").addEventListener("click", (event) => { if (event.target.matches("img")) { zoom(); } });
    at("closing").addEventListener("click", zoom);
    at("filter").addEventListener("change", () => redraw(state.answers, state.place));
    at("search").addEventListener("input", drawClasses);
    at("name").addEventListener("click", ask);
    at("import").addEventListener("change", () => {
      if (at("import").files.length) { bring(at("import").files[0]); }
      at("import").value = "";
    });
    at("asking").addEventListener("close", () => { if (!state.annotator) { ask(); } });
    at("asking").querySelector("form").addEventListener("submit", named);
    document.addEventListener("keydown", onKey);
    window.addEventListener("beforeunload", (event) => { if (store.unsaved()) { event.preventDefault(); } });
  }
  function ask() {
    at("annotator").value = state.annotator;
    at("storage").textContent = state.kept ? "Your answers are kept in this browser as you go." : at("warning").textContent;
    if (!at("asking").open) { at("asking").showModal(); }
  }
  // Spreadsheets would run a name that begins like a formula.
  function named(event) {
    const name = at("annotator").value.trim();
    if (!name || /^[=+\-@]/.test(name)) {
      event.preventDefault();
      at("refused").textContent = name ? "A name may not begin with = + - or @." : "A name is needed, to tell people's answers apart.";
      return;
    }
    state.annotator = name;
    at("refused").textContent = "";
    at("name").textContent = `Name: ${name}`;
    act(() => setting("annotator", name));
    restart();
  }

  if (!await store.start()) { warn(); }
  for (const one of await store.read("settings")) {
    if (one.annotator !== undefined) { state.annotator = one.annotator; }
    if (one.suggest !== undefined) { state.suggest = one.suggest; }
  }
  build();
  await reread();
  const last = state.log.length ? places.get(state.log[state.log.length - 1].answer.item) : -1;
  go(next(last));
  at("name").textContent = `Name: ${state.annotator || "?"}`;
  if (!state.annotator) { ask(); }
  store.onOthers(() => act(async () => { await reread(); drawClasses(); drawProgress(); }));
  document.body.dataset.ready = "yes";
}());
