"use strict";
// The page: what is chosen, for all figures and tables at once.
(function () {
  const data = charts.data, names = new Set(data.strategies.map((one) => one.name));
  const state = {
    setting: 0, split: data.splits[0], metric: data.metrics[0].name, costs: "strategies",
    balance: Object.keys(data.balance.measures)[0], class: { labels: 0, show: "accuracy", part: "" },
    group: { labels: 0, show: "accuracy", part: "" },
    shown: new Set(names), highlight: new Set(),
  };
  const figures = Array.from(document.querySelectorAll(".chart")), selects = new Map(), chips = new Map();

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }
  function picker(label, values, value, onChange, place = label) {
    const select = element("select", { id: `choose-${place.replace(/\W+/g, "-")}` });
    values.forEach((one) => select.append(element("option", { value: one, textContent: one })));
    select.value = value;
    select.addEventListener("change", () => onChange(select.value));
    selects.set(place, select);
    return element("label", {}, element("span", { textContent: label }), select);
  }
  function chooseDimension(place, value) {
    const now = data.settings[state.setting];
    let best = -1, alike = -1;
    data.settings.forEach((ids, index) => {
      if (ids[place] !== value) { return; }
      const same = ids.filter((id, i) => id === now[i]).length;
      if (same > alike) { [best, alike] = [index, same]; }
    });
    state.setting = best;
    settle();
  }
  // A data set may lack a split or a metric: then the first that it has.
  function settle() {
    const here = data.curves.filter((row) => row[0] === state.setting);
    if (!here.some((row) => row[1] === state.split)) {
      state.split = data.splits.find((split) => here.some((row) => row[1] === split));
    }
    const measured = here.filter((row) => row[1] === state.split);
    if (!measured.some((row) => row[2] === state.metric) && measured.length) { state.metric = measured[0][2]; }
    data.dimensions.forEach((name, place) => {
      if (selects.has(words(name))) { selects.get(words(name)).value = data.settings[state.setting][place]; }
    });
    if (selects.has("split")) { selects.get("split").value = state.split; }
    if (selects.has("metric")) { selects.get("metric").value = state.metric; }
    headline();
    update();
  }
  const words = (name) => (name === "dataset" ? "data set" : name);
  function controls() {
    const form = document.getElementById("controls");
    data.dimensions.forEach((name, place) => {
      const values = [...new Set(data.settings.map((ids) => ids[place]))];
      if (values.length > 1) {
        form.append(picker(words(name), values, data.settings[0][place], (value) => chooseDimension(place, value)));
      }
    });
    if (data.splits.length > 1) {
      form.append(picker("split", data.splits, state.split, (value) => { state.split = value; settle(); }));
    }
    if (data.metrics.length > 1) {
      const metrics = data.metrics.map((one) => one.name);
      form.append(picker("metric", metrics, state.metric, (value) => { state.metric = value; settle(); }));
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = !form.children.length;
  }
  function swatch(one) {
    const dash = one.dash.join(",") || "none", holder = document.createElement("template");
    holder.innerHTML = `<svg viewBox="0 0 34 12" aria-hidden="true"><path d="M0,6H34"
      style="fill:none;stroke:${one.color};stroke-width:${one.width};stroke-dasharray:${dash}"></path><path
      d="${one.shape || "M0,0"}" style="fill:${one.color}" transform="translate(17,6) scale(4)"></path></svg>`;
    return holder.content.firstChild;
  }
  function legend() {
    const list = document.getElementById("legend");
    for (const one of data.strategies) {
      const shown = element("input", { type: "checkbox", checked: true, title: `show ${one.name}` });
      shown.setAttribute("aria-label", `show ${one.name}`);
      shown.addEventListener("change", () => {
        if (shown.checked) { state.shown.add(one.name); } else { state.shown.delete(one.name); }
        update();
      });
      const chip = element("button", { type: "button", className: "chip" }, swatch(one),
        element("span", { textContent: one.name + (one.kind === "method" ? "" : " (ceiling)") }));
      chip.setAttribute("aria-pressed", "false");
      chip.addEventListener("click", () => toggle(one.name));
      chips.set(one.name, { chip, shown });
      list.append(element("li", {}, shown, chip));
    }
    const choose = (wanted) => () => {
      state.shown = new Set(Array.from(names).filter(wanted));
      chips.forEach((pair, name) => { pair.shown.checked = state.shown.has(name); });
      update();
    };
    const pair = [data.baseline, data.highlight];
    list.after(element("div", { className: "tools" },
      tables.button("show all", choose(() => true)),
      tables.button(`only ${[...new Set(pair)].join(" and ")}`, choose((name) => pair.includes(name))),
      tables.button("only highlighted", choose((name) => !state.highlight.size || state.highlight.has(name))),
      tables.button("no highlight", () => { state.highlight.clear(); update(); })));
  }
  function toggle(name) {
    if (!names.has(name)) { return; }
    if (!state.highlight.delete(name)) { state.highlight.add(name); }
    update();
  }
  function headline() {
    const here = data.headlines.filter((one) => one.name === data.names[state.setting]);
    const found = here.find((one) => one.split === state.split) || here[0];
    if (!found) { return; }
    const parts = { leading: found.leading, sentence: found.sentence, number: found.number, interval: found.interval, what: found.what, setting: found.name };
    for (const [key, text] of Object.entries(parts)) { document.getElementById(`hero-${key}`).textContent = text; }
  }
  function told(figure, { count, unit }) {
    figure.querySelector(".unit").textContent = unit;
    figure.querySelector(".empty").hidden = count > 0;
    figure.querySelector(".readout").textContent = "";
    // What can be chosen beneath a figure depends on what is chosen for all.
    const offered = charts.makers[figure.dataset.name].choices;
    for (const [label, { values, value }] of Object.entries(offered ? offered(state) : {})) {
      const select = figure.querySelector(`[data-choice="${label}"] select`);
      if (Array.from(select.options, (one) => one.value).join("\n") !== values.join("\n")) {
        select.replaceChildren(...values.map((one) => element("option", { value: one, textContent: one })));
      }
      select.value = value;
    }
  }
  let changes = 0;
  async function update() {
    changes += 1;
    chips.forEach(({ chip }, name) => {
      chip.setAttribute("aria-pressed", String(state.highlight.has(name)));
      chip.classList.toggle("pale", state.highlight.size > 0 && !state.highlight.has(name));
    });
    tables.mark(state.highlight);
    for (const figure of figures) {
      if (figure.dataset.drawn) { told(figure, await charts.update(figure.dataset.name, state)); }
    }
  }
  async function build(figure) {
    const name = figure.dataset.name, spec = specifications[name];
    const plot = element("div", { className: "plot", tabIndex: 0 }), unit = element("p", { className: "unit" });
    const readout = element("p", { className: "readout" });
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", `figure ${name.replace(/_/g, " ")}; arrow keys read its points, Enter highlights`);
    readout.setAttribute("aria-live", "polite");
    const tools = element("div", { className: "tools" });
    const offered = charts.makers[name].choices ? charts.makers[name].choices(state) : {};
    for (const [label, { values, value, choose }] of Object.entries(offered)) {
      const made = picker(label, values, value, (one) => { choose(one); update(); }, `${name} ${label}`);
      made.dataset.choice = label;
      tools.append(made);
    }
    const save = tables.button("Data (CSV)", () => tables.save(charts.csvOf(name, state), `${document.title} ${name}`));
    save.className = "save";
    tools.append(save);
    const empty = element("p", { className: "empty", hidden: true, textContent: "Nothing to show for this choice." });
    figure.append(unit, plot, empty, readout, tools);
    let at = "";
    plot.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) {
        event.preventDefault();
        const found = charts.step(name, event.key);
        if (found) { readout.textContent = found.told; at = found.strategy; }
      } else if (event.key === "Enter" && at) {
        event.preventDefault();
        toggle(at);
      }
    });
    const version = changes;
    const drawn = await charts.draw(name, plot, spec, state, toggle);
    figure.dataset.drawn = "yes";
    told(figure, version === changes ? drawn : await charts.update(name, state));
  }
  // Where drawing fails, the figure that is shown without JavaScript stands in its place.
  function fall(figure) {
    const still = figure.parentElement.querySelector("noscript");
    if (still) { figure.innerHTML = still.textContent; }
  }
  const specifications = JSON.parse(document.getElementById("specifications").textContent);
  async function start() {
    document.querySelectorAll(".scripted").forEach((part) => { part.hidden = false; });
    controls();
    legend();
    tables.start(names, toggle);
    for (const figure of figures) {
      try {
        await build(figure);
      } catch (error) {
        console.error(error);
        fall(figure);
      }
      // The first screen stands: let the browser show it, and answer, before the others.
      document.body.dataset.first = document.body.dataset.first || String(performance.now());
      await new Promise((done) => { setTimeout(done); });
    }
    document.body.dataset.ready = String(performance.now());
  }
  start();
})();
