"use strict";
// Tables: sorted by a column, filtered, saved; rows of highlighted strategies marked.
const tables = (function () {
  let known = new Set(), marked = new Set(), rowsOf = null;
  function key(row, column) {
    const text = row.cells[column].textContent.trim();
    const found = text.replace(/,/g, "").match(/^[<>+\s]*(-?\d+(\.\d+)?)/);
    return found ? Number(found[1]) : text;
  }
  function sort(table, column) {
    const body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells);
    const down = heads[column].getAttribute("aria-sort") !== "descending";
    const rows = Array.from(body.rows).map((row) => [key(row, column), row]);
    rows.sort((a, b) => {
      const numbers = typeof a[0] === "number" && typeof b[0] === "number";
      const order = numbers ? a[0] - b[0] : String(a[0]).localeCompare(String(b[0]));
      return down ? -order : order;
    });
    rows.forEach((pair) => body.appendChild(pair[1]));
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  }
  function filter(table, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const told = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => told.includes(word));
    }
  }
  function save(rows, name) {
    const quoted = (cell) => (/[",\n\r]/.test(String(cell)) ? `"${String(cell).replace(/"/g, '""')}"` : String(cell));
    const text = rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name.replace(/[^\w.-]+/g, "-") + ".csv";
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  function button(text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    return made;
  }
  // Only what is seen is set up: a page may have hundreds of tables, most in closed parts.
  function prepare(table) {
    if (table.dataset.ready) { return; }
    table.dataset.ready = "yes";
    const title = table.parentElement.getAttribute("aria-label") || "table";
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      head.addEventListener("click", () => sort(table, column));
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(table, column); }
      });
    });
    const tools = document.createElement("div");
    tools.className = "tools";
    if (table.tBodies[0].rows.length > 5) {
      const field = document.createElement("input");
      field.type = "search";
      field.placeholder = "filter rows";
      field.setAttribute("aria-label", `filter rows: ${title}`);
      field.addEventListener("input", () => filter(table, field.value));
      tools.appendChild(field);
    }
    tools.appendChild(button("CSV", () => save(
      Array.from(table.rows).filter((row) => !row.hidden)
        .map((row) => Array.from(row.cells).map((cell) => cell.textContent.trim())), title)));
    tools.lastChild.setAttribute("aria-label", `save as CSV: ${title}`);
    table.parentElement.before(tools);
  }
  function prepareIn(element) {
    for (const table of element.querySelectorAll("table.sortable")) {
      const closed = table.closest("details:not([open])");
      if (!closed) { prepare(table); }
    }
  }
  // A part's tables are text until it is opened.
  function unfold(part) {
    const folded = part.querySelector(":scope > noscript");
    if (!folded) { return; }
    const holder = document.createElement("template");
    holder.innerHTML = folded.textContent;
    folded.replaceWith(holder.content);
    if (rowsOf) {
      note(part);
      color();
    }
  }
  function start(names, onClick) {
    known = names;
    document.querySelectorAll("details[open]").forEach(unfold);
    prepareIn(document);
    document.addEventListener("toggle", (event) => {
      if (!event.target.open) { return; }
      unfold(event.target);
      prepareIn(event.target);
    }, true);
    document.addEventListener("click", (event) => {
      const cell = event.target.closest && event.target.closest("table.sortable tbody td");
      if (cell && names.has(cell.textContent.trim())) { onClick(cell.textContent.trim()); }
    });
  }
  function note(element) {
    for (const cell of element.querySelectorAll("table.sortable tbody td.key, table.sortable tbody td:first-child")) {
      const name = cell.textContent.trim();
      if (known.has(name)) { rowsOf.set(name, [...(rowsOf.get(name) || []), cell.parentElement]); }
    }
  }
  function color() {
    for (const [name, rows] of rowsOf) {
      for (const row of rows) { row.classList.toggle("highlighted", marked.has(name)); }
    }
  }
  function mark(highlight) {
    marked = highlight;
    if (!rowsOf) {
      if (!highlight.size) { return; }
      rowsOf = new Map();
      note(document);
    }
    color();
  }
  return { start, mark, save, button };
})();
