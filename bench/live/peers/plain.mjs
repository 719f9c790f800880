// Plain node:http and ioredis: one subscription, one buffer for each message, written to every response.
import http from "node:http";
import Redis from "ioredis";

const [port, bus, channel] = process.argv.slice(2);
const streams = new Set();

const redis = new Redis(Number(bus), "127.0.0.1");
await redis.subscribe(channel);
redis.on("message", (_, message) => {
  const frame = Buffer.from(`event: fragment\ndata: ${message}\n\n`);
  for (const stream of streams) stream.write(frame);
});

const server = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": hello\n\n");
  streams.add(response);
  request.on("close", () => streams.delete(response));
});
server.requestTimeout = 0;
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
