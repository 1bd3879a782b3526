/*
 * certificates: what ends when, soonest first, and how old the revocation lists may become.
 */
import {code, element, given} from './elements.js';
import * as say from './language.js';
import {state} from './server.js';
import {badge, facts, heading, loading, note, nothing, section, table} from './parts.js';

const soon = 30;
const verySoon = 7;

function kind(days) {
    if (days < verySoon) return 'critical';
    return days < soon ? 'warning' : 'ok';
}

function left(days) {
    const label = days < 0 ? say.text('certificates.ended') : say.text('word.days', {n: days});
    return [
        badge(kind(days), label),
        element('meter.days', {
            min: '0',
            max: '365',
            low: String(verySoon),
            high: String(soon),
            optimum: '365',
            value: String(Math.max(0, Math.min(365, days))),
            'aria-hidden': 'true',
        }),
    ];
}

/* Of a distinguished name what people call it by. */
function common(subject) {
    return /(?:^|[,/])\s*CN\s*=\s*([^,/]+)/i.exec(subject || '')?.[1] || subject;
}

function details(one) {
    const pairs = ['subject', 'serial', 'fingerprint', 'file']
        .filter((name) => one[name])
        .map((name) => [say.text(`certificates.${name}`), code(one[name])]);
    return element('details', null, element('summary', null, given(common(one.subject))), facts(...pairs));
}

function all(certificates) {
    return table({
        caption: say.text('nav.certificates'),
        key: (one) => `${one.role} ${one.fingerprint} ${one.owner}`,
        columns: [
            {title: say.text('certificates.name'), cell: details},
            {title: say.text('certificates.left'), cell: (one) => left(one.days_left)},
            {
                title: say.text('certificates.until'),
                cell: (one) => element('time', {datetime: one.not_after}, say.date(one.not_after)),
            },
            {
                title: say.text('certificates.role'),
                cell: (one) => say.known(`role.${one.role}`) || given(one.role),
            },
            {title: say.text('certificates.owner'), cell: (one) => given(one.owner || state.status.name)},
        ],
        rows: [...certificates].sort((a, b) => new Date(a.not_after) - new Date(b.not_after)),
    });
}

/* A list may leave open when the next one comes. */
function listLeft(days) {
    if (days === null) return nothing();
    if (days < 0) return badge('critical', say.text('certificates.ended'));
    return badge(days < 1 ? 'warning' : 'ok', say.text('word.days', {n: days}));
}

function lists(revocation) {
    return table({
        caption: say.text('revocation.title'),
        key: (one) => one.issuer,
        columns: [
            {title: say.text('revocation.issuer'), cell: (one) => given(common(one.issuer))},
            {title: say.text('certificates.left'), cell: (one) => listLeft(one.days_left)},
            {
                title: say.text('revocation.next'),
                cell: (one) =>
                    one.next_update
                        ? element('time', {datetime: one.next_update}, say.moment(one.next_update))
                        : '–',
            },
        ],
        rows: revocation,
    });
}

export function open() {
    return {
        title: () => say.text('nav.certificates'),
        draw() {
            const status = state.status;
            if (!status) return [heading(say.text('nav.certificates')), loading()];
            return [
                heading(say.text('nav.certificates')),
                note(say.text('certificates.note')),
                status.certificates.length ? all(status.certificates) : note(say.text('certificates.none')),
                section(
                    say.text('revocation.title'),
                    status.revocation?.length ? lists(status.revocation) : note(say.text('revocation.none')),
                ),
            ];
        },
    };
}
