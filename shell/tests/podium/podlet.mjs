// A podlet as a team writes it, in one or more releases that answer by turns; told what to do on standard input.
import http from 'node:http';
import { createInterface } from 'node:readline';
import express from 'express';
import Podlet from '@podium/podlet';

const options = {
    name: 'myPodlet',
    pathname: '/',
    manifest: '/manifest.json',
    versions: ['1.0.0'],
    css: [{ value: '/assets/main.css' }],
    ...JSON.parse(process.argv[2]),
};
const state = { turns: [options.versions[0]], manifest: 'answers', content: 'answers' };
const received = [];
const waiting = [];

function release(version) {
    const { name, pathname, manifest } = options;
    const podlet = new Podlet({
        name, version, pathname, manifest, content: '/content', fallback: '/fallback', development: true,
    });
    podlet.css(options.css);
    podlet.js({ value: 'assets/main.js', type: 'esm', scope: 'content', data: { by: version } });
    podlet.proxy({ target: '/api', name: 'api' });

    const app = express();
    app.use(podlet.middleware());
    app.use(express.json(), express.urlencoded());
    app.use((req, res, next) => {
        received.push({ method: req.method, url: req.originalUrl, headers: req.headers, version,
            context: res.locals.podium.context });
        next();
    });
    app.get(podlet.manifest(), (req, res) => {
        behave('manifest', res, () => res.json(podlet));
    });
    app.get(podlet.content(), (req, res) => {
        const { publicPathname, locale } = res.locals.podium.context;
        behave('content', res, () => {
            res.podiumSend(`<p lang="${locale}">content ${version}</p><a href="${publicPathname}/api/cakes">cakes</a>
<form method="post" action="${publicPathname}/api/orders"><button>Order</button></form>`);
        });
    });
    app.get(podlet.fallback(), (req, res) => {
        res.podiumSend(`<p>fallback ${version}</p>`);
    });
    const below = (path) => `${podlet.pathname()}${path}`.replace('//', '/');
    app.get(below('/assets/main.css'), (req, res) => res.type('css').send('p { color: red }'));
    app.get(below('/assets/main.js'), (req, res) => res.type('js').send('document.title = "it runs";'));
    app.get(below('/api/cakes'), (req, res) => res.json([{ name: 'castella', version }]));
    app.post(below('/api/orders'), (req, res) => res.status(201).json(req.body));
    return app;
}

function behave(what, res, answer) {
    const how = state[what];
    if (how === 'answers') answer();
    else if (how === 'waits') waiting.push([what, answer]);
    else if (how === 'fails') res.status(500).send('no');
    else if (how === 'stalls') res.write('<p>half of it');
    else if (how.startsWith('/')) res.redirect(how);
}

const releases = new Map(options.versions.map((version) => [version, release(version)]));
let turn = 0;
const server = http.createServer((req, res) => releases.get(state.turns[turn++ % state.turns.length])(req, res));
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));

createInterface({ input: process.stdin })
    .on('line', (line) => {
        const { forget, ...told } = JSON.parse(line);
        Object.assign(state, told);
        if (forget) received.length = turn = 0;
        for (const [what, answer] of waiting.splice(0)) {
            if (state[what] === 'waits') waiting.push([what, answer]);
            else answer();
        }
        say({ received });
    })
    .on('close', () => process.exit());
