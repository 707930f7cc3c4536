// Keeps a page true without a reload: what has changed is put in its place, but never under a person's hands.
"use strict";

const EVERY_MS = 3000;
const PATIENCE_MS = 12000;
let heard = Date.now();

function localize(root) {
  const language = document.documentElement.lang;
  const place = navigator.languages.find((each) => each.split("-")[0] === language.split("-")[0]) ?? language;
  const day = { year: "numeric", month: "short", day: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.getAttribute("datetime"));
    if (Number.isNaN(at.getTime())) continue;
    const zone = time.closest("[data-zone]") ? { timeZoneName: "short" } : {};
    const shown = "day" in time.dataset ? day : { ...day, ...clock, ...zone };
    time.title = time.getAttribute("datetime");
    time.textContent = new Intl.DateTimeFormat(place, shown).format(at);
  }
}

let pressed = false;
for (const [name, is] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(name, () => { pressed = is; }, { passive: true });
}

const filled = (part) =>
  [...part.querySelectorAll("input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);

// Under a person's hands nothing moves: what is focused, marked or pressed stays as it is until they let go.
function busy(part) {
  const marked = getSelection();
  return pressed || part.contains(document.activeElement) ||
    (!marked.isCollapsed && part.contains(marked.anchorNode));
}

// Ids of commands are new each time; and how long something has lasted is no news to somebody who is about to act.
const gist = (part) => part.innerHTML.replace(/name="command_id" value="[^"]*"/g, "");
const news = (part) => [...part.querySelectorAll("form")].map((form) => new URLSearchParams(
  [...new FormData(form)].filter(([name]) => !["command_id", "by", "reason"].includes(name))).toString()).join("\n");

function putIn(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!now) continue;
    localize(now);
    if (part.querySelector("form[action='/commands']")) {
      // a form that moves is another form under the same finger
      if (news(now) !== news(part)) document.querySelector("[data-news]").hidden = false;
    } else if (!busy(part) && gist(now) !== gist(part)) {
      part.replaceChildren(...now.childNodes);
    }
  }
  document.title = fresh.title;
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
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(location.href, { signal: giveUp.signal });
    if (answer.redirected) {
      if (!filled(document)) location.reload(); // to log in
      return stale(Date.now() - heard > PATIENCE_MS);
    }
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    putIn(new DOMParser().parseFromString(await answer.text(), "text/html"));
    heard = Date.now();
    stale(false);
  } catch {
    stale(Date.now() - heard > PATIENCE_MS);
  } finally {
    clearTimeout(timer);
  }
}

localize(document);
if (document.body.dataset.refresh !== "no") {
  const wakes = () => {
    if (document.hidden) return;
    stale(Date.now() - heard > PATIENCE_MS); // a telephone has slept: what it shows is of before
    refresh();
  };
  document.addEventListener("visibilitychange", wakes);
  addEventListener("pageshow", (event) => { if (event.persisted) wakes(); });
  (async () => {
    for (;;) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      if (!document.hidden) await refresh();
    }
  })();
}
