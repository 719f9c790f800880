// A Podium layout: `node podium.mjs PORT PAGES http|express`. PAGES is JSON: pieces of markup between podlets, by page.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Layout from "@podium/layout";
import { HttpIncoming } from "@podium/utils";
import express from "express";

const [port, pagesFile, framework] = process.argv.slice(2);
const layout = new Layout({ name: "measured", pathname: "/" });
const podlets = new Map();

// One client for each podlet, whatever pages it is on.
function podlet({ name, manifest }) {
  if (!podlets.has(name)) podlets.set(name, layout.client.register({ name, uri: manifest, timeout: 1000 }));
  return podlets.get(name);
}

const pages = new Map(
  Object.entries(JSON.parse(readFileSync(pagesFile, "utf8"))).map(([name, { markup, pieces }]) => [
    name,
    { markup, podlets: pieces.map(podlet) },
  ]),
);
layout.view((incoming, body) => body);

async function body(page, incoming) {
  const answers = await Promise.all(page.podlets.map((one) => one.fetch(incoming)));
  return page.markup[0] + answers.map((answer, at) => answer.content + page.markup[at + 1]).join("");
}

async function answer(request, response) {
  const page = pages.get(request.url.slice("/p/".length));
  if (!page) return response.writeHead(404).end();
  const incoming = await layout.process(new HttpIncoming(request, response, {}));
  const html = layout.render(incoming, await body(page, incoming));
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": Buffer.byteLength(html) });
  return response.end(html);
}

function bare() {
  return createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
}

function onExpress() {
  const app = express().disable("x-powered-by").disable("etag");
  app.use(layout.middleware());
  app.get("/p/:page", async (request, response) => {
    const page = pages.get(request.params.page);
    if (!page) return response.sendStatus(404);
    return response.podiumSend(await body(page, response.locals.podium));
  });
  return createServer(app);
}

const server = framework === "express" ? onExpress() : bare();
server.keepAliveTimeout = 3_600_000;
server.listen(Number(port), "127.0.0.1", 4096);
