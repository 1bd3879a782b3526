/*
 * parts: what views are put together from: badges, times, tables, buttons.
 *
 * A state is never told by colour alone: each has a shape and a word of its own.
 */
import {clean, code, drawing, element, english, given} from './elements.js';
import * as say from './language.js';
import {state} from './server.js';

const shapes = {
    ok: 'M3.5 8.5 6.5 11.5 12.5 4.5',
    warning: 'M8 2 14.5 13.5H1.5ZM8 6V9.5M8 11.6V12',
    critical: 'M4 4 12 12M12 4 4 12',
    paused: 'M5.5 3.5V12.5M10.5 3.5V12.5',
    waiting: 'M8 1.8A6.2 6.2 0 1 1 7.99 1.8ZM8 4.6V8.2L10.6 9.8',
    running: 'M2 8H13M9 4 13 8 9 12',
    ended: 'M3 8H13',
    act: 'M8 2.2A2.6 2.6 0 1 1 7.99 2.2ZM3 14C3 10.8 5 9.4 8 9.4S13 10.8 13 14',
};

export function icon(kind) {
    return drawing(
        'svg.icon',
        {viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false'},
        drawing('path', {d: shapes[kind] || shapes.ended}),
    );
}

/* kind: one of the shapes. */
export function badge(kind, label) {
    return element(`span.badge.is-${kind}`, null, icon(kind), element('span', null, label));
}

/* What an operator has to know of a state: how grave it is, and its word. */
const destinationKinds = {
    ready: 'ok',
    paused: 'paused',
    down: 'critical',
    blocked: 'critical',
    removed: 'warning',
    waiting: 'critical',
    probing: 'warning',
};
const routeKinds = {ready: 'ok', degraded: 'warning', down: 'critical'};
const deliveryKinds = {
    waiting: 'waiting',
    running: 'running',
    held: 'paused',
    delivered: 'ok',
    collected: 'ok',
    dead: 'critical',
    cancelled: 'ended',
};
const healthKinds = {ok: 'ok', warning: 'warning', critical: 'critical'};

/* A destination whose breaker is open is ready by itself, and yet nothing reaches it. */
export function destinationState(destination) {
    if (destination.state === 'ready' && destination.breaker.state === 'open') return 'waiting';
    if (destination.state === 'ready' && destination.breaker.state === 'half-open') return 'probing';
    return destination.state;
}

function stateBadge(kinds, prefix, word) {
    return badge(kinds[word] || 'ended', say.known(`${prefix}.${word}`) || clean(word));
}

export const destinationBadge = (destination) =>
    stateBadge(destinationKinds, 'destination', destinationState(destination));
export const destinationKind = (destination) => destinationKinds[destinationState(destination)] || 'ended';
export const routeKind = (word) => routeKinds[word] || 'ended';
export const routeBadge = (word) => badge(routeKind(word), say.text(`map.${routeKind(word)}`));
export const deliveryBadge = (word) => stateBadge(deliveryKinds, 'delivery', word);
export const healthKind = (word) => healthKinds[word] || 'warning';

/* The worst of some kinds. */
export function worst(kinds) {
    return ['critical', 'warning', 'paused', 'ok'].find((kind) => kinds.includes(kind)) || 'ended';
}

/* ---- names, times and spans ---- */

export function nothing() {
    return element('span.quiet', null, '–');
}

export function when(time, precise) {
    return time ? element('time', {datetime: time}, say.moment(time, precise)) : nothing();
}

/* How long ago, by the gateway's own clock. */
export function since(time) {
    if (!time) return nothing();
    const now = state.status ? new Date(state.status.time) : new Date();
    const seconds = Math.max(0, (now - new Date(time)) / 1000);
    return element(
        'time',
        {datetime: time, title: say.moment(time, true)},
        say.text('word.ago', {span: say.span(seconds, 'word.days.since')}),
    );
}

export function spanOf(seconds) {
    return seconds === null || seconds === undefined ? nothing() : say.span(seconds);
}

export function tookMicroseconds(value) {
    return value === null || value === undefined ? nothing() : say.took(value / 1e6);
}

/* The title of what has one, else its name. */
export function titled(thing) {
    return thing.title || thing.name;
}

export function findDestination(name) {
    return state.status?.destinations.find((one) => one.name === name) || null;
}

export function placeTitle(name) {
    const place = state.status?.places?.find((one) => one.name === name);
    return place ? titled(place) : name;
}

export function link(address, ...children) {
    return element('a', {href: `#/${address}`}, children);
}

export function destinationLink(name) {
    const found = findDestination(name);
    return link(`destinations/${encodeURIComponent(name)}`, given(found ? titled(found) : name));
}

/* What a code means, in the reader's words; null if that is not known here. */
export function meaning(word) {
    if (!word) return null;
    const status = /^(http|smtp)\.(\d{3})$/.exec(word);
    return say.known(`code.${word}`) || (status && say.text(`code.${status[1]}`, {status: status[2]}));
}

/* An outcome: in our words, with the code and what the other side has said. */
export function outcome(word, sentence) {
    if (!word && !sentence) return nothing();
    const ours = meaning(word);
    return element(
        'span.outcome',
        null,
        ours ? element('span', null, ours, ' ') : null,
        word ? code(word) : null,
        sentence ? element('span.detail', null, english(sentence)) : null,
    );
}

/* ---- blocks ---- */

export function button(label, onclick, kind = '') {
    return element(`button${kind && `.${kind}`}`, {type: 'button', onclick}, label);
}

export function note(...children) {
    return element('p.note', null, children);
}

export function heading(title, ...rest) {
    return element('div.heading', null, element('h1', {id: 'title', tabindex: '-1'}, title), rest);
}

export function section(title, ...children) {
    return element('section', null, element('h2', null, title), children);
}

/* Pairs of a word and what it is. */
export function facts(...pairs) {
    return element(
        'dl.facts',
        null,
        pairs
            .filter(Boolean)
            .map(([word, ...value]) =>
                element('div', null, element('dt', null, word), element('dd', null, value)),
            ),
    );
}

/*
 * A table that becomes a list of cards on a phone. Its roles are said once more, since a table that is
 * not laid out as one would otherwise be none for a screen reader. columns: {title, cell(row), kind?};
 * the first is the row's heading.
 */
export function table({caption, columns, rows, key, shown = false}) {
    const heads = columns.map((column) =>
        element(
            `th${column.kind ? `.${column.kind}` : ''}`,
            {scope: 'col', role: 'columnheader'},
            column.title,
        ),
    );
    const line = (row) =>
        element(
            'tr',
            {role: 'row', 'data-key': key ? `row-${key(row)}` : null},
            columns.map((column, index) =>
                element(
                    `${index ? 'td' : 'th'}${column.kind ? `.${column.kind}` : ''}`,
                    {role: index ? 'cell' : 'rowheader', scope: index ? null : 'row'},
                    element('span.label', {'aria-hidden': 'true'}, column.title),
                    element('div.value', null, column.cell(row)),
                ),
            ),
        );
    return element(
        'table',
        {role: 'table'},
        element(`caption${shown ? '' : '.unseen'}`, null, caption),
        element('thead', {role: 'rowgroup'}, element('tr', {role: 'row'}, heads)),
        element('tbody', {role: 'rowgroup'}, rows.map(line)),
    );
}

/* What is said instead of an answer. */
export function failure(found) {
    const problem = found.body || {};
    const ours =
        say.known(`problem.${problem.code}`) ||
        say.known(`problem.${found.status}`) ||
        say.text('problem.any');
    return element(
        'div.failure',
        {role: 'alert'},
        icon('warning'),
        element(
            'div',
            null,
            element('p', null, ours),
            problem.detail ? element('p.detail', null, english(problem.detail)) : null,
        ),
    );
}

export function loading() {
    return element('p.note', null, say.text('word.loading'));
}

/* What is said once to screen readers. */
export function announce(sentence) {
    document.getElementById('announcer').textContent = sentence;
}
