// What the pages gain with JavaScript: messages as they arrive, a span that is picked in the series,
// names that are completed in a query, a status that stays current. Texts go into the page as text only.

const element = (name, className, text) => {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};

// Messages that arrive go to the top of the list that follows.
for (const status of document.querySelectorAll("[data-live]")) {
  const list = status.parentElement.querySelector(".lines");
  const guild = location.pathname.split("/")[2];
  const source = new EventSource(status.dataset.live);
  source.onopen = () => { status.textContent = "Live: new messages appear here."; };
  source.onerror = () => { status.textContent = "The daemon does not answer; trying again."; };
  source.onmessage = (event) => {
    const m = JSON.parse(event.data);
    const item = element("li");
    const meta = element("p", "meta");
    const link = element("a");
    link.href = "/g/" + guild + "/u/" + m.user;
    link.append(element("bdi", "", m.name));
    const time = element("time", "", m.time.slice(0, 10) + " " + m.time.slice(11, 19) + "Z");
    time.dateTime = m.time;
    meta.append(link, " in ", element("bdi", "", "#" + m.channel), " · ", time);
    const said = element("p", "said", m.text);
    said.dir = "auto";
    item.append(meta, said);
    list.prepend(item);
    while (list.children.length > 100) list.lastElementChild.remove();
  };
  addEventListener("pagehide", () => source.close());
}

// Dragging over the series sets the window.
for (const series of document.querySelectorAll("[data-brush]")) {
  const svg = series.querySelector("svg");
  const bars = [...svg.querySelectorAll("rect.bar")].map((bar) => ({
    from: +bar.getAttribute("x"), to: +bar.getAttribute("x") + +bar.getAttribute("width"),
    label: bar.querySelector("title").textContent.split(":")[0],
  }));
  let start = null;
  let shade = null;
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  series.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = at(event);
    shade = element("div", "brush");
    series.append(shade);
    series.setPointerCapture(event.pointerId);
  });
  series.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const now = at(event);
    shade.style.left = 100 * Math.min(start, now) + "%";
    shade.style.width = 100 * Math.abs(now - start) + "%";
  });
  series.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const width = svg.viewBox.baseVal.width;
    const [from, to] = [start, at(event)].sort((a, b) => a - b).map((share) => share * width);
    start = null;
    shade.remove();
    const picked = bars.filter((bar) => bar.to > from && bar.from < to);
    if (to - from < 8 || picked.length === 0) return;
    const day = (label) => (label.length === 7 ? label + "-01" : label);
    const end = new Date(day(picked.at(-1).label) + "T00:00:00Z");
    const grain = picked[0].label.length === 7 ? "month" : bars.length > 1 && step(bars) >= 7 ? "week" : "day";
    if (grain === "month") end.setUTCMonth(end.getUTCMonth() + 1);
    else end.setUTCDate(end.getUTCDate() + (grain === "week" ? 7 : 1));
    const q = new URLSearchParams(location.search);
    q.delete("window");
    q.set("since", day(picked[0].label));
    q.set("until", end.toISOString().slice(0, 10));
    location.search = q;
  });
  series.addEventListener("pointercancel", () => { start = null; shade?.remove(); });
}

// step is the least number of days between two bars.
function step(bars) {
  let least = Infinity;
  for (let i = 1; i < bars.length; i++) {
    least = Math.min(least, (Date.parse(bars[i].label) - Date.parse(bars[i - 1].label)) / 86400000);
  }
  return least;
}

// A name is completed behind from:, mentions: and in:.
for (const input of document.querySelectorAll("input[data-people]")) {
  const values = (id) => [...document.getElementById(id).options].map((option) => option.value);
  const people = values(input.dataset.people);
  const channels = values(input.dataset.channels);
  const offered = element("datalist");
  offered.id = "offered";
  input.after(offered);
  input.setAttribute("list", offered.id);
  input.addEventListener("input", () => {
    const found = /^(.*?)(from:|mentions:|in:)([^\s"]*)$/i.exec(input.value);
    offered.replaceChildren();
    if (!found) return;
    const [, before, name, begun] = found;
    for (const value of name.toLowerCase() === "in:" ? channels : people) {
      if (!value.replace('"', "").toLowerCase().startsWith(begun.toLowerCase())) continue;
      const option = element("option");
      option.value = before + name + value;
      offered.append(option);
      if (offered.children.length === 20) break;
    }
  });
}

// The status is asked for again; while the daemon is gone, the page says so.
for (const mark of document.querySelectorAll("[data-refresh]")) {
  setInterval(async () => {
    try {
      const response = await fetch("/healthz", { cache: "no-store" });
      if (response.status < 600) location.reload();
    } catch {
      mark.textContent = "The daemon does not answer; trying again.";
    }
  }, 1000 * mark.dataset.refresh);
}

// A choice in a filter shows at once.
for (const select of document.querySelectorAll(".filter select")) {
  select.addEventListener("change", () => {
    if (select.name === "window") for (const input of select.form.querySelectorAll("input[type=date]")) input.value = "";
    select.form.submit();
  });
}
