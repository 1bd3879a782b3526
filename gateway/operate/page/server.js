/*
 * server: what the gateway says, and what it is asked to do.
 *
 * The state comes by server-sent events. When they break off, the page shows what it knew last, says
 * so, and tries again with growing pauses; where the gateway has too many who listen, it is asked.
 */
export const state = {
    status: null,
    history: null,
    who: {name: '', role: 'viewer', contents: false, language: 'de'},
    connection: 'connecting',
    received: 0,
};

const longest = 30000;
const silence = 45000;
let changed = () => {};
let source = null;
let pause = 1000;

/* ---- questions and acts ---- */

async function answer(response) {
    const type = response.headers.get('Content-Type') || '';
    const body = type.includes('json') ? await response.json().catch(() => null) : null;
    return {ok: response.ok, status: response.status, body};
}

async function exchange(path, options) {
    try {
        return await answer(await fetch(path, {cache: 'no-store', credentials: 'same-origin', ...options}));
    } catch {
        return {ok: false, status: 0, body: null};
    }
}

export function ask(path) {
    return exchange(path, {headers: {Accept: 'application/json'}});
}

export function act(path, body) {
    return exchange(path, {
        method: 'POST',
        headers: {'Content-Type': 'application/json', Accept: 'application/json'},
        body: JSON.stringify(body),
    });
}

/* The path of something with a name that somebody else has given. */
export function path(...names) {
    return names.map((name) => `/${encodeURIComponent(name)}`).join('');
}

export function mayAct() {
    return state.who.role === 'operator';
}

/* ---- the state ---- */

function seen(status) {
    state.status = status;
    state.received = Date.now();
    state.connection = 'live';
    changed();
}

function seenPoint(point) {
    if (!state.history) return;
    const points = state.history.points;
    const last = points[points.length - 1];
    if (last && last.time >= point.time) points.pop();
    points.push(point);
    if (points.length > 1440) points.shift();
    changed();
}

/* A point may come alone, or with the others around it. */
function seenHistory(data) {
    for (const point of data.points || [data]) seenPoint(point);
}

async function lost() {
    if (source) source.close();
    source = null;
    if (state.connection === 'live') state.connection = 'lost';
    changed();
    const found = await ask('/status');
    if (found.ok) seen(found.body);
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, longest);
}

function listen() {
    const stream = new EventSource('/events');
    source = stream;
    state.received = state.received || Date.now();
    stream.addEventListener('status', (event) => {
        pause = 1000;
        seen(JSON.parse(event.data));
    });
    stream.addEventListener('history', (event) => seenHistory(JSON.parse(event.data)));
    stream.onerror = () => {
        if (source === stream) lost();
    };
}

/* A connection can die without a word. */
function watch() {
    if (source && Date.now() - state.received > silence) {
        state.received = Date.now();
        lost();
    }
}

export async function loadHistory() {
    const found = await ask('/history');
    if (found.ok) {
        state.history = found.body;
        changed();
    }
}

export async function start(whenChanged) {
    changed = whenChanged;
    const found = await ask('/whoami');
    if (found.ok) state.who = found.body;
    listen();
    setInterval(watch, 5000);
    setInterval(() => {
        if (state.history) loadHistory();
    }, 600000);
    loadHistory();
}
