/*
 * history: how much came and went in the last hours, and how long it took.
 */
import {element} from './elements.js';
import * as say from './language.js';
import {state} from './server.js';
import {grouped, mean, most, plot, total} from './plot.js';
import {heading, loading, note, table} from './parts.js';

const ranges = [1, 6, 24];

function highest(groups, key, write) {
    const points = groups.flat();
    const top = most(points, key);
    if (top === null) return say.text('history.nothing');
    const peak = points.find((one) => one[key] === top);
    return say.text('history.highest', {value: write(top), time: say.moment(peak.time)});
}

function plots(groups, narrow, hover) {
    const count = (value) => say.number(value, value < 10 ? 1 : 0);
    const line = (key, of) => ({
        label: say.known(`history.${key}`) || say.text(`delivery.${key}`),
        of: (group) => of(group, key),
    });
    const one = (name, series, write, key) =>
        plot({
            title: say.text(`history.${name}`),
            groups,
            series,
            write,
            narrow,
            hover,
            summary: highest(groups, key, write),
        });
    return [
        one(
            'throughput',
            [line('accepted', mean), line('delivered', mean), line('refused', mean)],
            count,
            'accepted',
        ),
        one('queue', [line('waiting', most), line('dead', total)], count, 'waiting'),
        one('intake', [line('intake_p50', mean), line('intake_p99', most)], say.took, 'intake_p99'),
        one('delivery', [line('delivery_p50', mean), line('delivery_p99', most)], say.took, 'delivery_p99'),
    ];
}

function figures(points) {
    const number = (of, key, write = say.number) => ({
        title: say.known(`history.${key}`) || say.text(`delivery.${key}`),
        kind: 'number',
        cell: (group) => (of(group, key) === null ? '–' : write(of(group, key))),
    });
    return element(
        'details',
        null,
        element('summary', null, say.text('history.table')),
        table({
            caption: say.text('history.table'),
            columns: [
                {
                    title: say.text('history.time'),
                    cell: (group) => element('time', {datetime: group[0].time}, say.moment(group[0].time)),
                },
                number(total, 'accepted'),
                number(total, 'delivered'),
                number(total, 'refused'),
                number(total, 'dead'),
                number(most, 'waiting'),
                number(most, 'intake_p99', say.took),
                number(most, 'delivery_p99', say.took),
            ],
            rows: grouped(points, 24).reverse(),
        }),
    );
}

function choice(hours) {
    return element(
        'ul.choice',
        {'aria-label': say.text('history.range')},
        ranges.map((one) =>
            element(
                'li',
                null,
                element(
                    'a',
                    {href: `#/history?hours=${one}`, 'aria-current': one === hours ? 'true' : null},
                    say.text('history.hours', {n: one}),
                ),
            ),
        ),
    );
}

export function open(context) {
    const wanted = Number(context.query.get('hours'));
    const hours = ranges.includes(wanted) ? wanted : 6;
    const hover = {
        at: null,
        move(at) {
            if (at === hover.at) return;
            hover.at = at;
            context.redraw();
        },
    };
    return {
        title: () => say.text('nav.history'),
        draw() {
            const top = [heading(say.text('nav.history')), choice(hours)];
            if (!state.history) return [top, loading()];
            const points = state.history.points.slice(-60 * hours);
            if (points.length < 2) return [top, note(say.text('history.soon'))];
            const groups = grouped(points, context.narrow() ? 90 : 180);
            return [top, element('div.plots', null, plots(groups, context.narrow(), hover)), figures(points)];
        },
    };
}
