// Keeps a page true without a reload: what has changed is put in its place, but never under a person's hands.
"use strict";

const EVERY_MS = 3000;
const PATIENCE_MS = 12000;
let heard = Date.now();

function localize(root) {
  const language = document.documentElement.lang;
  const place = navigator.languages.find((each) => each.split("-")[0] === language.split("-")[0]);
  const shown = new Intl.DateTimeFormat(place ?? language, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23",
  });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.getAttribute("datetime"));
    if (!Number.isNaN(at.getTime())) {
      time.title = time.getAttribute("datetime");
      time.textContent = shown.format(at);
    }
  }
}

function busy(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches("input, select, button")) return true;
  return [...part.querySelectorAll("input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);
}

function putIn(news) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = news.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!fresh || busy(part)) continue;
    localize(fresh);
    // ids of commands in forms are new each time: what is the same but for them stays as it is
    const same = (of) => of.innerHTML.replace(/name="command_id" value="[^"]*"/g, "");
    if (same(fresh) !== same(part)) part.replaceChildren(...fresh.childNodes);
  }
  document.title = news.title;
}

function stale(is) {
  const banner = document.querySelector("[data-stale]");
  banner.hidden = !is;
  if (is) {
    banner.querySelector("time").setAttribute("datetime", new Date(heard).toISOString());
    localize(banner);
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected) return location.reload(); // to log in
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    putIn(new DOMParser().parseFromString(await answer.text(), "text/html"));
    heard = Date.now();
    stale(false);
  } catch {
    stale(Date.now() - heard > PATIENCE_MS);
  }
}

localize(document);
if (document.body.dataset.refresh !== "no") {
  (async () => {
    for (;;) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      await refresh();
    }
  })();
}
