// Keeps an open page live: what live-worker.js hears is morphed into the fragment it is for; and sends forms once.
// Plain script, no build, no eval. What it expects of the page: docs/contract.md, section "Live".
(() => {
  "use strict";
  const root = document.documentElement;
  const { grant, worker = "/static/live-worker.js" } = document.body.dataset;
  const GLOW_MS = 1200, SETTLE_MS = 50, SIGN_MS = 2500, HERE_MS = 5000, HIDDEN_MS = 30000, READ_MS = 4000, CHECK_MS = 1500;
  const SEEN_MS = 30000, HEAD_MS = 5000, TURN_MS = 8000, MOST_SEEN = 100, COMPOSE_MS = 10000, DAY_MS = 72e6;
  const FIELDS = "input:not([type=hidden], [type=submit], [type=button]), select, textarea";
  const REACHABLE = `${FIELDS}, a[href], button, summary, [tabindex], [contenteditable]`;
  const random = (max) => Math.random() * max;
  // Forms on their way; elements in which somebody has written, and that somebody has scrolled.
  const busy = new Set(), edited = new Set(), scrolled = new Set();

  // htmx's morph itself: its swap() would also obey out-of-band swaps, titles and autofocus inside a frame.
  let morph;
  htmx.registerExtension("live", {
    init: (api) => { morph = api.morph; },
    htmx_before_morph_node: (element, { newNode }) => !(edited.has(element) && element.id && element.id === newNode.id),
    htmx_before_morph_attr: (element, { attrName }) =>
      // The person's choice wins.
      !(attrName === "open" && element.matches("details, dialog")) &&
      !((attrName === "aria-busy" || attrName === "aria-disabled") && busy.has(element.closest("form"))),
  });

  // ---- Putting HTML into a fragment under somebody's hands ----

  const isDirty = (field) =>
    /^(checkbox|radio)$/.test(field.type) ? field.checked !== field.defaultChecked
      : field.tagName !== "SELECT" ? field.value !== field.defaultValue
        : field.selectedIndex !== Math.max(0, [...field.options].findLastIndex((option) => option.defaultSelected));

  // What an element is for, so that text typed for one row never turns up in another: its id, or its form's address
  // and first hidden field (of the others, such as a total or a revision, as many as possible).
  const markOf = (element) => ({
    id: element.id,
    base: [element.tagName, element.name, element.getAttribute("href"), element.form?.getAttribute("action"),
      /^(checkbox|radio|submit)$/.test(element.type) && element.value].join("\n"),
    hidden: [...(element.form?.elements ?? [])].filter((other) => other.type === "hidden")
      .map((other) => `${other.name}=${other.value}`),
  });

  function heirOf(mark, elements) {
    let heir, most = -1;
    for (const element of elements) {
      const { id, base, hidden } = markOf(element);
      if (id || mark.id) {
        if (id === mark.id) return element;
        continue;
      }
      const shared = hidden.filter((field) => mark.hidden.includes(field)).length;
      if (base === mark.base && hidden[0] === mark.hidden[0] && shared > most) [heir, most] = [element, shared];
    }
    return heir;
  }

  function put(section, html) {
    for (const known of [edited, scrolled]) for (const element of known) if (!element.isConnected) known.delete(element);
    const template = document.createElement("template");
    template.innerHTML = html;
    const { content } = template, first = content.firstElementChild, whole = first?.id === section.id;
    if (whole) content.replaceChildren(first);
    for (const element of content.querySelectorAll("[autofocus]")) element.removeAttribute("autofocus");
    const unknown = keepNested(section, content);
    const typed = [...section.querySelectorAll(FIELDS)].filter(isDirty).map((field) =>
      ({ field, mark: markOf(field), value: field.value, checked: field.checked }));
    const active = section.contains(document.activeElement) ? document.activeElement : null;
    const around = [];
    for (let part = active; (part = part?.parentElement?.closest("section")) && section.contains(part);) around.push(part);
    const focus = active && { mark: markOf(active), around, start: active.selectionStart, end: active.selectionEnd };
    const places = placesIn(section, active);
    const observer = new MutationObserver(() => {});
    observer.observe(section, { subtree: true, childList: true, characterData: true });
    port?.postMessage({ changedAt: changedAt = Date.now() });
    morph(section, content, !whole);
    // It is no longer what a frame of that etag would show.
    if (!whole) delete section.dataset.etag;
    const records = observer.takeRecords();
    observer.disconnect();
    restore(section, typed);
    if (active) refocus(section, active, focus);
    for (const goBack of places) goBack();
    htmx.process(section);
    glow(section, records);
    for (const id of unknown) adopt(section.querySelector(`#${CSS.escape(id)}`));
  }

  // How far lists are scrolled, and what text is selected, or where in it the caret is: moving a node loses both.
  function placesIn(section, active) {
    const places = [...scrolled].filter((element) => section.contains(element)).map((element) => {
      const { scrollLeft, scrollTop } = element;
      return () => Object.assign(element, { scrollLeft, scrollTop });
    });
    const selection = getSelection(), { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
    if (section.contains(anchorNode) && section.contains(focusNode) && !active?.matches(FIELDS)) {
      const within = (node, offset) => Math.min(offset, node.length ?? node.childNodes.length);
      places.push(() => {
        if (!anchorNode.isConnected || !focusNode.isConnected) return;
        selection.setBaseAndExtent(
          anchorNode, within(anchorNode, anchorOffset), focusNode, within(focusNode, focusOffset),
        );
      });
    }
    return places;
  }

  // What is nested has frames of its own, so what the page shows of it is at least as new as what comes around it.
  function keepNested(section, content) {
    const unknown = [];
    for (const part of content.querySelectorAll("[data-fragment][id]")) {
      if (part.id === section.id) continue;
      const known = section.querySelector(`#${CSS.escape(part.id)}`);
      if (known) part.replaceWith(known.cloneNode(true));
      else unknown.push(part.id);
    }
    return unknown;
  }

  // Frames for it may have passed while it was not here.
  function adopt(section) {
    if (!section) return;
    asked.add(section.id);
    refresh(section, random(CHECK_MS));
  }

  function restore(section, typed) {
    const fields = [...section.querySelectorAll(FIELDS)], kept = new Set();
    for (const { mark, value, checked } of typed) {
      const field = heirOf(mark, fields);
      if (!field) continue;
      kept.add(field);
      if (/^(checkbox|radio)$/.test(field.type)) field.checked = checked;
      else if (field.value !== value) field.value = value;
    }
    for (const { field } of typed) {
      if (kept.has(field) || !field.isConnected) continue;
      if (field.tagName !== "SELECT") field.value = field.defaultValue;
      else for (const option of field.options) option.selected = option.defaultSelected;
    }
  }

  function refocus(section, active, { mark, around, start, end }) {
    // It is a refuge already.
    if (active === document.activeElement && active.matches("section")) return;
    const heir = heirOf(mark, section.querySelectorAll(REACHABLE));
    if (heir && heir === document.activeElement) return;
    if (!heir || heir.disabled) {
      // Never to a button that now does something else, nor to the body, from where a keyboard begins all over again.
      const refuge = around.find((part) => section.contains(part)) ?? section;
      refuge.tabIndex = -1;
      refuge.addEventListener("blur", () => refuge.removeAttribute("tabindex"), { once: true });
      return refuge.focus({ preventScroll: true });
    }
    heir.focus({ preventScroll: true });
    if (start != null) try { heir.setSelectionRange(start, end); } catch { /* a field without a caret */ }
  }

  function glow(section, records) {
    const changed = new Set(records.flatMap(({ type, target, addedNodes }) =>
      (type === "characterData" ? [target] : [...addedNodes])
        .filter((node) => node.textContent.trim())
        .map((node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement))));
    for (const element of changed) {
      if (!element?.isConnected || element === section || !section.contains(element)) continue;
      element.dataset.changed = "";
      setTimeout(() => delete element.dataset.changed, GLOW_MS);
    }
  }

  // ---- Fragments: frames, refreshes, and answers to actions ----

  const asked = new Set([...document.querySelectorAll("[data-fragment]")].map((section) => section.id));
  const sectionOf = (id) => (asked.has(id) ? document.getElementById(id) : null);
  // By id: how often live has swapped it; a frame that waits until an error message was read, or a syllable is
  // composed; the refresh to come.
  const swaps = new Map(), held = new Map(), due = new Map();

  function show(section, html) {
    swaps.set(section.id, (swaps.get(section.id) ?? 0) + 1);
    if (held.has(section.id)) return void held.set(section.id, html);
    put(section, html);
    return true;
  }

  function hold(section, recheck, within = READ_MS) {
    const free = () => {
      clearTimeout(timer);
      const html = held.get(section.id);
      held.delete(section.id);
      if (html) put(section, html);
      else if (recheck) refresh(section, 0);
    };
    const timer = setTimeout(free, within);
    held.set(section.id, "");
    return free;
  }

  function refresh(section, within, tries = 0) {
    const at = Date.now() + within, last = due.get(section.id);
    if (last?.timer && last.at <= at) return;
    clearTimeout(last?.timer);
    const turn = { at };
    turn.timer = setTimeout(async () => {
      turn.timer = 0;
      const before = swaps.get(section.id), html = await fetched(section);
      // A newer one is on its way, or an action has answered.
      if (due.get(section.id) !== turn) return;
      due.delete(section.id);
      // A frame that came meanwhile may be newer, or older: it is asked once more.
      if (html != null) return swaps.get(section.id) === before ? show(section, html) : refresh(section, CHECK_MS);
      section.dataset.state = "stale";
      refresh(section, random(Math.min(30000, 1000 * 2 ** tries)), tries + 1);
    }, within);
    due.set(section.id, turn);
  }

  async function fetched({ dataset: { fragment, params, src } }) {
    try {
      const answer = await fetch(src ?? `/-/${fragment}${params ? `?${params}` : ""}`, {
        headers: { "HX-Request": "true", Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(15000),
      });
      return answer.ok && isFragment(answer, fragment) ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  // A login page, an error page or a proxy's own idea must never be swapped in.
  function isFragment({ headers }, name) {
    const says = (headers.get("Jogakbo-Fragment") ?? "").split("?")[0];
    return Boolean(says) && says === (name ?? says) && /^text\/html\b/.test(headers.get("Content-Type"));
  }

  document.addEventListener("scroll", ({ target }) => scrolled.add(target), { capture: true, passive: true });
  document.addEventListener("input", ({ target }) => target.isContentEditable && edited.add(target));
  document.addEventListener("compositionstart", ({ target }) => {
    const section = target.closest("[data-fragment]");
    if (!section || held.has(section.id)) return;
    document.addEventListener("compositionend", hold(section, false, COMPOSE_MS), { once: true });
  });

  // ---- Actions: what htmx sends ----

  const submits = (form) => form.querySelectorAll("button:not([type=button]), input[type=submit]");

  function release(form) {
    busy.delete(form);
    form.removeAttribute("aria-busy");
    for (const button of submits(form)) button.removeAttribute("aria-disabled");
  }

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    // The second click of a double click.
    if (busy.has(ctx.sourceElement)) return event.preventDefault();
    // A dead server is an answer too; htmx would only write it to the console.
    ctx.fetch = (url, init) => fetch(url, init).catch(() => new Response("", { status: 503 }));
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const form = ctx.sourceElement;
    ctx.swapsBefore = new Map(swaps);
    if (form.tagName !== "FORM") return;
    busy.add(form);
    form.setAttribute("aria-busy", "true");
    for (const button of submits(form)) button.setAttribute("aria-disabled", "true");
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const { status, raw } = ctx.response;
    ctx.lost = status >= 500 || !(isFragment(raw) || status === 204 || ctx.hx.redirect);
    const notice = document.getElementById("not-sent");
    if (notice) notice.hidden = !ctx.lost;
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.lost) return event.preventDefault();
    const section = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
    if (ctx.swap === "none" || !section?.matches("[data-fragment]")) return;
    event.preventDefault();
    if (ctx.request.method === "GET") return put(section, ctx.text);
    const overtaken = swaps.get(section.id) !== ctx.swapsBefore.get(section.id), awaited = due.has(section.id);
    if (ctx.response.status >= 400) {
      clearTimeout(due.get(section.id)?.timer);
      due.delete(section.id);
      put(section, ctx.text);
      section.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
      return hold(section, overtaken || awaited);
    }
    if (ctx.sourceElement.tagName === "FORM") ctx.sourceElement.reset();
    for (const element of edited) if (section.contains(element)) edited.delete(element);
    // A frame that came meanwhile may be newer than this answer; the stream brings what it does not show yet.
    if (!overtaken) put(section, ctx.text);
    // The stream tells what differs from its last frame, and this answer was none: make sure of it once.
    refresh(section, awaited ? 0 : CHECK_MS);
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (busy.has(ctx.sourceElement) && !ctx.hx?.redirect) release(ctx.sourceElement);
  });

  // ---- The stream: live-worker.js has one for all pages of this browser ----

  let { cursor } = document.body.dataset;
  let changedAt = Date.now();
  let behind, owing, way, port, unanswered, over, hide, expected, turning, silence, sample = 0, toldAt = performance.timeOrigin, seen = [];
  const sign = document.querySelector(".live-sign"), spoken = sign?.nextElementSibling;
  const isOld = (states) => /waiting|off/.test(states);

  const handlers = {
    hello({ sample: share = 0, owes }, polls) {
      sample = share;
      [behind, owing, way] = [false, owes, polls ? "polling" : "on"];
      judge();
    },
    settled() {
      owing = false;
      judge();
    },
    fragment({ id, html, etag, state }, _, at) {
      const section = sectionOf(id);
      if (!section) return;
      const fresh = (section.dataset.state ?? "fresh") === "fresh";
      if (!html && fresh) section.dataset.state = state;
      // What is old heals with the same HTML, too; and what is held may be something else.
      if (!html || (fresh && etag === section.dataset.etag && !held.get(id))) return;
      if (show(section, html) && Math.random() < sample) measure(at);
    },
    refresh({ id, within_ms: within }) {
      const section = sectionOf(id);
      if (section) refresh(section, random(within));
    },
    presence(detail) {
      if (sectionOf(detail.id)) document.dispatchEvent(new CustomEvent("jogakbo:presence", { detail }));
    },
    lost() {
      behind = true;
      judge();
    },
    reload() {
      over = true;
      leave();
      renew();
    },
  };

  function hear({ data: { event, data, id, polls, at } }) {
    unanswered = 0;
    if (event) handlers[event]?.(data, polls, at);
    // The next worker of the shell has to be told at once which of them wait for a fresh version.
    if (event === "fragment") port?.postMessage({ stale: ailing() });
    if (at && !isOld(root.dataset.live + expected)) toldAt = Date.now();
    // After the swap, and not while an older frame is held back: whoever resumes here has seen all before it.
    if (id && port && !held.size) port.postMessage({ cursor: cursor = id });
  }

  function join() {
    leave();
    // It comes back when it is looked at.
    if (document.hidden || over) return;
    // Chrome on Android has no shared workers.
    port = globalThis.SharedWorker ? new SharedWorker(worker).port : new Worker(worker);
    port.onmessage = hear;
    unanswered = 0;
    handlers.lost();
    here();
  }

  function here(now) {
    explain();
    if (!port) return;
    // The worker has died.
    if (++unanswered > 3) return join();
    port.postMessage({ grant, cursor, changedAt, locale: root.lang, stale: ailing(), now });
  }

  const ailing = () => [...document.querySelectorAll("[data-fragment][data-state]:not([data-state=fresh])")].map(({ id }) => id);

  function leave() {
    report();
    // The worker closes it: closed here, it would lose the message.
    port?.postMessage(null);
    port = null;
  }

  // One tab of a browser after the other, so that those that come later bring the session that the first was given.
  // A tab that is frozen keeps its turn, but not for ever.
  const inTurn = (task) => (navigator.locks
    ? navigator.locks.request("jogakbo-renew", { signal: AbortSignal.timeout(TURN_MS) }, task).catch(task) : task());

  function renew() {
    say("off");
    inTurn(async () => {
      const idle = ![...document.querySelectorAll(FIELDS)].some(isDirty) && !busy.size && !edited.size;
      // After growing pauses: the worker that gave a page may not have heard yet that the session is over.
      const [last, times] = JSON.parse(sessionStorage.getItem("jogakbo-renewals") ?? "[0,0]");
      const quiet = Date.now() - last, turn = quiet < 300000 ? times : 0;
      if (!idle || (turn && quiet < Math.min(60000, 500 * 4 ** turn))) return void setTimeout(renew, 1000);
      sessionStorage.setItem("jogakbo-renewals", JSON.stringify([Date.now(), turn + 1]));
      // Where the portal cannot be reached now, a page that may be old is better than none.
      const within = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(HEAD_MS) };
      const answer = await fetch(location, within).catch(() => null);
      if (!(answer?.status < 500)) return void setTimeout(renew, 1000);
      location.reload();
      // By then this document is gone; if it is not, somebody went elsewhere in that moment, and has come back.
      await new Promise((resolve) => { setTimeout(resolve, TURN_MS); });
      renew();
    });
  }

  // ---- The sign: whether the page is live, and else how old it is ----

  // Not "on" before it is heard whether the next word is that all is not known after all.
  const judge = () => (behind || owing ? expect("waiting", SIGN_MS) : expect(way, SETTLE_MS));

  function expect(state, within) {
    if (state === expected) return;
    clearTimeout(turning);
    turning = setTimeout(say, within, state);
    expected = state;
  }

  function say(state) {
    clearTimeout(turning);
    expected = state;
    const before = root.dataset.live;
    if (state === before) return;
    root.dataset.live = state;
    explain();
    if (!sign || !isOld(state + before)) return;
    spoken.textContent = sign.querySelector(`.live-${state}`).textContent;
    clearTimeout(silence);
    silence = setTimeout(() => { spoken.textContent = ""; }, READ_MS);
  }

  function explain() {
    const day = Date.now() - toldAt > DAY_MS && { month: "numeric", day: "numeric" };
    const format = { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const time = isOld(root.dataset.live) ? new Date(toldAt).toLocaleString(root.lang, format) : "00:00";
    const shown = sign?.querySelector("time");
    if (shown && shown.textContent !== time) shown.textContent = time;
  }

  // ---- How long a change took to be seen, told by a few ----

  function measure(at) {
    if (document.hidden) return;
    requestAnimationFrame(() => setTimeout(() => seen.push(Math.min(60000, Math.max(0, Math.round(performance.timeOrigin + performance.now() - at))))));
  }

  function report() {
    const words = JSON.stringify({ swap_ms: seen.slice(0, MOST_SEEN) });
    if (seen.length) navigator.sendBeacon("/-/seen", new Blob([words], { type: "application/json" }));
    seen = [];
  }

  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    for (const form of [...busy]) release(form);
    if (grant && !port) join();
  });
  if (!grant) return say("off");
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hide);
    report();
    if (document.hidden) hide = setTimeout(leave, HIDDEN_MS);
    else if (!port) join();
    else if (isOld(root.dataset.live)) here(true);
  });
  addEventListener("online", () => here(true));
  setInterval(here, HERE_MS);
  setInterval(report, SEEN_MS);
  join();
})();
