// One event stream for all open pages of a browser; where there is no SharedWorker, for one. docs/contract.md, "Live".
"use strict";
const HELLO_MS = 4000, SILENCE_MS = 25000, LEASE_MS = 16000, JOIN_MS = 50, LEAVE_MS = 2000;
const POLL_MS = 3000, POLLED_MS = 15000, RETRY_MS = 60000, MAX_WAIT_MS = 30000;
const MAX_LENGTH = 7000, MAX_GRANTS = 16;
// port → { port, grant, cursor, locale, stale, heardAt }
const pages = new Map();
let lines = [], timer, mutes = 0, pollUntil = 0, brokenAt = 0;

const random = (max) => Math.random() * max;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// What is asked for some pages: each grant with its cursor, once for those of which both are the same.
function asking(some) {
  const pairs = new Map();
  for (const page of some) {
    const pair = String(new URLSearchParams({ grant: page.grant, cursor: page.cursor }));
    pairs.set(pair, [...(pairs.get(pair) ?? []), page]);
  }
  const stale = [...new Set(some.flatMap((page) => page.stale))].join();
  // So old is what all of them show: a version that is being rendered for others cannot take them back.
  const age = Math.max(0, Date.now() - Math.max(...some.map((page) => page.changedAt)));
  const query = [...pairs.keys(), new URLSearchParams({ age, ...(stale && { stale }) })].join("&");
  return { url: `/-/live?${query}`, granted: [...pairs.values()] };
}

function groups() {
  const all = [];
  for (const page of pages.values()) {
    const { url, granted } = asking([...(all.at(-1) ?? []), page]);
    if (all.length && url.length < MAX_LENGTH && granted.length <= MAX_GRANTS) all.at(-1).push(page);
    else all.push([page]);
  }
  return all;
}

async function* framesOf(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const { data = "{}", ...frame } = Object.fromEntries(part.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      yield { ...frame, data: JSON.parse(data) };
    }
  }
}

// Some pages and the connection they share. All but the first line poll: a browser has six connections for one host.
class Line {
  constructor(some, polled) {
    this.pages = some;
    this.polled = polled;
    this.run();
  }

  async run() {
    while (!this.closed) await pause(await this.turn());
  }

  close() {
    this.closed = true;
    this.request.abort();
  }

  tell(frame) {
    const { id, data } = frame;
    for (const page of this.pages) {
      const theirs = (data?.locale ?? page.locale) === page.locale;
      if (theirs && data?.html) page.changedAt = Date.now();
      page.port.postMessage(theirs ? frame : { id });
    }
  }

  // One request, from its beginning to its end; gives the pause until the next.
  async turn() {
    const polls = this.polled || Date.now() < pollUntil;
    const { url, granted } = asking(this.pages);
    const wait = (ms) => { this.deadline = Date.now() + ms; };
    let openedAt = 0, atLeast = 0;
    this.request = new AbortController();
    wait(polls ? POLLED_MS : HELLO_MS);
    try {
      const answer = await fetch(polls ? `${url}&once=1` : url, {
        headers: { Accept: "text/event-stream" }, cache: "no-store", signal: this.request.signal,
      });
      const type = answer.headers.get("Content-Type");
      if (answer.status === 403 && /^application\/problem\+json/.test(type)) {
        const { refused } = await answer.json();
        const over = granted.filter((_, index) => !refused || refused.includes(index)).flat();
        if (over.length) return renew(over);
      }
      atLeast = Math.min(1000 * (Number(answer.headers.get("Retry-After")) || 0), MAX_WAIT_MS);
      if (!answer.ok || !/^text\/event-stream/.test(type)) throw type;
      for await (const frame of framesOf(answer.body, () => openedAt && wait(SILENCE_MS))) {
        if (frame.event === "goodbye") return random(frame.data.within_ms);
        if (frame.event === "reload") return renew(this.pages);
        if (!openedAt) {
          openedAt = Date.now();
          wait(SILENCE_MS);
          brokenAt = 0;
          if (!polls) mutes = 0;
        }
        this.tell({ ...frame, polls, at: performance.timeOrigin + performance.now() });
      }
      if (polls && openedAt) return POLL_MS * (0.75 + random(0.5));
    } catch {
      // Cut, refused or silent: it is tried again.
    } finally {
      this.request.abort();
    }
    if (this.closed) return 0;
    if (!polls && !openedAt && Date.now() >= this.deadline && ++mutes >= 2) {
      pollUntil = Date.now() + RETRY_MS;
      return 0;
    }
    if (!this.polled) pollUntil = 0;
    this.tell({ event: "lost" });
    brokenAt ||= Date.now();
    // Never much longer than it has been broken already, and never all browsers at once.
    const most = openedAt ? (Date.now() - openedAt > 10000 ? 1000 : 3000) : Math.max(1000, (Date.now() - brokenAt) / 2);
    return atLeast + random(Math.min(most, MAX_WAIT_MS));
  }
}

function regroup() {
  clearTimeout(timer);
  timer = null;
  for (const line of lines) line.close();
  lines = groups().map((group, index) => new Line(group, index > 0));
}

function renew(some) {
  for (const { port } of some) {
    port.postMessage({ event: "reload" });
    pages.delete(port);
  }
  regroup();
  return 0;
}

function leave(port) {
  if (!pages.delete(port)) return;
  if (pages.size) timer ??= setTimeout(regroup, LEAVE_MS);
  // At once: when the last page rests in the browser's memory, so does its worker.
  else regroup();
}

// A page says every few seconds what it shows; one that no longer does is gone, whether or not it said goodbye.
function adopt(port) {
  port.onmessage = ({ data }) => {
    if (!data) {
      leave(port);
      return port.close();
    }
    const page = pages.get(port), heardAt = Date.now();
    if (page) Object.assign(page, data, { heardAt, changedAt: Math.max(page.changedAt, data.changedAt ?? 0) });
    else if (data.grant) {
      pages.set(port, { port, heardAt, ...data });
      clearTimeout(timer);
      timer = setTimeout(regroup, JOIN_MS);
    }
    if (data.now) regroup();
    if (data.grant) port.postMessage({});
  };
}

setInterval(() => {
  for (const line of lines) if (Date.now() >= line.deadline) line.request.abort();
  for (const { port, heardAt } of pages.values()) if (Date.now() - heardAt > LEASE_MS) leave(port);
}, 1000);
self.onconnect = ({ ports }) => adopt(ports[0]);
if (self.postMessage) adopt(self);
