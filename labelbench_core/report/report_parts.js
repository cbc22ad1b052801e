"use strict";
// Figures by class: dots of all classes with some number of labels, and curves of one class.
(function () {
  const { data, byName, share, ends, look, lineRows, rounded, text } = charts;
  const MOST = 40; // rows of a figure; with more, the lowest and the highest half of them
  const plural = { class: "classes", group: "groups" };

  function partsOf(kind, state) {
    const found = data[plural[kind]].parts.find(([setting, split]) => setting === state.setting && split === state.split);
    return found ? { names: found[2], rows: found[3] } : { names: [], rows: [] };
  }
  const seriesOf = (kind, state) => data[plural[kind]].series.filter(
    ([setting, split]) => setting === state.setting && split === state.split);
  function countsOf(kind, state) {
    const counts = new Set(seriesOf(kind, state).flatMap((row) => data.labels[row[3]]));
    return Array.from(counts).sort((a, b) => b - a);
  }
  // What was chosen, or what is there in its place: the last labels, and the class that is worst with these.
  function chosenLabels(kind, state) {
    const counts = countsOf(kind, state);
    return counts.includes(state[kind].labels) ? state[kind].labels : counts[0];
  }
  // A strategy's value and half-width of every class with this number of labels, undefined without it.
  function valuesAt(kind, row, count, difference) {
    const at = data.labels[row[3]].indexOf(count), [means, halves] = difference ? [row[7], row[8]] : [row[5], row[6]];
    if (at < 0) { return undefined; }
    const size = means.length / data.labels[row[3]].length;
    return means.slice(at * size, (at + 1) * size).map((mean, i) => [mean, halves[at * size + i]]);
  }
  // Places of classes, the lowest value of the highlighted strategy first.
  function order(kind, state, difference) {
    const found = seriesOf(kind, state), count = chosenLabels(kind, state);
    const first = found.find((row) => row[2] === data.highlight) || found[0];
    const values = (first && valuesAt(kind, first, count, difference)) || [];
    const key = ([mean]) => (mean === null ? Infinity : mean);
    return values.map((pair, place) => place).sort((a, b) => key(values[a]) - key(values[b]) || a - b);
  }
  function chosenPart(kind, state) {
    const { names } = partsOf(kind, state);
    return names.includes(state[kind].part) ? state[kind].part : names[order(kind, state, false)[0]];
  }
  function dotRows(kind, state) {
    const difference = state[kind].show === "difference", count = chosenLabels(kind, state);
    const { names, rows: sizes } = partsOf(kind, state), rows = [];
    let places = order(kind, state, difference);
    if (places.length > MOST) { places = [...places.slice(0, MOST / 2), ...places.slice(-MOST / 2)]; }
    const found = seriesOf(kind, state).filter((row) => state.shown.has(row[2]));
    found.sort((a, b) => byName.get(a[2]).width - byName.get(b[2]).width);
    for (const place of places) {
      for (const series of found) {
        const pair = (valuesAt(kind, series, count, difference) || [])[place], strategy = series[2];
        if (!pair || pair[0] === null || (difference && strategy === data.baseline)) { continue; }
        const [low, high] = ends(...pair, true, difference);
        rows.push({
          ...look(strategy), row: names[place], of: strategy, strategy, key: `${names[place]}|${strategy}`, end: false,
          x: 100 * pair[0], low: low === null ? null : 100 * low, high: high === null ? null : 100 * high,
          text: text(...pair, share, difference), interval: "", note: `${sizes[place].toLocaleString("en")} rows`,
          csv: [names[place], sizes[place], count, series[4], rounded(pair[0]), rounded(low), rounded(high)],
        });
      }
    }
    return rows;
  }
  function curveRows(kind, state) {
    const { names } = partsOf(kind, state), place = names.indexOf(chosenPart(kind, state)), every = names.length;
    const of = (row, values) => data.labels[row[3]].map((count, i) => values[i * every + place]);
    const found = seriesOf(kind, state).filter((row) => state.shown.has(row[2]) && place >= 0).map(
      (row) => [row[0], row[1], "", row[2], row[3], row[4], of(row, row[5]), of(row, row[6])]);
    return lineRows(found, state, share, false);
  }
  function lacks(kind, state) {
    const found = data[plural[kind]].left_out.find(([setting]) => setting === state.setting);
    return found ? `; the page lacks ${found[1]}, which the tables have` : "";
  }
  for (const kind of Object.keys(plural).filter((one) => data[plural[one]])) {
    const numbers = ["num_labeled", "n_seeds"];
    charts.makers[plural[kind]] = {
      rows: (state) => dotRows(kind, state), bySetting: true,
      zero: (state) => (state[kind].show === "difference" ? [{ x: 0 }] : []),
      columns: ["split", kind, "rows", ...numbers, "value", "low", "high"], cells: (row, state) => [state.split, ...row.csv],
      unit: (state) => {
        const { names } = partsOf(kind, state), difference = state[kind].show === "difference";
        const cut = names.length > MOST ? `; the ${MOST / 2} lowest and ${MOST / 2} highest of ${names.length} by ${data.highlight}` : "";
        const what = difference ? `accuracy less that of ${data.baseline}, in points` : "accuracy in %";
        return `${what}, by ${kind}, ${state.split}${cut}${lacks(kind, state)}`;
      },
      choices: (state) => ({
        labels: { values: countsOf(kind, state), value: chosenLabels(kind, state), choose: (value) => { state[kind].labels = Number(value); } },
        show: { values: ["accuracy", "difference"], value: state[kind].show, choose: (value) => { state[kind].show = value; } },
      }),
    };
    charts.makers[`${kind}_curves`] = {
      rows: (state) => curveRows(kind, state), bySetting: true,
      columns: ["split", kind, ...numbers, "mean", "low", "high"],
      cells: (row, state) => [state.split, chosenPart(kind, state), row.x, row.seeds, ...row.csv],
      unit: (state) => `accuracy on ${kind} ${chosenPart(kind, state)} in %, ${state.split}${lacks(kind, state)}`,
      choices: (state) => ({
        [kind]: { values: partsOf(kind, state).names, value: chosenPart(kind, state), choose: (value) => { state[kind].part = value; } },
      }),
    };
  }
})();
