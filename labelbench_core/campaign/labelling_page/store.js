"use strict";
// What is answered, as a log that only grows: in IndexedDB, else in localStorage, else in memory.
// Two tabs add to the same log and never write over each other.
const store = (function () {
  const NAME = "labelbench-labels", PREFIX = "labelbench-labels:";
  let database = null, kind = "memory", count = 0, handed = 0;
  const memory = [], known = new Map(), tab = Math.random().toString(36).slice(2);
  let channel = null;
  try { channel = new BroadcastChannel(NAME); } catch { channel = null; }

  const opened = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("log", { keyPath: "place", autoIncrement: true }).createIndex("key", "key");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("blocked"));
    setTimeout(() => reject(new Error("no answer")), 4000);
  });
  // Strict: the browser says that it is done when the disk has it, so that a crash loses nothing.
  const toDatabase = (events) => new Promise((resolve, reject) => {
    const work = database.transaction("log", "readwrite", { durability: "strict" });
    events.forEach((event) => work.objectStore("log").add(event));
    work.oncomplete = () => resolve();
    work.onabort = work.onerror = () => reject(work.error || new Error("refused"));
  });
  const fromDatabase = (key) => new Promise((resolve, reject) => {
    const asked = database.transaction("log").objectStore("log").index("key").getAll(key);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  function toLocal(events) {
    for (const event of events) {
      count += 1;
      const place = `${String(Date.now()).padStart(15, "0")}-${String(count).padStart(8, "0")}-${tab}`;
      localStorage.setItem(`${PREFIX}${event.key}:${place}`, JSON.stringify(event));
    }
  }
  function fromLocal(key) {
    const start = `${PREFIX}${key}:`;
    return Object.keys(localStorage).filter((name) => name.startsWith(start)).sort()
      .map((name) => JSON.parse(localStorage.getItem(name)));
  }
  // True where a probe was kept; nothing but a write tells that writing works.
  async function start() {
    try {
      database = await opened();
      database.onversionchange = () => database.close();
      await toDatabase([{ key: "probe", id: `probe-${tab}` }]);
      kind = "IndexedDB";
      if (navigator.storage && navigator.storage.persist) { navigator.storage.persist().catch(() => false); }
      return true;
    } catch { database = null; }
    try {
      localStorage.setItem(`${PREFIX}probe`, "1");
      kind = "localStorage";
      return true;
    } catch { kind = "memory"; }
    return false;
  }
  // Whether the events are kept; those that are not stay in memory and are tried again with the next.
  async function add(events) {
    memory.push(...events);
    const all = memory.slice();
    try {
      if (kind === "IndexedDB") { await toDatabase(all); } else if (kind === "localStorage") { toLocal(all); } else { return false; }
    } catch { return false; }
    memory.splice(0, all.length);
    handed = 0;
    if (channel) { channel.postMessage("added"); }
    return true;
  }
  async function read(key) {
    try {
      if (kind === "IndexedDB") { known.set(key, await fromDatabase(key)); } else if (kind === "localStorage") { known.set(key, fromLocal(key)); }
    } catch { known.set(key, known.get(key) || []); }
    return (known.get(key) || []).concat(memory.filter((event) => event.key === key));
  }
  function onOthers(changed) {
    if (channel) { channel.onmessage = changed; }
    window.addEventListener("focus", changed);
    window.addEventListener("storage", changed);
  }
  const answered = () => memory.filter((event) => event.answer).length;
  const id = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return { start, add, read, onOthers, id, unsaved: () => answered() - handed, downloaded: () => { handed = answered(); }, kind: () => kind };
}());
