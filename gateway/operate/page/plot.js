/*
 * plot: figures over time as lines, each with a dash of its own, and the same as a table.
 */
import {drawing, element} from './elements.js';
import * as say from './language.js';

/* Points of a series as a path; nothing is drawn where nothing is known. */
function trace(values, x, y) {
    let path = '';
    let pen = false;
    values.forEach((value, index) => {
        if (value === null || value === undefined) {
            pen = false;
            return;
        }
        path += `${pen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
        if (!pen && (values[index + 1] === null || values[index + 1] === undefined)) path += 'h0.1';
        pen = true;
    });
    return path;
}

/* A round number that is not less. */
function ceiling(value) {
    if (!(value > 0)) return 1;
    const step = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 3, 4, 5, 6, 8, 10]
        .map((factor) => factor * step)
        .find((rounded) => rounded >= value * 0.999);
}

/* Minutes put together: the mean of rates, the worst of everything else. */
export function grouped(points, count) {
    const each = Math.max(1, Math.ceil(points.length / count));
    const groups = [];
    for (let end = points.length; end > 0; end -= each) {
        groups.unshift(points.slice(Math.max(0, end - each), end));
    }
    return groups;
}

const present = (group, key) =>
    group.map((one) => one[key]).filter((value) => value !== null && value !== undefined);

export function mean(group, key) {
    const values = present(group, key);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

export function most(group, key) {
    const values = present(group, key);
    return values.length ? Math.max(...values) : null;
}

export function total(group, key) {
    return present(group, key).reduce((sum, value) => sum + value, 0);
}

/* A small line without axes; what it says stands beside it as text. */
export function spark(values) {
    const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
    const x = (index) => (index / Math.max(1, values.length - 1)) * 120;
    const y = (value) => 29 - (value / top) * 26;
    return drawing(
        'svg.spark',
        {viewBox: '0 0 120 32', preserveAspectRatio: 'none', 'aria-hidden': 'true'},
        drawing('path', {d: trace(values, x, y)}),
    );
}

function sample(index) {
    return drawing(
        'svg.sample',
        {viewBox: '0 0 26 8', 'aria-hidden': 'true'},
        drawing(`path.series.series-${index}`, {d: 'M1 4H25'}),
    );
}

function hours(groups, x, size) {
    const marks = [];
    const from = new Date(groups[0][0].time);
    const until = new Date(groups[groups.length - 1].at(-1).time);
    const range = (until - from) / 3600000;
    const every = [0.25, 0.5, 1, 2, 3, 4, 6].find((one) => range / one <= (size.width > 500 ? 9 : 5)) || 6;
    const midnight = new Date(from).setHours(0, 0, 0, 0);
    for (let time = midnight; time <= +until; time += every * 3600000) {
        const part = (time - from) / (until - from || 1);
        if (part < 0.02 || part > 0.98) continue;
        marks.push(
            drawing(
                'text.axis',
                {x: x(part * (groups.length - 1)), y: size.height - 6, 'text-anchor': 'middle'},
                say.hour(time),
            ),
        );
    }
    return marks;
}

function grid(top, y, size, write) {
    return [0, 0.5, 1].map((part) =>
        drawing(
            'g',
            null,
            drawing('path.grid', {d: `M${size.left} ${y(top * part).toFixed(1)}H${size.width - 8}`}),
            drawing(
                'text.axis',
                {x: size.left - 8, y: (y(top * part) + 4).toFixed(1), 'text-anchor': 'end'},
                write(top * part),
            ),
        ),
    );
}

/* What the pointer is at; the same figures stand in the table for those who use none. */
function reading(series, values, groups, at, write) {
    if (at === null || !groups[at]) return null;
    return [
        say.moment(groups[at].at(-1).time),
        ...series.map(
            (one, index) => `${one.label} ${values[index][at] === null ? '–' : write(values[index][at])}`,
        ),
    ].join(' · ');
}

/*
 * series: {label, of(group)}; summary: the sentence for those who do not see it; hover: {at, move(at)},
 * where the pointer is.
 */
export function plot({title, groups, series, write, summary, narrow, hover}) {
    const size = narrow ? {width: 330, height: 190, left: 56} : {width: 700, height: 230, left: 66};
    const values = series.map((one) => groups.map(one.of));
    const top = ceiling(Math.max(0, ...values.flat().filter((value) => value !== null)));
    const x = (index) => size.left + (index / Math.max(1, groups.length - 1)) * (size.width - 8 - size.left);
    const y = (value) => size.height - 28 - (value / top) * (size.height - 44);
    const move = (event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const part =
            (((event.clientX - box.left) / box.width) * size.width - size.left) /
            (size.width - 8 - size.left);
        hover.move(Math.max(0, Math.min(groups.length - 1, Math.round(part * (groups.length - 1)))));
    };
    const cross =
        hover.at === null || !groups[hover.at]
            ? null
            : drawing('path.cross', {d: `M${x(hover.at).toFixed(1)} 12V${size.height - 28}`});
    return element(
        'figure.plot',
        null,
        element(
            'figcaption',
            null,
            element('h2', null, title),
            element(
                'ul.legend',
                null,
                series.map((one, index) =>
                    element('li', null, sample(index), element('span', null, one.label)),
                ),
            ),
        ),
        drawing(
            'svg',
            {
                viewBox: `0 0 ${size.width} ${size.height}`,
                role: 'img',
                'aria-label': `${title}: ${summary}`,
                onpointermove: move,
                onpointerleave: () => hover.move(null),
            },
            grid(top, y, size, write),
            hours(groups, x, size),
            cross,
            values.map((one, index) => drawing(`path.series.series-${index}`, {d: trace(one, x, y)})),
        ),
        element(
            'p.reading',
            {'aria-hidden': 'true'},
            reading(series, values, groups, hover.at, write) || summary,
        ),
    );
}
