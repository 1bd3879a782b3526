/*
 * page: the frame of the operators' page: which view is shown, and what stands around it.
 *
 * A view is open(context) → {title(), draw()}: it draws itself anew whenever the state or something it
 * asked for has changed. The part of the address behind # says which: #/NAME/MORE?QUERY.
 */
import {element, given, update} from './elements.js';
import * as say from './language.js';
import {start, state} from './server.js';
import {announce, healthKind, icon, badge} from './parts.js';
import * as overview from './view-overview.js';
import * as destinations from './view-destinations.js';
import * as search from './view-search.js';
import * as message from './view-message.js';
import * as dead from './view-dead.js';
import * as certificates from './view-certificates.js';
import * as history from './view-history.js';
import * as system from './view-system.js';
import * as journal from './view-journal.js';

const views = {
    '': overview,
    destinations,
    search,
    messages: message,
    dead,
    certificates,
    history,
    system,
    journal,
};
const inMenu = ['', 'destinations', 'search', 'dead', 'certificates', 'history', 'system', 'journal'];
const small = matchMedia('(max-width: 44rem)');
const main = document.getElementById('main');
const stale = 40000;

let view = null;
let name = '';
let waiting = false;
let menuOpen = false;
let health = null;
let connection = null;
let leave = () => {};

/* ---- drawing, at most once for each picture ---- */

function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
        waiting = false;
        draw();
    });
}

function draw() {
    document.title = [view.title(), 'muengsten'].join(' · ');
    document.getElementById('skip').textContent = say.text('word.skip');
    update(document.getElementById('top'), brand(), languages(), standing(), menu());
    update(main, view.draw());
    update(document.getElementById('foot'), foot());
}

/* ---- the head ---- */

function brand() {
    return element(
        'a.brand',
        {href: '#/'},
        element('img', {src: '/icon.svg', alt: '', width: '32', height: '32'}),
        element(
            'span',
            null,
            element('strong', null, 'muengsten'),
            state.status ? element('small', null, given(state.status.name)) : null,
        ),
    );
}

function live() {
    const old = state.received && Date.now() - state.received > stale;
    const word = state.connection === 'live' && old ? 'lost' : state.connection;
    const kind = {live: 'ok', connecting: 'running', lost: 'warning'}[word];
    return element(
        `p.live.is-${kind}`,
        null,
        icon(kind),
        element(
            'span',
            null,
            say.text(`live.${word}`),
            state.status
                ? [' · ', element('time', {datetime: state.status.time}, say.second(state.status.time))]
                : null,
        ),
    );
}

function languages() {
    return element(
        'div.languages',
        {role: 'group', 'aria-label': 'Sprache / Language'},
        [
            ['de', 'Deutsch'],
            ['en', 'English'],
        ].map(([code, label]) =>
            element(
                'button',
                {
                    type: 'button',
                    lang: code,
                    'aria-pressed': String(say.language() === code),
                    onclick: () => {
                        say.remember(code);
                        redraw();
                    },
                },
                element('span', {'aria-hidden': 'true'}, code.toUpperCase()),
                element('span.unseen', null, label),
            ),
        ),
    );
}

function standing() {
    const word = state.status?.health.state;
    return element(
        'div.standing',
        null,
        word
            ? element('a.health', {href: '#/'}, badge(healthKind(word), say.text(`health.is.${word}`)))
            : null,
        live(),
    );
}

function count(entry) {
    if (entry !== 'dead' || !state.status) return null;
    const all = state.status.destinations.reduce((sum, one) => sum + one.queue.dead, 0);
    return all ? element('span.count', null, say.number(all)) : null;
}

function menu() {
    const shown = inMenu.filter((entry) => entry !== 'journal' || state.who.role === 'operator');
    const current = name === 'messages' ? 'search' : name;
    return element(
        'nav',
        {'aria-label': say.text('nav.title')},
        element(
            'button.menu',
            {
                type: 'button',
                'aria-expanded': String(menuOpen),
                'aria-controls': 'menu',
                onclick: () => {
                    menuOpen = !menuOpen;
                    redraw();
                },
            },
            say.text('nav.menu'),
            ': ',
            say.text(`nav.${current || 'overview'}`),
        ),
        element(
            `ul${menuOpen ? '.open' : ''}`,
            {id: 'menu'},
            shown.map((entry) =>
                element(
                    'li',
                    null,
                    element(
                        'a',
                        {href: `#/${entry}`, 'aria-current': entry === current ? 'page' : null},
                        say.text(`nav.${entry || 'overview'}`),
                        count(entry),
                    ),
                ),
            ),
        ),
    );
}

function foot() {
    return element(
        'p',
        null,
        state.status ? ['muengsten ', given(state.status.version), ' · '] : null,
        state.who.name
            ? [say.text('foot.who', {name: state.who.name, role: say.text(`who.${state.who.role}`)}), ' · ']
            : null,
        element('a', {href: '/openapi.json'}, 'OpenAPI'),
        ' · ',
        element('a', {href: '/metrics'}, say.text('foot.metrics')),
    );
}

/* ---- what is shown ---- */

function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function openView() {
    const [way, query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
    const path = way.split('/').map(decode);
    const gone = {current: false};
    name = Object.hasOwn(views, path[0]) ? path[0] : '';
    view = views[name].open({
        path,
        query: new URLSearchParams(query),
        redraw: () => {
            if (!gone.current) redraw();
        },
        announce: (sentence) => {
            if (!gone.current) announce(sentence);
        },
        go: (address) => {
            const before = location.hash;
            location.hash = `#/${address}`;
            // The same address once more is no change, and yet somebody wants to look anew.
            if (location.hash === before) moved();
        },
        narrow: () => small.matches,
    });
    leave = () => {
        gone.current = true;
    };
}

/* Whoever goes to another view finds the focus at its heading. */
function moved() {
    leave();
    if (document.getElementById('dialog').open) document.getElementById('dialog').close();
    menuOpen = false;
    openView();
    main.replaceChildren();
    draw();
    scrollTo(0, 0);
    document.getElementById('title')?.focus();
}

/* Only what matters is said aloud: whether all is well, and whether the page still knows. */
function follow() {
    const now = state.status?.health.state;
    if (health && now && now !== health) announce(say.text(`health.is.${now}`));
    if (connection === 'live' && state.connection === 'lost') announce(say.text('live.lost'));
    if (connection === 'lost' && state.connection === 'live') announce(say.text('live.back'));
    health = now || health;
    connection = state.connection;
    redraw();
}

/* The first link of a page leads to its content, which the address has no part for. */
document.getElementById('skip').onclick = (event) => {
    event.preventDefault();
    main.focus();
};

say.begin();
openView();
draw();
addEventListener('hashchange', moved);
small.addEventListener('change', redraw);
setInterval(redraw, 10000);
start(follow).then(redraw);
