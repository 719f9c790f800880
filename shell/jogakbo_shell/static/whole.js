// Loads a page again of which only a part came, or not its scripts: a browser shows that for ever and says nothing.
(() => {
  "use strict";
  const SILENCE_MS = 3000, LOOK_MS = 500, HEAD_MS = 5000, MOST_TIMES = 5, KEY = "jogakbo-halves";
  const root = document.documentElement, parts = document.getElementsByTagName("*");
  let known = 0, cameAt = 0, asks = false, touched = false;

  // Whose answer breaks off is "loading" for ever; where live.js runs, it says so here.
  const isHalf = () => document.readyState === "loading" ||
    (document.readyState === "complete" && document.body.dataset.grant && !document.hidden && !root.dataset.live);

  // A form works without scripts, too; what somebody has begun to write is worth more than they are.
  document.addEventListener("input", () => { touched = true; });

  const timer = setInterval(async () => {
    if (root.dataset.live) {
      sessionStorage.removeItem(KEY);
      return clearInterval(timer);
    }
    if (parts.length !== known || !isHalf()) [known, cameAt] = [parts.length, Date.now()];
    const times = Number(sessionStorage.getItem(KEY));
    // Where scripts are kept out on purpose, a page that comes anew again and again would only disturb.
    if (asks || touched || times >= MOST_TIMES || Date.now() - cameAt < SILENCE_MS * 2 ** times) return;
    asks = true;
    const within = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(HEAD_MS) };
    const answer = await fetch(location, within).catch(() => null);
    asks = false;
    // Where the portal cannot be reached now, half a page is better than none.
    if (!(answer?.status < 500) || touched || parts.length !== known || !isHalf()) return;
    sessionStorage.setItem(KEY, times + 1);
    location.reload();
  }, LOOK_MS);
})();
