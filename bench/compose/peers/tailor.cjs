// node-tailor: `node tailor.cjs PORT TEMPLATES`.
const { createServer } = require("node:http");
const Tailor = require("node-tailor");

const [port, templatesPath] = process.argv.slice(2);
const tailor = new Tailor({ templatesPath });
tailor.on("error", () => {}); // of a fragment; the page goes on without it

const server = createServer((request, response) => {
  request.url = request.url.slice("/p".length); // the template's name is what is left
  tailor.requestHandler(request, response);
});
server.keepAliveTimeout = 3_600_000;
server.listen(Number(port), "127.0.0.1", 4096);
