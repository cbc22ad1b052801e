"use strict";
// Interactive figures: rows of the page's data, as the specifications of charts.py expect them.
const charts = (function () {
  const views = new Map(), shown = new Map();
  const data = JSON.parse(document.getElementById("data").textContent);
  const costs = JSON.parse((document.getElementById("cost-data") || { textContent: "null" }).textContent);
  const byName = new Map(data.strategies.map((one) => [one.name, one]));
  const arrows = { "less than": "M1,-1L-1,0L1,1Z", "more than": "M-1,-1L1,0L-1,1Z" };
  const share = { scale: 100, digits: 2, share: true };
  const metricOf = (name) => data.metrics.find((one) => one.name === name);

  // As Python rounds: halves to even. A half is exact in binary, so multiplying by a power of 2 finds it.
  function fixed(value, digits) {
    const doubled = Math.abs(value) * 2 ** (digits + 1);
    if (!Number.isInteger(doubled) || doubled % 2 !== 1) { return value.toFixed(digits); }
    const below = Math.floor(Math.abs(value) * 10 ** digits);
    const even = below % 2 ? below + 1 : below;
    return (value < 0 ? "-" : "") + (even / 10 ** digits).toFixed(digits);
  }
  function ends(mean, half, share, difference) {
    if (half === null) { return [null, null]; }
    const high = share ? 1 : Infinity;
    return [Math.max(mean - half, difference ? -high : 0), Math.min(mean + half, high)];
  }
  function text(mean, half, metric, difference) {
    const one = (value, sign) => {
      const result = fixed(metric.scale * value, metric.digits);
      return sign && !result.startsWith("-") ? "+" + result : result;
    };
    if (mean === null) { return "–"; }
    if (half === null) { return one(mean, difference); }
    const [low, high] = ends(mean, half, metric.share, difference);
    if (low > mean - half || high < mean + half) {
      return `${one(mean, difference)} (${one(low, difference)} to ${one(high, difference)})`;
    }
    return `${one(mean, difference)} ± ${one(half, false)}`;
  }
  const rounded = (value) => (value === null ? "" : Number(value.toPrecision(10)));

  function chosen(rows, state, measured = true) {
    return rows.filter((row) => row[0] === state.setting && row[1] === state.split &&
      (!measured || row[2] === state.metric) && state.shown.has(row[3]));
  }
  function look(name) {
    const { color, width, dash, shape } = byName.get(name);
    return { color, width, dash, shape: shape || null, fill: color };
  }
  // The heavy lines last: they lie on top. What is highlighted lies above them.
  function onTop(rows, state) {
    const rank = (name) => byName.get(name).width + (state.highlight.has(name) ? 9 : 0);
    return rows.slice().sort((a, b) => rank(a[3]) - rank(b[3]));
  }
  // Lines of chosen series: any beginning, strategy at the fourth place, labels, seeds, means, half-widths.
  function lineRows(found, state, metric, difference) {
    const rows = [], few = state.shown.size <= 6;
    for (const [, , , strategy, labels, seeds, mean, half, p, detectable] of onTop(found, state)) {
      const style = look(strategy), known = byName.get(strategy), counts = data.labels[labels];
      const across = known.kind !== "method" && counts.length === 1;
      mean.forEach((value, i) => {
        if (value === null) { return; }
        const [low, high] = ends(value, half[i], metric.share, difference);
        const row = {
          ...style, strategy, kind: across ? "across" : "line", key: `${strategy}|${counts[i]}`, line: "", labels: counts[i],
          x: counts[i], y: metric.scale * value, text: text(value, half[i], metric, difference),
          low: low === null ? null : metric.scale * low, high: high === null ? null : metric.scale * high,
          band: known.kind === "method" && low !== null && (known.band || few || state.highlight.has(strategy)),
          seeds: Array.isArray(seeds) ? seeds[i] : seeds, note: known.kind === "method" ? "" : "ceiling",
          csv: [rounded(value), rounded(low), rounded(high)],
        };
        if (difference) {
          const sure = p[i] !== null && p[i] < 0.05;
          row.fill = sure ? style.color : "var(--paper)";
          row.note = p[i] === null ? "" : `p (Holm) ${p[i] < 0.001 ? "< 0.001" : fixed(p[i], 3)}`;
          row.csv.push(p[i] === null ? "" : p[i], detectable[i] === null ? "" : detectable[i]);
        }
        rows.push(row);
      });
    }
    return rows;
  }
  const curveRows = (series, state, difference) =>
    lineRows(chosen(series, state), state, metricOf(state.metric), difference);
  function balanceRows(state) {
    const found = data.balance.series.filter((row) => row[0] === state.setting && row[1] === state.balance && state.shown.has(row[3]));
    const rows = lineRows(found, state, share, false);
    const pool = data.balance.pools.find(([setting]) => setting === state.setting);
    if (!rows.length || !pool || state.balance !== "evenness") { return rows; }
    return [{
      strategy: "the whole pool", kind: "across", key: null, color: "var(--muted)", width: 1.2, dash: [5, 2], shape: null,
      fill: "var(--muted)", x: rows[0].x, y: 100 * pool[1], text: text(pool[1], null, share), seeds: "", note: "", band: false,
    }, ...rows];
  }
  // The curves of methods, against what labels and computing had cost by then.
  function moneyRows(state) {
    if (!costs) { return []; }
    const ids = JSON.stringify(data.settings[state.setting]), spent = new Map();
    for (const [setting, strategy, counts, labels, computing] of costs.money) {
      if (JSON.stringify(setting) === ids) {
        counts.forEach((count, i) => spent.set(`${strategy}|${count}`, [labels[i], computing[i]]));
      }
    }
    return curveRows(data.curves, state, false).filter((row) => spent.has(row.key)).map((row) => {
      const parts = spent.get(row.key), x = parts[0] + parts[1];
      const told = `${x.toLocaleString("en", { maximumFractionDigits: 2 })} ${costs.currency}`.trim();
      const at = `${told} spent, ${row.x.toLocaleString("en")} labels`;
      return { ...row, x, at, csv: [...row.csv, ...parts.map(rounded), rounded(x)] };
    });
  }
  function publishedRows(state) {
    const metric = metricOf(state.metric), rows = [];
    for (const [, , , strategy, smoothing, name, same, counts, values] of chosen(data.published, state)) {
      const { color } = look(strategy), raw = smoothing === "raw";
      const note = `published ${name}, ${raw ? "as measured" : "running maximum"}${same ? "" : ", another setting"}`;
      values.forEach((value, i) => value !== null && rows.push({
        strategy, color, width: 0.9, dash: raw ? [3, 2] : [], shape: null, fill: color, kind: "published", note, line: note,
        key: null, x: counts[i], y: metric.scale * value, text: text(value, null, metric), seeds: "", band: false,
        csv: [value, "", ""],
      }));
    }
    return rows;
  }
  function savingRows(state) {
    const rows = [], found = chosen(data.savings, state);
    found.sort((a, b) => (b[4] === null ? -1 : b[4]) - (a[4] === null ? -1 : a[4]));
    for (const [, , , strategy, saving, low, high, bound, lowBound, highBound, told, interval] of found) {
      if (saving === null) { continue; }
      const style = look(strategy), row = `${strategy}  ${told}`;
      for (const [end, kind] of [[low, lowBound], [high, highBound]]) {
        if (end !== null && kind) { rows.push({ ...style, row, strategy, x: end, shape: arrows[kind], end: true }); }
      }
      rows.push({
        ...style, row, strategy, key: strategy, x: saving, low, high, end: false, text: told, interval,
        shape: arrows[bound] || style.shape, csv: [saving, bound, low, lowBound, high, highBound],
      });
    }
    return rows;
  }
  function tunedRows(state) {
    const metric = metricOf(state.metric), rows = [];
    for (const one of chosen(data.finetuning, state)) {
      const [, , , strategy, trainer, labels, tuned, half, proxy, proxyHalf, told, proxyTold, difference] = one;
      const style = look(strategy), row = `${strategy}, ${labels.toLocaleString("en")} labels, ${trainer}`;
      for (const [kind, value, width, words] of [["proxy", proxy, proxyHalf, proxyTold], ["fine-tuned", tuned, half, told]]) {
        if (value === null) { continue; }
        const [low, high] = ends(value, width, metric.share, false);
        rows.push({
          ...style, row, strategy, key: `${row}|${kind}`, x: metric.scale * value, end: false,
          low: low === null ? null : metric.scale * low, high: high === null ? null : metric.scale * high,
          text: words, interval: "", fill: kind === "proxy" ? "var(--paper)" : style.color,
          note: kind === "proxy" ? "proxy" : `fine-tuned, ${difference} against the proxy`,
          csv: [trainer, labels, kind, rounded(value), rounded(low), rounded(high)],
        });
      }
    }
    return rows;
  }
  function costRows(state) {
    if (!costs) { return []; }
    const stages = costs.stages.map(([row, x, told]) => ({
      row: `all of ${row}  ${told}`, strategy: "", key: row, x, text: told, color: "var(--muted)", csv: ["stage", row, x],
    }));
    const rounds = costs.strategies.filter(([name]) => state.shown.has(name)).map(([name, x, told]) => ({
      row: `a round of ${name}  ${told}`, strategy: name, key: name, x, text: told, color: look(name).color,
      csv: ["median round", name, x],
    }));
    return state.costs === "stages" ? stages : rounds;
  }

  const means = ["num_labeled", "n_seeds", "what", "mean", "low", "high"];
  const makers = {
    label_efficiency: {
      rows: (state) => [...publishedRows(state), ...curveRows(data.curves, state, false)], columns: means,
      cells: (row) => [row.x, row.seeds, row.note || "measured", ...row.csv],
      unit: (state) => `${state.metric} in ${metricOf(state.metric).unit}, ${state.split}`,
    },
    difference: {
      rows: (state) => curveRows(data.differences, state, true), zero: { y: 0 },
      columns: ["num_labeled", "n_seeds", "difference", "low", "high", "p_holm", "detectable"],
      cells: (row) => [row.x, row.seeds, ...row.csv],
      unit: (state) => {
        const metric = metricOf(state.metric);
        return `${metric.differences} over ${data.baseline}${metric.lower ? ", below 0 is better" : ""}, ${state.metric}, ${state.split}`;
      },
    },
    label_savings: {
      rows: savingRows, zero: { x: 1 },
      columns: ["saving", "bound", "low", "low_bound", "high", "high_bound"], cells: (row) => row.csv,
      unit: (state) => `labels of ${data.baseline} ÷ labels of the strategy, ${state.metric}, ${state.split}`,
    },
    finetuning: {
      rows: tunedRows, columns: ["trainer", "num_labeled", "trained", "mean", "low", "high"],
      cells: (row) => row.csv,
      unit: (state) => `${state.metric} in ${metricOf(state.metric).unit}, ${state.split}; hollow: proxy, filled: fine-tuned`,
    },
    class_balance: {
      choices: (state) => ({
        measure: { values: Object.keys(data.balance.measures), value: state.balance, choose: (value) => { state.balance = value; } },
      }),
      rows: balanceRows, columns: ["measure", ...means.slice(0, 2), ...means.slice(3)],
      cells: (row, state) => [state.balance, row.x, row.seeds, ...row.csv], bySetting: true,
      unit: (state) => `${data.balance.measures[state.balance]}${state.balance === "evenness" ? "; dashed: the whole pool" : ""}`,
    },
    money: {
      rows: moneyRows, columns: [...means.slice(0, 2), ...means.slice(3), "label_cost", "compute_cost", "total_cost"],
      cells: (row) => [row.labels, row.seeds, ...row.csv],
      unit: (state) => `${state.metric} in ${metricOf(state.metric).unit}, ${state.split}; spent${costs && costs.currency ? ` in ${costs.currency}` : ""}`,
    },
    costs: {
      rows: costRows, columns: ["of", "name", "seconds"], cells: (row) => row.csv, bare: true, unit: () => "",
      choices: (state) => ({
        "costs of": { values: ["strategies", "stages"], value: state.costs, choose: (value) => { state.costs = value; } },
      }),
    },
  };

  function csvOf(name, state) {
    const maker = makers[name], ids = data.settings[state.setting];
    const rows = shown.get(name).filter((row) => row.csv);
    if (maker.bare) { return [maker.columns, ...rows.map((row) => maker.cells(row, state))]; }
    const names = maker.bySetting ? [] : ["split", "metric"], values = names.map((key) => state[key]);
    const head = [...data.dimensions, ...names, "strategy", ...maker.columns];
    return [head, ...rows.map((row) => [...ids, ...values, row.strategy, ...maker.cells(row, state)])];
  }

  const lineAtZero = ({ zero }, rows, state) => {
    if (!rows.length || !zero) { return []; }
    return typeof zero === "function" ? zero(state) : [zero];
  };
  // `ast`: expressions are interpreted, so that the page needs no `eval`, which its policy forbids.
  // Figures with a line for each strategy are as high as they have lines.
  const heightOf = (rows, spec) => {
    const lines = new Set(rows.filter((row) => "row" in row).map((row) => row.row)).size;
    return lines ? lines * 26 : spec.height;
  };
  async function draw(name, element, spec, state, onClick) {
    const rows = makers[name].rows(state), datasets = { points: rows, zero: lineAtZero(makers[name], rows, state) };
    const { view } = await vegaEmbed(element, { ...spec, datasets, height: heightOf(rows, spec) }, {
      mode: "vega-lite", actions: false, renderer: "svg", ast: true, logLevel: 1, tooltip: { theme: "page" },
    });
    shown.set(name, rows);
    view.addEventListener("click", (event, item) => {
      if (item && item.datum && item.datum.strategy) { onClick(item.datum.strategy); }
    });
    views.set(name, view);
    return { count: rows.length, unit: makers[name].unit(state) };
  }
  async function update(name, state) {
    const view = views.get(name), maker = makers[name], rows = maker.rows(state);
    shown.set(name, rows);
    view.signal("highlight", Array.from(state.highlight)).signal("cursor", "");
    view.data("points", rows);
    if (rows.length && "row" in rows[0]) { view.height(heightOf(rows)); }
    if (maker.zero) { view.data("zero", lineAtZero(maker, rows, state)); }
    await view.runAsync();
    return { count: rows.length, unit: maker.unit(state) };
  }
  // By keyboard: left and right within a strategy or list, up and down between strategies.
  function step(name, key) {
    const view = views.get(name), rows = shown.get(name).filter((row) => row.key && !row.end);
    if (!rows.length) { return ""; }
    let at = rows.findIndex((row) => row.key === view.signal("cursor"));
    const across = key === "ArrowLeft" || key === "ArrowRight", forward = key === "ArrowRight" || key === "ArrowDown";
    if (at < 0) {
      at = 0;
    } else if (across || !("row" in rows[at] || rows.every((row) => row.strategy === rows[at].strategy))) {
      const same = across && !("row" in rows[at]) ? rows.filter((row) => row.strategy === rows[at].strategy) : rows;
      if (across) {
        const place = same.indexOf(rows[at]) + (forward ? 1 : -1);
        at = rows.indexOf(same[(place + same.length) % same.length]);
      } else {
        const names = [...new Set(rows.map((row) => row.strategy))];
        const other = names[(names.indexOf(rows[at].strategy) + (forward ? 1 : -1) + names.length) % names.length];
        const near = rows.filter((row) => row.strategy === other);
        near.sort((a, b) => Math.abs(a.x - rows[at].x) - Math.abs(b.x - rows[at].x));
        at = rows.indexOf(near[0]);
      }
    } else {
      at = (at + (forward ? 1 : -1) + rows.length) % rows.length;
    }
    view.signal("cursor", rows[at].key).runAsync();
    const row = rows[at];
    return { strategy: row.strategy, told: "row" in row
      ? `${row.row}${row.of ? `, ${row.of}` : ""}: ${row.text}${row.interval ? ` (95 % interval ${row.interval})` : ""}${row.note ? `, ${row.note}` : ""}`
      : `${row.strategy}, ${row.at || `${row.x.toLocaleString("en")} labels`}: ${row.text}${row.note ? `, ${row.note}` : ""}` };
  }
  return { data, costs, byName, makers, draw, update, step, csvOf, text, fixed, share, ends, look, lineRows, rounded };
})();
