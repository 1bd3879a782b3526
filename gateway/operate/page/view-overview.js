/*
 * overview: whether all is well, what is not and what to do, and the whole at a glance.
 */
import {clean, code, element, english, given} from './elements.js';
import * as say from './language.js';
import {grouped, mean, most, spark, total} from './plot.js';
import {
    destinationLink,
    findDestination,
    heading,
    healthKind,
    icon,
    link,
    loading,
    note,
    nothing,
    placeTitle,
    routeBadge,
    section,
    since,
    table,
    titled,
} from './parts.js';
import {state} from './server.js';
import {map} from './map.js';
import {quickSearch} from './view-search.js';

/* ---- problems ---- */

const mostProblems = 8;

/* Where more of it is seen. */
function address(reason) {
    if (findDestination(reason.subject)) return `destinations/${encodeURIComponent(reason.subject)}`;
    if (/^(certificate|revocation)/.test(reason.code)) return 'certificates';
    return /^(dead|message)/.test(reason.code) ? 'dead' : 'system';
}

function advice(reason) {
    const destination = findDestination(reason.subject);
    const values = {subject: destination ? titled(destination) : reason.subject || ''};
    const title = say.known(`health.${reason.code}`, values);
    const todo = say.known(`health.${reason.code}.do`, values);
    if (title) return {title, todo, more: english(reason.text)};
    return {title: english(reason.text), todo, more: values.subject ? given(values.subject) : null};
}

function problem(reason) {
    const {title, todo, more} = advice(reason);
    const kind = healthKind(reason.severity);
    return element(
        `li.problem.is-${kind}`,
        {'data-key': `${reason.code} ${clean(reason.subject)}`},
        icon(kind),
        element(
            'div',
            null,
            element('h3', null, title),
            todo ? element('p', null, todo) : null,
            element(
                'p.detail',
                null,
                say.text(`severity.${kind}`),
                reason.since ? [' ', since(reason.since)] : null,
                ' · ',
                more,
                more ? ' · ' : null,
                code(reason.code),
            ),
        ),
        element(
            'p.go',
            null,
            link(
                address(reason),
                say.text('overview.look'),
                element('span.unseen', null, ': ', clean(reason.subject || reason.code)),
            ),
        ),
    );
}

function problems() {
    const reasons = state.status.health.reasons;
    if (!reasons.length) return null;
    const more = reasons.slice(mostProblems);
    return section(
        say.text('overview.problems'),
        element('ul.problems', null, reasons.slice(0, mostProblems).map(problem)),
        more.length
            ? element(
                  'details',
                  null,
                  element('summary', null, say.text('overview.more', {n: more.length})),
                  element('ul.problems', null, more.map(problem)),
              )
            : null,
    );
}

/* ---- the sentence at the top ---- */

function headline(status) {
    const {state: health, reasons} = status.health;
    if (status.stopping) return say.text('overview.stopping');
    if (health === 'ok') return say.text('overview.ok');
    const n = reasons.filter((one) => one.severity === health).length;
    const broken = status.routes.filter((one) => one.state === 'down').length;
    /* A route on which nothing gets through is red on the map, and so not all is well. */
    if (health === 'warning' && broken)
        return [say.text('overview.broken', {n: broken}), say.text('overview.warnings', {n})].join(' ');
    return say.text(`overview.${health}`, {n});
}

function summary(status) {
    return [
        status.places.length ? say.text('overview.places', {n: status.places.length}) : null,
        say.text('overview.routes', {n: status.routes.length}),
        say.text('overview.destinations', {n: status.destinations.length}),
        say.text('overview.uptime', {span: say.span(status.uptime_seconds, 'word.days.since')}),
    ]
        .filter(Boolean)
        .join(' · ');
}

/* ---- figures ---- */

function figure(title, value, below, values) {
    return element(
        'div.figure',
        null,
        element('dt', null, title),
        element(
            'dd',
            null,
            element('strong', null, value),
            element('span', null, below),
            values && values.length > 1 ? spark(values) : null,
        ),
    );
}

function figures(status) {
    const points = (state.history?.points || []).slice(-60);
    const groups = grouped(points, 30);
    const last = points.at(-1);
    const rate = (key) => (last ? say.number(last[key] ?? 0) : '–');
    const oldest = Math.max(0, ...status.destinations.map((one) => one.queue.oldest_seconds || 0));
    const waiting = status.destinations.reduce((sum, one) => sum + one.queue.waiting, 0);
    const dead = status.destinations.reduce((sum, one) => sum + one.queue.dead, 0);
    const slowest = most(points, 'delivery_p99');
    return element(
        'dl.figures',
        null,
        figure(
            say.text('figure.accepted'),
            rate('accepted'),
            say.text('figure.hour', {n: total(points, 'accepted')}),
            groups.map((group) => mean(group, 'accepted')),
        ),
        figure(
            say.text('figure.delivered'),
            rate('delivered'),
            say.text('figure.hour', {n: total(points, 'delivered')}),
            groups.map((group) => mean(group, 'delivered')),
        ),
        figure(
            say.text('figure.waiting'),
            say.number(waiting),
            oldest
                ? say.text('figure.oldest', {span: say.span(oldest, 'word.days.since')})
                : say.text('figure.none'),
            groups.map((group) => most(group, 'waiting')),
        ),
        figure(
            say.text('figure.dead'),
            say.number(dead),
            dead ? link('dead', say.text('figure.dead.look')) : say.text('figure.dead.none'),
        ),
        figure(
            say.text('history.delivery'),
            slowest === null ? '–' : say.took(slowest),
            say.text('figure.delivery.note'),
            groups.map((group) => most(group, 'delivery_p99')),
        ),
    );
}

/* ---- routes ---- */

function routes(status) {
    if (!status.routes.length) return note(say.text('routes.none'));
    const order = ['down', 'degraded', 'ready'];
    const rows = [...status.routes].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
    return table({
        caption: say.text('routes.title'),
        key: (route) => clean(`${route.reader} ${route.type} ${route.destinations}`),
        columns: [
            {
                title: say.text('routes.reader'),
                cell: (route) => [
                    route.place ? [given(placeTitle(route.place)), ' '] : null,
                    code(route.reader),
                ],
            },
            {
                title: say.text('search.type'),
                cell: (route) => (route.type === '*' ? say.text('search.any') : code(route.type)),
            },
            {
                title: say.text('search.destination'),
                cell: (route) =>
                    route.destinations.map((name, index) => [index ? ', ' : '', destinationLink(name)]),
            },
            {title: say.text('search.state'), cell: (route) => routeBadge(route.state)},
            {
                title: say.text('routes.messages'),
                kind: 'number',
                cell: (route) => (route.messages === null ? nothing() : say.number(route.messages)),
            },
        ],
        rows,
    });
}

export function open(context) {
    const search = quickSearch(context);
    return {
        title: () => (state.status ? headline(state.status) : say.text('nav.overview')),
        draw() {
            const status = state.status;
            if (!status) return [heading(say.text('nav.overview')), loading()];
            return [
                element(
                    'div.hero',
                    null,
                    element(
                        `div.verdict.is-${healthKind(status.health.state)}`,
                        null,
                        icon(healthKind(status.health.state)),
                        element('div', null, heading(headline(status)), element('p', null, summary(status))),
                    ),
                    search.draw(),
                ),
                problems(),
                element(
                    'div.glance',
                    null,
                    section(say.text('map.title'), map(status, context.narrow())),
                    section(say.text('figure.title'), figures(status)),
                ),
                section(say.text('routes.title'), routes(status)),
            ];
        },
    };
}
