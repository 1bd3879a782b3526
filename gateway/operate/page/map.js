/*
 * map: places and the routes between them, as they are at this moment.
 *
 * Places stand where latitude and longitude say. A line leads from each place with partners to each that
 * has routes, and has the worst state of those routes. Where there are too many places for that, or none
 * at all, places or destinations stand around the gateway, and lines lead from there.
 */
import {clean, drawing, element} from './elements.js';
import * as say from './language.js';
import {destinationKind, icon, routeKind, titled, worst} from './parts.js';

const mostMeshed = 5;
const around = 24;
const stretch = 2.4;
const mostLabelled = 7;

/* ---- what is shown ---- */

function holdings(destinations) {
    const sum = (what) => destinations.reduce((total, one) => total + one.queue[what], 0);
    return {waiting: sum('waiting'), dead: sum('dead')};
}

function below({waiting, dead}) {
    return [
        waiting || !dead ? say.text('map.waiting', {n: waiting}) : null,
        dead ? say.text('map.dead', {n: dead}) : null,
    ].filter(Boolean);
}

function placeNode(status, place) {
    const routes = status.routes.filter((route) => route.place === place.name);
    const named = new Set(routes.flatMap((route) => route.destinations));
    const destinations = status.destinations.filter((one) => one.place === place.name || named.has(one.name));
    const kinds = [...routes.map((route) => routeKind(route.state)), ...destinations.map(destinationKind)];
    return {
        key: place.name,
        title: titled(place),
        latitude: place.latitude,
        longitude: place.longitude,
        address: `destinations?place=${encodeURIComponent(place.name)}`,
        kind: worst(kinds),
        below: below(holdings(destinations)),
        routes: worst(routes.map((route) => routeKind(route.state))),
        reached: routes.length > 0,
        sends: status.partners.some((partner) => partner.place === place.name),
    };
}

function destinationNode(destination) {
    const kind = destinationKind(destination);
    return {
        key: destination.name,
        title: titled(destination),
        kind,
        routes: kind,
        reached: true,
        address: `destinations/${encodeURIComponent(destination.name)}`,
        below: below(holdings([destination])),
    };
}

function gatewayNode(status) {
    return {key: '', title: status.name, kind: 'gateway', address: 'system', below: [], reached: false};
}

/* Nodes, and lines as pairs of them. */
function contents(status) {
    const places = status.places.map((place) => placeNode(status, place));
    if (places.length > 1 && places.length <= mostMeshed) {
        const senders = places.some((one) => one.sends) ? places.filter((one) => one.sends) : places;
        return {
            nodes: places,
            lines: senders.flatMap((from) =>
                places.filter((to) => to !== from && to.reached).map((to) => ({from, to})),
            ),
        };
    }
    const outer = places.length ? places : status.destinations.slice(0, around).map(destinationNode);
    const middle = gatewayNode(status);
    return {
        nodes: [...outer, middle],
        middle,
        lines: outer.filter((one) => one.reached).map((to) => ({from: middle, to})),
    };
}

/* ---- where it stands ---- */

function onCircle(nodes, size) {
    nodes.forEach((node, index) => {
        const angle = (index / nodes.length) * 2 * Math.PI - Math.PI / 2;
        node.x = size.width / 2 + Math.cos(angle) * (size.width / 2 - size.aside);
        node.y = size.height / 2 + Math.sin(angle) * (size.height / 2 - size.above);
    });
}

/*
 * A degree of longitude is shorter than one of latitude, by the cosine of the latitude. What lies north
 * or east stays so, but to give lines and names room one direction may be stretched against the other.
 */
function onEarth(nodes, size) {
    const shrink = Math.cos((nodes[0].latitude * Math.PI) / 180);
    const xs = nodes.map((node) => node.longitude * shrink);
    const ys = nodes.map((node) => -node.latitude);
    const spread = (values) => Math.max(...values) - Math.min(...values) || 1e-6;
    const across = (size.width - 2 * size.aside) / spread(xs);
    const down = (size.height - 2 * size.above) / spread(ys);
    const scale = {x: Math.min(across, down * stretch), y: Math.min(down, across * stretch)};
    const centre = (values) => (Math.max(...values) + Math.min(...values)) / 2;
    nodes.forEach((node, index) => {
        node.x = size.width / 2 + (xs[index] - centre(xs)) * scale.x;
        node.y = size.height / 2 + (ys[index] - centre(ys)) * scale.y;
    });
}

/* From the north clockwise, as they lie around their centre: so none stands upon another. */
function byBearing(nodes) {
    const mean = (name) => nodes.reduce((sum, node) => sum + node[name], 0) / nodes.length;
    const [north, east] = [mean('latitude'), mean('longitude')];
    const bearing = (node) => {
        const angle = Math.atan2(node.longitude - east, node.latitude - north);
        return angle < 0 ? angle + 2 * Math.PI : angle;
    };
    return [...nodes].sort((one, other) => bearing(one) - bearing(other));
}

function arrange({nodes, middle}, size) {
    const placed = nodes.filter((node) => node !== middle);
    const known = placed.every(
        (node) => typeof node.latitude === 'number' && typeof node.longitude === 'number',
    );
    if (known && !middle) onEarth(placed, size);
    else onCircle(known ? byBearing(placed) : placed, size);
    if (middle) Object.assign(middle, {x: size.width / 2, y: size.height / 2});
}

/* ---- how it is drawn ---- */

function point(from, control, to, t) {
    const mix = (a, b, c) => (1 - t) * (1 - t) * a + 2 * t * (1 - t) * b + t * t * c;
    return {x: mix(from.x, control.x, to.x), y: mix(from.y, control.y, to.y)};
}

function towards(from, to, distance) {
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    return {
        x: from.x + ((to.x - from.x) * distance) / length,
        y: from.y + ((to.y - from.y) * distance) / length,
    };
}

/* Bends to its left, so that two lines between the same places lie side by side. */
function curve(from, to, bend) {
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    const control = {
        x: (from.x + to.x) / 2 + ((to.y - from.y) / length) * bend,
        y: (from.y + to.y) / 2 - ((to.x - from.x) / length) * bend,
    };
    return {from: towards(from, control, 26), control, to: towards(to, control, 32)};
}

const round = (value) => Math.round(value * 10) / 10;
const at = ({x, y}) => `${round(x)} ${round(y)}`;

function head({control, to}) {
    const tip = towards(to, control, -9);
    const back = towards(to, control, 3);
    const across = {x: (-(tip.y - back.y) / 12) * 5.5, y: ((tip.x - back.x) / 12) * 5.5};
    return drawing('path.head', {
        d: `M${at(tip)}L${at({x: back.x + across.x, y: back.y + across.y})}L${at({
            x: back.x - across.x,
            y: back.y - across.y,
        })}Z`,
    });
}

/* The shape of a state and, unless all is well or there is no room, its word. */
function mark(place, kind, narrow) {
    const word = kind === 'ok' || narrow ? '' : say.text(`map.${kind}`);
    const width = word ? 36 + word.length * 7.9 : 22;
    const shape = icon(kind);
    for (const [name, value] of Object.entries({
        x: round(place.x - width / 2 + (word ? 6 : 4)),
        y: round(place.y - 7),
        width: 14,
        height: 14,
    })) {
        shape.setAttribute(name, value);
    }
    return drawing(
        'g.mark',
        null,
        drawing('rect', {
            x: round(place.x - width / 2),
            y: round(place.y - 11),
            width: round(width),
            height: 22,
            rx: 11,
        }),
        shape,
        word ? drawing('text', {x: round(place.x - width / 2 + 26), y: round(place.y + 4.5)}, word) : null,
    );
}

function line({from, to}, bend, narrow) {
    const kind = to.routes;
    const path = curve(from, to, bend);
    const label = say.text('map.line', {from: from.title, to: to.title, state: say.text(`map.${kind}`)});
    return drawing(
        `g.line.is-${kind}`,
        {role: 'img', 'aria-label': label, 'data-key': `${from.key}>${to.key}`},
        drawing('path.way', {d: `M${at(path.from)}Q${at(path.control)} ${at(path.to)}`}),
        head(path),
        mark(point(path.from, path.control, path.to, from.kind === 'gateway' ? 0.5 : 0.6), kind, narrow || from.kind === 'gateway'),
    );
}

function bridge(node) {
    return drawing(
        'g.bridge',
        null,
        drawing('path', {
            d: `M${round(node.x - 20)} ${round(node.y - 8)}h40M${round(node.x - 15)} ${round(
                node.y + 12,
            )}c3 -13 8 -20 15 -20s12 7 15 20`,
        }),
    );
}

function node(one, size) {
    const up = one.y < size.height / 2 && one.kind !== 'gateway';
    const y = one.y + (up ? -26 - 18 * (size.narrow && !size.crowded ? one.below.length + 1 : 1) : 42);
    const below = one.kind === 'gateway' ? [] : [say.text(`map.${one.kind}`), ...(size.crowded ? [] : one.below)];
    const lines = size.narrow ? below : [below.join(', ')].filter(Boolean);
    const longest = Math.max(one.title.length * 8.8, ...lines.map((words) => words.length * 7.2)) / 2;
    const x = round(Math.max(longest, Math.min(size.width - longest, one.x)));
    const shape = icon(one.kind);
    for (const [name, value] of Object.entries({
        x: round(one.x - 9),
        y: round(one.y - 9),
        width: 18,
        height: 18,
    })) {
        shape.setAttribute(name, value);
    }
    return drawing(
        `a.node.is-${one.kind}`,
        {
            href: `#/${one.address}`,
            'data-key': `node-${one.key}`,
            'aria-label': one.kind === 'gateway' ? clean(one.title) : null,
        },
        drawing('circle.halo', {cx: round(one.x), cy: round(one.y), r: 24}),
        drawing('circle', {cx: round(one.x), cy: round(one.y), r: 18}),
        one.kind === 'gateway' ? bridge(one) : shape,
        one.kind === 'gateway' ? null : drawing('text.name', {x, y: round(y)}, clean(one.title)),
        lines.map((words, index) => [
            ' ',
            drawing(`text.below.is-${one.kind}`, {x, y: round(y + 18 * (index + 1))}, words),
        ]),
    );
}

function legend() {
    return element(
        'ul.legend',
        null,
        ['ok', 'warning', 'critical'].map((kind) =>
            element(`li.is-${kind}`, null, icon(kind), element('span', null, say.text(`map.${kind}`))),
        ),
    );
}

export function map(status, narrow) {
    const size = narrow
        ? {width: 330, height: 450, aside: 74, above: 92, narrow}
        : {width: 720, height: 430, aside: 130, above: 82};
    const shown = contents(status);
    const more = Math.max(0, shown.nodes.length - mostLabelled);
    Object.assign(size, {crowded: more > 0, height: size.height + more * 24});
    arrange(shown, size);
    const bend = narrow ? 44 : 64;
    return element(
        'figure.map',
        null,
        drawing(
            'svg',
            {viewBox: `0 0 ${size.width} ${size.height}`, role: 'group', 'aria-label': say.text('map.title')},
            shown.lines.map((one) => line(one, shown.middle ? 0 : bend, narrow)),
            shown.nodes.map((one) => node(one, size)),
        ),
        element('figcaption', null, legend()),
    );
}
