"use strict";
// What is drawn: an item, the classes, the list of all items.
const views = (function () {
  const KEYS = [..."1234567890abcdefghijklmnopqrstuvwxyz"];
  const at = (id) => document.getElementById(id);

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }
  function button(text, key, onClick) {
    const made = element("button", { type: "button" }, element("span", { textContent: text }));
    if (key) {
      made.append(element("kbd", { textContent: { Backspace: "⌫", ArrowLeft: "←", ArrowRight: "→" }[key] || key }));
      made.querySelector("kbd").setAttribute("aria-hidden", "true");
      made.setAttribute("aria-keyshortcuts", key);
    }
    // After a click Enter is the page's again; after the keyboard it stays the button's.
    made.addEventListener("click", (event) => {
      if (event.detail) { made.blur(); }
      onClick();
    });
    return made;
  }
  function content(item, number, total) {
    if (item.image !== undefined) { return element("img", { src: item.image, alt: `Item ${number} of ${total}`, decoding: "async" }); }
    if (item.text !== undefined) { return element("p", { className: "text", dir: "auto", tabIndex: 0, textContent: item.text }); }
    return element("p", { className: "own", textContent: item.item });
  }
  function said(answer) {
    if (!answer) { return "unanswered"; }
    if (answer.outcome !== "labelled") { return { skipped: "skipped", unsure: "not sure", "no-class": "no class" }[answer.outcome]; }
    return Array.isArray(answer.label) ? answer.label.join(", ") || "none of them" : answer.label;
  }
  const SIGNS = { labelled: "✓", skipped: "↷", unsure: "?", "no-class": "∅" };
  const FILTERS = {
    all: () => true, unanswered: (one) => !one, answered: (one) => Boolean(one),
    "not sure": (one) => one && one.outcome === "unsure", skipped: (one) => one && one.outcome === "skipped",
    "no class": (one) => one && one.outcome === "no-class",
  };
  // Previews are made when they come into sight: hundreds of images at once would take seconds.
  function list(items, choose) {
    const previews = new Map(), buttons = [];
    const sight = new IntersectionObserver((seen) => seen.forEach((one) => {
      if (!one.isIntersecting) { return; }
      sight.unobserve(one.target);
      const item = previews.get(one.target);
      if (item.image !== undefined) { one.target.append(element("img", { src: item.image, alt: "", decoding: "async", loading: "lazy" })); }
    }), { rootMargin: "200px" });
    items.forEach((item, place) => {
      const preview = element("span", { className: "preview", dir: "auto" }), told = element("span", { className: "told" });
      if (item.image === undefined) { preview.textContent = (item.text === undefined ? item.item : item.text).slice(0, 120); }
      previews.set(preview, item);
      const made = element("button", { type: "button" }, preview, told);
      made.addEventListener("click", () => choose(place));
      buttons.push(made);
      at("items").append(element("li", {}, made));
      sight.observe(preview);
    });
    Object.keys(FILTERS).forEach((name) => at("filter").append(element("option", { value: name, textContent: name })));
    return (answers, current) => {
      const wanted = FILTERS[at("filter").value];
      let shown = 0;
      buttons.forEach((made, place) => {
        const answer = answers.get(items[place].item), told = made.lastChild;
        const text = `${place + 1} ${answer ? `${SIGNS[answer.outcome]} ` : ""}${said(answer)}`;
        if (told.textContent !== text) {
          told.textContent = text;
          made.setAttribute("aria-label", `item ${place + 1}, ${said(answer)}`);
        }
        if (place === current) { made.setAttribute("aria-current", "true"); } else { made.removeAttribute("aria-current"); }
        made.parentNode.hidden = !wanted(answer);
        shown += wanted(answer) ? 1 : 0;
      });
      at("listed").textContent = `${shown} of ${items.length}`;
    };
  }
  return { KEYS, at, element, button, content, said, list };
}());
