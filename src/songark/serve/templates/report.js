"use strict";
(() => {
  const sizes = ["B", "kB", "MB", "GB", "TB", "PB"];
  const size = (bytes) => {
    let power = 0;
    while (bytes >= 1000 && power < sizes.length - 1) { bytes /= 1000; power += 1; }
    return power ? bytes.toFixed(1) + " " + sizes[power] : Math.round(bytes) + " B";
  };
  const share = (part, whole) => {
    if (part <= 0) return "0%";
    if (part >= whole) return "100%";
    const tenths = Math.floor((part * 1000) / whole);
    return tenths ? (tenths / 10).toFixed(1) + "%" : "<0.1%";
  };
  const count = (n, noun) => n.toLocaleString("en") + " " + noun + (n === 1 ? "" : "s");

  function curve(data) {
    const byId = (id) => document.getElementById(id);
    const plot = byId("plot"), cursor = byId("cursor"), answer = byId("answer");
    const budget = byId("budget"), slide = byId("slide");
    const unit = 1000 ** sizes.indexOf(document.querySelector(".ask .unit").textContent);
    const span = data.log ? Math.log10(data.total / data.first) || 1 : 0;
    const place = (bytes) => data.log
      ? Math.log10(Math.max(bytes, data.first) / data.first) / span
      : bytes / data.total;
    const bytesAt = (x) => data.log ? data.first * 10 ** (span * x) : data.total * x;
    // The last point that fits.
    const tracks = (room) => {
      let low = 0, high = data.points.length - 1;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (data.points[middle][0] <= room) low = middle; else high = middle - 1;
      }
      return data.points[low];
    };
    // Whole packs, most listens a byte first; one that does not fit is passed over.
    const packs = (room) => {
      const held = [0, 0, 0];
      for (const one of data.packs) {
        if (held[0] + one[0] <= room) one.forEach((value, i) => { held[i] += value; });
      }
      return held;
    };
    const part = (tag, text) => {
      const node = document.createElement(tag);
      node.textContent = text;
      return node;
    };
    const show = (room) => {
      const best = tracks(room), whole = packs(room);
      const x = 100 * Math.min(1, Math.max(0, place(room))) + "%";
      const y = (heard) => 100 * (1 - heard / data.listens) + "%";
      const [line, onPacks, onLine] = cursor.children;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      for (const [dot, at] of [[onPacks, whole], [onLine, best]]) {
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y(at[1]));
      }
      cursor.setAttribute("visibility", "visible");
      const least = (exact) => exact ? "" : "at least ";
      answer.replaceChildren(
        part("b", size(room)), " covers " + least(data.whole),
        part("b", share(best[1], data.listens)), " of all listens with the best " +
          count(best[2], "track") + ", " + least(data.single),
        part("b", share(whole[1], data.listens)), " with whole packs (" +
          count(whole[2], "track") + ", " + size(whole[0]) + ").");
    };
    let room = bytesAt(data.log ? 0.8 : 0.4);
    const set = (bytes, from) => {
      room = Math.min(Math.max(bytes || 0, 0), data.total);
      if (from !== budget) budget.value = Number((room / unit).toPrecision(4));
      if (from !== slide) slide.value = 1000 * Math.min(1, Math.max(0, place(room)));
      slide.setAttribute("aria-valuetext", size(room));
      show(room);
    };
    const under = (event) => {
      const box = plot.getBoundingClientRect();
      return bytesAt(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    };
    budget.max = data.total / unit;
    slide.addEventListener("input", () => set(bytesAt(slide.value / 1000), slide));
    budget.addEventListener("input", () => set(budget.value * unit, budget));
    plot.addEventListener("pointermove", (event) => show(under(event)));
    plot.addEventListener("pointerleave", () => show(room));
    plot.addEventListener("click", (event) => set(under(event)));
    for (const node of document.querySelectorAll(".ask, .answer")) node.hidden = false;
    set(room);
  }

  function copying(node) {
    const copy = () => navigator.clipboard.writeText(node.textContent).then(() => {
      node.classList.add("copied");
      setTimeout(() => node.classList.remove("copied"), 1200);
    }, () => {});
    node.classList.add("can-copy");
    node.addEventListener("click", copy);
  }

  const told = document.getElementById("curve-data");
  if (told) curve(JSON.parse(told.textContent));
  if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(copying);
  // Paper shows what is folded on the screen.
  addEventListener("beforeprint", () => {
    for (const node of document.querySelectorAll("details")) node.open = true;
  });
})();
