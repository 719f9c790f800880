// A layout as a team writes it with @podium/layout; told on standard input what to fetch, and how a manifest is.
import { createInterface } from 'node:readline';
import express from 'express';
import Layout from '@podium/layout';
import { manifest as validate } from '@podium/schemas';

const { podlets, locale } = JSON.parse(process.argv[2]);
const layout = new Layout({
    name: 'portal', pathname: '/', context: { locale: { locale } }, client: { timeout: 500 },
});
const registered = Object.entries(podlets).map(([name, uri]) =>
    layout.client.register({ name, uri, redirectable: true }),
);

const app = express();
app.use(layout.middleware());
app.get('/', async (req, res) => {
    const incoming = res.locals.podium;
    const fetched = await Promise.all(registered.map((podlet) => podlet.fetch(incoming, { query: req.query })));
    incoming.podlets = fetched;
    const { redirect } = fetched.find((podlet) => podlet.redirect) ?? {};
    if (redirect) res.redirect(redirect.statusCode, redirect.location);
    else res.podiumSend(fetched.map((podlet) => `<section>${podlet.content}</section>`).join('\n'));
});

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const server = app.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
createInterface({ input: process.stdin })
    .on('line', async (line) => {
        const answer = await fetch(JSON.parse(line).manifest);
        say(validate(await answer.json()));
    })
    .on('close', () => process.exit());
