"use strict";
// Answers as CSV and back: the columns that the campaign reads.
const answerTable = (function () {
  const LAST = ["outcome", "annotator", "seconds", "at", "batch", "suggestion_shown"];
  const OUTCOMES = ["labelled", "skipped", "unsure", "no-class"];

  const quoted = (cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replace(/"/g, '""')}"` : cell);
  function text(answers, batch, multilabel) {
    const rows = [["item", multilabel ? "labels" : "label", ...LAST]];
    for (const one of answers) {
      const label = one.outcome !== "labelled" ? "" : multilabel ? JSON.stringify(one.label) : one.label;
      const seconds = one.seconds === null || one.seconds === undefined ? "" : String(one.seconds);
      rows.push([one.item, label, one.outcome, one.annotator, seconds, one.at || "", batch, one.shown ? "yes" : "no"]);
    }
    return rows.map((row) => `${row.map(quoted).join(",")}\n`).join("");
  }
  function cells(given) {
    const rows = [[""]];
    const first = given.split("\n", 1)[0];
    const separator = [",", ";", "\t"].find((one) => first.split(one).length > 1) || ",";
    let inside = false;
    for (let i = 0; i < given.length; i += 1) {
      const row = rows[rows.length - 1], letter = given[i];
      if (inside) {
        if (letter !== '"') { row[row.length - 1] += letter; } else if (given[i + 1] === '"') { row[row.length - 1] += '"'; i += 1; } else { inside = false; }
      } else if (letter === '"' && row[row.length - 1] === "") { inside = true; } else if (letter === separator) { row.push(""); } else if (letter === "\n") { rows.push([""]); } else if (letter !== "\r") { row[row.length - 1] += letter; }
    }
    // Each with its line, as spreadsheets count.
    return rows.map((row, index) => [row, index + 1]).filter(([row]) => row.some((cell) => cell !== ""));
  }
  function labels(cell) {
    if (!cell.trim().startsWith("[")) { return cell.split(";").map((one) => one.trim()).filter(Boolean); }
    try { return JSON.parse(cell).map(String); } catch { return [cell]; }
  }
  // Answers of a table, and one line for each row that says something that is not allowed.
  function read(given, items, classes, multilabel) {
    const [[head] = [[]], ...rows] = cells(given.replace(/^\uFEFF/, "")), answers = [], errors = [];
    const names = head.map((name) => name.trim().toLowerCase());
    if (!names.includes("item")) { return { answers, errors: ["no column item"] }; }
    rows.forEach(([row, line]) => {
      const of = (name) => (names.includes(name) ? row[names.indexOf(name)] || "" : "");
      const said = of("labels") || of("label"), outcome = of("outcome").trim() || (said ? "labelled" : "");
      const told = (what) => errors.push(`line ${line}: ${what}`);
      if (!outcome) { return; }
      const label = multilabel ? labels(said) : said.trim();
      const unknown = outcome === "labelled" ? [].concat(label).filter((one) => !classes.includes(one)) : [];
      if (!items.has(of("item"))) { told(`item “${of("item")}” is not in this batch`); return; }
      if (!OUTCOMES.includes(outcome)) { told(`outcome “${outcome}”; allowed: ${OUTCOMES.join(", ")}`); return; }
      if (unknown.length) { told(`label “${unknown[0]}” is not a class`); return; }
      const seconds = of("seconds") === "" || !Number.isFinite(Number(of("seconds"))) ? null : Number(of("seconds"));
      answers.push({
        item: of("item"), outcome, label: outcome === "labelled" ? label : null, annotator: of("annotator"),
        seconds, at: of("at") || null, shown: of("suggestion_shown") === "yes",
      });
    });
    return { answers, errors };
  }
  return { text, read };
}());
