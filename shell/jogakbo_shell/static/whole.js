// Loads a page again of which only a part came, or not its scripts: a browser shows that for ever and says nothing.
(() => {
  "use strict";
  const SILENCE_MS = 3000, LOOK_MS = 500, HEAD_MS = 5000, MOST_TIMES = 5, KEY = "jogakbo-halves";
  const root = document.documentElement, parts = document.getElementsByTagName("*");
  let known = 0, cameAt = 0, asks = false;

  // Whose answer breaks off is "loading" for ever; where live.js runs, it says so here.
  const isHalf = () => document.readyState === "loading" ||
    (document.readyState === "complete" && document.body.dataset.grant && !document.hidden && !root.dataset.live);

  const timer = setInterval(async () => {
    if (root.dataset.live) {
      sessionStorage.removeItem(KEY);
      return clearInterval(timer);
    }
    if (parts.length !== known || !isHalf()) [known, cameAt] = [parts.length, Date.now()];
    const times = Number(sessionStorage.getItem(KEY));
    if (asks || Date.now() - cameAt < SILENCE_MS * 2 ** times) return;
    asks = true;
    const within = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(HEAD_MS) };
    const answer = await fetch(location, within).catch(() => null);
    asks = false;
    // Where the portal cannot be reached now, half a page is better than none.
    if (!(answer?.status < 500) || parts.length !== known || !isHalf()) return;
    sessionStorage.setItem(KEY, Math.min(times + 1, MOST_TIMES));
    location.reload();
  }, LOOK_MS);
})();
