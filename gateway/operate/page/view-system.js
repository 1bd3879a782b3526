/*
 * system: the gateway itself: configuration, store, ways in, partners, adapters, audit trail.
 */
import {clean, code, element, english, given} from './elements.js';
import * as say from './language.js';
import {state} from './server.js';
import {reloadButton} from './acts.js';
import {
    badge,
    facts,
    heading,
    icon,
    link,
    loading,
    note,
    nothing,
    outcome,
    placeTitle,
    section,
    since,
    table,
    titled,
    when,
} from './parts.js';

function stateOf(word, reason, why) {
    const kind = {ready: 'ok', down: 'critical', retiring: 'warning', stopping: 'warning'}[word] || 'ended';
    return [
        badge(kind, say.known(`instance.${word}`) || say.known(`destination.${word}`) || clean(word)),
        why || reason ? element('span.detail', null, outcome(why, reason)) : null,
    ];
}

function configuration(status) {
    const {file, hash, loaded, last_refused: refused} = status.configuration;
    return section(
        say.text('configuration.title'),
        refused
            ? element(
                  'div.problem.is-warning',
                  null,
                  icon('warning'),
                  element(
                      'div',
                      null,
                      element('h3', null, say.text('refusals.title'), ' ', when(refused.time)),
                      element(
                          'ul',
                          null,
                          refused.problems.map((one) => element('li', null, english(one))),
                      ),
                  ),
              )
            : null,
        facts(
            [say.text('certificates.file'), code(file)],
            [say.text('configuration.loaded'), since(loaded)],
            [say.text('configuration.hash'), code(hash.slice(0, 16))],
            [say.text('system.version'), given(status.version)],
            [say.text('system.started'), since(status.started)],
        ),
        reloadButton(),
    );
}

function store(status) {
    const {store: one} = status;
    const commit = one.commit_seconds;
    return section(
        say.text('store.title'),
        element(
            'p',
            null,
            one.accepts && one.records
                ? badge('ok', say.text('store.well'))
                : badge('critical', say.text('store.ill')),
        ),
        facts(
            [say.text('routes.messages'), say.number(one.messages)],
            [say.text('store.bytes'), one.bytes === null ? nothing() : say.bytes(one.bytes)],
            one.free_bytes !== undefined && one.free_bytes !== null
                ? [
                      say.text('store.free'),
                      say.bytes(one.free_bytes),
                      one.reserve_bytes
                          ? element(
                                'span.detail',
                                null,
                                say.text('store.reserve', {size: say.bytes(one.reserve_bytes)}),
                            )
                          : null,
                  ]
                : null,
            [
                say.text('store.commit'),
                commit ? `${say.took(commit.p50)} · ${say.took(commit.p99)}` : nothing(),
            ],
            one.backlog !== undefined ? [say.text('store.backlog'), say.number(one.backlog)] : null,
        ),
    );
}

function audit(status) {
    const one = status.audit;
    if (!one) return null;
    return section(
        say.text('audit.title'),
        facts(
            [say.text('audit.entries'), say.number(one.entries)],
            [say.text('audit.closed'), one.closed ? say.date(one.closed) : nothing()],
            [say.text('audit.unknown'), say.number(one.unknown_callers)],
        ),
        state.who.role === 'operator' ? element('p', null, link('journal', say.text('audit.look'))) : null,
    );
}

function partners(status) {
    if (!status.partners?.length) return note(say.text('partners.none'));
    return table({
        caption: say.text('partners.title'),
        key: (one) => one.name,
        columns: [
            {
                title: say.text('search.partner'),
                cell: (one) => [
                    given(titled(one)),
                    titled(one) !== one.name ? element('span.detail', null, code(one.name)) : null,
                ],
            },
            {
                title: say.text('destinations.place'),
                cell: (one) => (one.place ? given(placeTitle(one.place)) : nothing()),
            },
            {
                title: say.text('partners.seen'),
                cell: (one) => (one.last_seen ? since(one.last_seen) : say.text('partners.never')),
            },
            {title: say.text('trace.accepted'), kind: 'number', cell: (one) => say.number(one.accepted)},
            {title: say.text('refusals.title'), kind: 'number', cell: (one) => say.number(one.refused)},
        ],
        rows: status.partners,
    });
}

function ways(status) {
    const listeners = (status.listeners || []).map((one) => ({
        ...one,
        kind: 'listener',
        more: [
            code(`${one.address}:${one.port}`),
            ' · ',
            say.text('listeners.connections', {n: one.connections}),
        ],
    }));
    const sources = status.sources.map((one) => ({
        ...one,
        kind: 'source',
        more: [
            code(one.adapter),
            one.partner ? [' · ', given(one.partner)] : null,
            one.listener ? [' · ', given(one.listener)] : null,
        ],
    }));
    return table({
        caption: say.text('ways.title'),
        key: (one) => `${one.kind} ${one.name}`,
        columns: [
            {title: say.text('ways.name'), cell: (one) => given(one.name)},
            {title: say.text('destinations.kind'), cell: (one) => say.text(`ways.${one.kind}`)},
            {title: say.text('ways.how'), cell: (one) => one.more},
            {title: say.text('search.state'), cell: (one) => stateOf(one.state, one.reason, one.code)},
        ],
        rows: [...listeners, ...sources],
    });
}

function adapters(status) {
    const rows = status.adapters.flatMap((adapter) => adapter.instances.map((one) => ({...one, adapter})));
    return table({
        caption: say.text('adapters.title'),
        key: (one) => `${one.adapter.name} ${one.kind} ${one.name}`,
        columns: [
            {
                title: say.text('adapters.instance'),
                cell: (one) => [
                    given(one.name),
                    element(
                        'span.detail',
                        null,
                        say.text(one.kind === 'source' ? 'ways.source' : 'search.destination'),
                    ),
                ],
            },
            {
                title: say.text('destinations.adapter'),
                cell: (one) => [code(one.adapter.name), ' ', given(one.adapter.version || '')],
            },
            {
                title: say.text('adapters.process'),
                cell: (one) =>
                    one.process
                        ? [say.text('adapters.own', {n: one.process.restarts})]
                        : say.text('adapters.inside'),
            },
            {title: say.text('search.state'), cell: (one) => stateOf(one.state, one.reason, one.code)},
        ],
        rows,
    });
}

export function open() {
    return {
        title: () => say.text('nav.system'),
        draw() {
            const status = state.status;
            if (!status) return [heading(say.text('nav.system')), loading()];
            return [
                heading(say.text('nav.system'), element('p.subject', null, given(status.name))),
                element(
                    'div.pair.even',
                    null,
                    element('div', null, configuration(status)),
                    element('div', null, store(status), audit(status)),
                ),
                section(say.text('partners.title'), partners(status)),
                section(say.text('ways.title'), ways(status)),
                section(say.text('adapters.title'), adapters(status)),
            ];
        },
    };
}
