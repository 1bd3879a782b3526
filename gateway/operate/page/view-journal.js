/*
 * journal: the audit trail, for operators.
 */
import {code, element, given} from './elements.js';
import * as say from './language.js';
import {ask, state} from './server.js';
import {failure, heading, link, loading, note, nothing, table, when} from './parts.js';

const page = 50;
/* What is shown at once of a message's entries, which begin with the oldest. */
const most = 200;
const identifier = /^[0-9a-f-]{36}$/;
/* What an entry may be about, beside a message. */
const named = ['destination', 'to', 'partner', 'network', 'code', 'what', 'reason', 'day', 'count'];

function subject(line) {
    const parts = [];
    if (identifier.test(line.message || ''))
        parts.push(link(`messages/${line.message}`, code(line.message.slice(0, 13)), '…'));
    else if (line.uuid) parts.push(code(line.uuid));
    for (const name of named) {
        if (line[name] !== undefined && line[name] !== null) parts.push(given(line[name]));
    }
    return parts.length ? parts.map((part, index) => [index ? ' · ' : '', part]) : nothing();
}

function actWord(act) {
    return (
        say.known(`journal.${act}`) ||
        say.known(`delivery.${act}`) ||
        say.known(`history.${act}`) ||
        given(act)
    );
}

export function journalTable(entries) {
    return table({
        caption: say.text('journal.title'),
        key: (one) => one.number,
        columns: [
            {title: say.text('journal.number'), kind: 'number', cell: (one) => say.number(one.number)},
            {title: say.text('journal.time'), cell: (one) => when(one.time, true)},
            {title: say.text('journal.act'), cell: (one) => actWord(one.line.act)},
            {title: say.text('journal.subject'), cell: (one) => subject(one.line)},
            {
                title: say.text('journal.by'),
                cell: (one) =>
                    one.line.by
                        ? [
                              given(one.line.by),
                              one.line.why ? [': ', element('q', null, given(one.line.why))] : null,
                          ]
                        : nothing(),
            },
        ],
        rows: entries,
    });
}

export function open(context) {
    const message = context.query.get('message');
    const from = Number(context.query.get('from')) || null;
    let answer = null;
    let shownFrom = from;
    let known = 0;
    let underway = false;

    async function load() {
        underway = true;
        known = state.status?.audit.entries || 0;
        shownFrom = from || Math.max(1, known - page + 1);
        const wanted = message
            ? {message, limit: String(most), ...(from && {from: String(from)})}
            : {from: String(shownFrom), limit: String(from ? page : 2 * page)};
        answer = await ask(`/journal?${new URLSearchParams(wanted)}`);
        underway = false;
        context.redraw();
    }

    /* Which entries are the newest is only known with the state, and they are followed while it changes. */
    function follow() {
        const begins = !answer && (state.status || message || from);
        const grows = answer && !message && !from && state.status?.audit.entries > known;
        if (!underway && (begins || grows)) load();
    }

    function pagesOfMessage() {
        const address = `journal?message=${encodeURIComponent(message)}`;
        const {next} = answer.body;
        return element(
            'p.row',
            null,
            link('journal', say.text('journal.all')),
            from ? link(address, say.text('journal.oldest')) : null,
            next ? link(`${address}&from=${next}`, say.text('journal.newer')) : null,
        );
    }

    function pages() {
        if (message) return pagesOfMessage();
        const older =
            shownFrom > 1
                ? link(`journal?from=${Math.max(1, shownFrom - page)}`, say.text('journal.older'))
                : null;
        const newer =
            from && answer.body.next
                ? link(`journal?from=${answer.body.next}`, say.text('journal.newer'))
                : null;
        return element(
            'p.row',
            null,
            older,
            newer,
            from ? link('journal', say.text('journal.newest')) : null,
        );
    }

    return {
        title: () => say.text('nav.journal'),
        draw() {
            follow();
            const top = [heading(say.text('nav.journal')), note(say.text('journal.note'))];
            if (!answer) return [top, loading()];
            if (!answer.ok) return [top, failure(answer)];
            const entries = message ? answer.body.entries : [...answer.body.entries].reverse();
            return [top, pages(), entries.length ? journalTable(entries) : note(say.text('journal.none'))];
        },
    };
}
