/*
 * destinations: each with its queue, its state and its last answer; and one of them in full.
 */
import {clean, code, element, english, given} from './elements.js';
import * as say from './language.js';
import {state} from './server.js';
import {destinationActs} from './acts.js';
import {
    badge,
    destinationBadge,
    destinationKind,
    destinationLink,
    facts,
    heading,
    link,
    loading,
    note,
    nothing,
    outcome,
    placeTitle,
    section,
    since,
    spanOf,
    table,
    titled,
    when,
} from './parts.js';

const order = ['critical', 'warning', 'paused', 'ok', 'ended'];

function sorted(destinations) {
    const rank = (one) => order.indexOf(destinationKind(one)) - (one.queue.dead ? 0.5 : 0);
    return [...destinations].sort(
        (a, b) => rank(a) - rank(b) || titled(a).localeCompare(titled(b), say.language()),
    );
}

function queue(destination) {
    const {waiting, dead} = destination.queue;
    const parts = [
        waiting || !dead ? say.text('map.waiting', {n: waiting}) : null,
        dead
            ? link(
                  `dead?destination=${encodeURIComponent(destination.name)}`,
                  say.text('map.dead', {n: dead}),
              )
            : null,
    ].filter(Boolean);
    return parts.map((part, index) => [index ? ', ' : '', part]);
}

function allOf(destinations) {
    return table({
        caption: say.text('nav.destinations'),
        key: (one) => one.name,
        columns: [
            {
                title: say.text('search.destination'),
                cell: (one) => [
                    destinationLink(one.name),
                    element(
                        'span.detail',
                        null,
                        [one.adapter, one.place ? placeTitle(one.place) : null]
                            .filter(Boolean)
                            .map(clean)
                            .join(' · '),
                    ),
                ],
            },
            {
                title: say.text('search.state'),
                cell: (one) => [
                    destinationBadge(one),
                    one.next_attempt && one.breaker.state !== 'closed'
                        ? element(
                              'span.detail',
                              null,
                              say.text('destinations.next'),
                              ' ',
                              when(one.next_attempt, true),
                          )
                        : null,
                ],
            },
            {title: say.text('destinations.queue'), cell: queue},
            {
                title: say.text('destinations.oldest'),
                kind: 'number',
                cell: (one) => spanOf(one.queue.oldest_seconds),
            },
            {title: say.text('destinations.rate'), kind: 'number', cell: (one) => rate(one)},
            {title: say.text('destinations.success'), cell: (one) => since(one.last_success)},
        ],
        rows: destinations,
    });
}

function rate(one) {
    return one.rate_per_minute === null || one.rate_per_minute === undefined
        ? nothing()
        : say.number(one.rate_per_minute, 1);
}

/* ---- the list ---- */

function list(context) {
    const place = context.query.get('place') || '';
    let wanted = '';
    const matches = (one) => {
        const places = state.status.routes
            .filter((route) => route.place === place)
            .flatMap((route) => route.destinations);
        return (
            (!place || one.place === place || places.includes(one.name)) &&
            `${one.name} ${one.title || ''} ${one.adapter || ''}`.toLowerCase().includes(wanted)
        );
    };
    return {
        title: () => say.text('nav.destinations'),
        draw() {
            const status = state.status;
            if (!status) return [heading(say.text('nav.destinations')), loading()];
            const shown = sorted(status.destinations.filter(matches));
            return [
                heading(say.text('nav.destinations')),
                element(
                    'div.row',
                    null,
                    element(
                        'label.field.narrow',
                        null,
                        element('span', null, say.text('destinations.filter')),
                        element('input', {
                            type: 'search',
                            name: 'filter',
                            autocomplete: 'off',
                            maxlength: '100',
                            oninput: (event) => {
                                wanted = event.target.value.trim().toLowerCase();
                                context.redraw();
                            },
                        }),
                    ),
                    place
                        ? element(
                              'p',
                              null,
                              given(placeTitle(place)),
                              ' · ',
                              link('destinations', say.text('destinations.all')),
                          )
                        : null,
                ),
                element(
                    'p.quiet',
                    {role: 'status'},
                    say.text('destinations.count', {n: shown.length, all: status.destinations.length}),
                ),
                shown.length ? allOf(shown) : note(say.text('destinations.none')),
            ];
        },
    };
}

/* ---- one ---- */

function breaker(one) {
    const kind = {closed: 'ok', open: 'critical', 'half-open': 'warning'}[one.breaker.state];
    return [
        badge(kind || 'ended', say.known(`breaker.${one.breaker.state}`) || clean(one.breaker.state)),
        one.breaker.failures
            ? element('span.detail', null, say.text('breaker.failures', {n: one.breaker.failures}))
            : null,
    ];
}

function figures(one) {
    const seconds = one.delivery_seconds;
    return facts(
        [say.text('destinations.queue'), queue(one)],
        [say.text('destinations.oldest'), spanOf(one.queue.oldest_seconds)],
        [say.text('destinations.bytes'), say.bytes(one.queue.bytes)],
        [say.text('destinations.rate'), rate(one)],
        [
            say.text('destinations.took'),
            seconds ? `${say.took(seconds.p50)} · ${say.took(seconds.p99)}` : nothing(),
        ],
        [say.text('destinations.success'), since(one.last_success)],
        [say.text('destinations.breaker'), breaker(one)],
        [say.text('destinations.next'), one.state === 'ready' ? when(one.next_attempt, true) : nothing()],
        [
            say.text('destinations.counts'),
            say.text('destinations.counted', {
                delivered: one.deliveries.delivered + one.deliveries.collected,
                postponed: one.deliveries.postponed,
                dead: one.deliveries.dead,
            }),
        ],
    );
}

function how(one) {
    return facts(
        [say.text('destinations.internal'), code(one.name)],
        [say.text('destinations.adapter'), one.adapter ? code(one.adapter) : nothing()],
        [say.text('destinations.place'), one.place ? given(placeTitle(one.place)) : nothing()],
        [
            say.text('destinations.kind'),
            [
                one.collected ? say.text('destinations.collected') : say.text('destinations.pushed'),
                one.ordered ? say.text('destinations.ordered') : null,
            ]
                .filter(Boolean)
                .join(', '),
        ],
    );
}

function reason(one) {
    if (!one.reason && !one.paused_by) return null;
    const ours = say.known(`health.${one.code}.do`, {subject: one.name});
    return element(
        `div.problem.is-${destinationKind(one)}`,
        null,
        element(
            'div',
            null,
            one.paused_by
                ? element(
                      'p',
                      null,
                      say.text('destinations.paused-by', {by: one.paused_by.by}),
                      ' ',
                      since(one.paused_by.since),
                      ': ',
                      element('q', null, given(one.paused_by.why)),
                  )
                : element('p', null, ours || english(one.reason)),
            one.paused_by || !ours ? null : element('p.detail', null, english(one.reason)),
            one.blocking_message
                ? element(
                      'p',
                      null,
                      link(`messages/${one.blocking_message}`, say.text('destinations.blocking')),
                  )
                : null,
        ),
    );
}

function single(name) {
    return {
        title: () => {
            const one = state.status?.destinations.find((other) => other.name === name);
            return one ? clean(titled(one)) : clean(name);
        },
        draw() {
            if (!state.status) return [heading(clean(name)), loading()];
            const one = state.status.destinations.find((other) => other.name === name);
            if (!one) return [heading(clean(name)), note(say.text('destinations.unknown'))];
            const query = `destination=${encodeURIComponent(name)}`;
            return [
                element('p', null, link('destinations', say.text('destinations.back'))),
                heading(given(titled(one)), destinationBadge(one)),
                reason(one),
                destinationActs(one),
                element(
                    'div.pair.even',
                    null,
                    element('div', null, section(say.text('destinations.now'), figures(one))),
                    element(
                        'div',
                        null,
                        section(say.text('destinations.how'), how(one)),
                        section(
                            say.text('destinations.error'),
                            one.last_error
                                ? element(
                                      'div',
                                      null,
                                      element('p', null, since(one.last_error.time)),
                                      element('p', null, outcome(one.last_error.code, one.last_error.text)),
                                  )
                                : note(say.text('destinations.no-error')),
                        ),
                        section(
                            say.text('routes.messages'),
                            element(
                                'ul.plain',
                                null,
                                ['waiting', 'dead', 'delivered'].map((word) =>
                                    element(
                                        'li',
                                        null,
                                        link(
                                            `search?${query}&state=${word}`,
                                            say.text(`destinations.messages.${word}`),
                                        ),
                                    ),
                                ),
                            ),
                        ),
                    ),
                ),
            ];
        },
    };
}

export function open(context) {
    return context.path[1] ? single(context.path[1]) : list(context);
}
