/*
 * message: the whole trace of one message as a time line: how it came, what was checked, every attempt,
 * every act, and how it ended.
 */
import {code, element, english, given} from './elements.js';
import * as say from './language.js';
import {ask, path, state} from './server.js';
import {deliveryActs, eraseButton} from './acts.js';
import {
    deliveryBadge,
    destinationLink,
    facts,
    failure,
    findDestination,
    heading,
    icon,
    link,
    loading,
    nothing,
    note,
    outcome,
    section,
    table,
    titled,
    tookMicroseconds,
    when,
} from './parts.js';
import {journalTable} from './view-journal.js';

/* ---- the time line ---- */

function kindOf(event) {
    if (event.kind === 'act') return 'act';
    if (['delivered', 'collected', 'accepted'].includes(event.code)) return 'ok';
    return {attempt: 'warning', ended: 'critical'}[event.kind] || 'ended';
}

function actText({by, text}) {
    return [
        by ? element('span', null, say.text('trace.by', {by}), ' ') : null,
        text ? element('q', null, given(text)) : null,
    ];
}

function eventTitle(event) {
    const word = event.kind === 'attempt' ? event.kind : event.code.replace(/^operator\./, '');
    return say.known(`trace.${word}`) || say.known(`trace.${event.kind}`) || given(event.kind);
}

function eventItem(event, index, first, extra) {
    const kind = kindOf(event);
    const acting = kind === 'act';
    const offset = (new Date(event.time) - new Date(first)) / 1000;
    return element(
        `li.is-${kind}`,
        {'data-key': `event-${index}`},
        icon(kind),
        element(
            'div.when',
            null,
            when(event.time, true),
            index && offset >= 0.001 ? element('span.quiet', null, `+ ${say.took(offset)}`) : null,
        ),
        element(
            'div.what',
            null,
            element(
                'h3',
                null,
                eventTitle(event),
                event.destination ? [' ', destinationLink(event.destination)] : null,
            ),
            element('p', null, acting ? actText(event) : outcome(event.code, event.text)),
            event.duration_microseconds !== null && event.duration_microseconds !== undefined
                ? element(
                      'p.detail',
                      null,
                      say.text('trace.took'),
                      ' ',
                      tookMicroseconds(event.duration_microseconds),
                  )
                : null,
            extra,
        ),
    );
}

function checks(list) {
    if (!list?.length) return null;
    const sum = list.reduce((total, one) => total + (one.microseconds || 0), 0);
    return element(
        'details',
        null,
        element('summary', null, say.text('checks.summary', {n: list.length, took: say.took(sum / 1e6)})),
        table({
            caption: say.text('checks.title'),
            columns: [
                {
                    title: say.text('checks.check'),
                    cell: (one) => say.known(`check.${one.check}`) || given(one.check),
                },
                {
                    title: say.text('checks.result'),
                    cell: (one) => say.known(`check.is.${one.result}`) || given(one.result),
                },
                {
                    title: say.text('checks.detail'),
                    cell: (one) => (one.detail ? given(one.detail) : nothing()),
                },
                {
                    title: say.text('trace.took'),
                    kind: 'number',
                    cell: (one) => tookMicroseconds(one.microseconds),
                },
            ],
            rows: list,
        }),
    );
}

function timeLine(message) {
    const first = message.trace[0]?.time || message.received;
    const accepted = message.trace.findIndex((event) => event.kind === 'accepted');
    return element(
        'ol.trace',
        null,
        message.trace.map((event, index) =>
            eventItem(event, index, first, index === Math.max(0, accepted) ? checks(message.checks) : null),
        ),
    );
}

/* ---- the rest ---- */

function authority(id, name) {
    return [name ? [given(name), ' '] : null, code(id)];
}

function parts(list) {
    if (!list?.length) return nothing();
    return element(
        'ul.plain',
        null,
        list.map((part) =>
            element(
                'li',
                null,
                part.name ? [given(part.name), ' · '] : `${say.known(`part.${part.kind}`) || part.kind} · `,
                part.media_type ? [given(part.media_type), ' · '] : null,
                say.bytes(part.size),
            ),
        ),
    );
}

function about(message) {
    const isStored = message.parts?.some((part) => part.kind === 'content');
    const download = state.who.contents && isStored
        ? element(
              'a',
              {href: path('messages', message.id, 'content'), download: `${message.id}.xml`},
              say.text('message.content'),
          )
        : null;
    return facts(
        [say.text('message.author'), authority(message.author, message.author_name)],
        [say.text('message.reader'), authority(message.reader, message.reader_name)],
        [
            say.text('message.type'),
            message.type_name ? [given(message.type_name), ' '] : null,
            code(message.type),
        ],
        [say.text('message.created'), when(message.created, true)],
        [say.text('trace.accepted'), when(message.received, true)],
        [say.text('search.partner'), given(message.partner), ' · ', given(message.source)],
        [say.text('message.parts'), parts(message.parts), download],
        [say.text('search.id'), code(message.id)],
        [say.text('message.digest'), message.digest ? code(message.digest) : nothing()],
    );
}

/* The sentence that answers the caller. */
function verdict(message) {
    const one = message.deliveries[0];
    if (message.deliveries.length !== 1) return null;
    const found = findDestination(one.destination);
    const name = found ? titled(found) : one.destination;
    return element(
        'p.lead',
        null,
        say.known(`verdict.${one.state}`, {
            name,
            time: one.ended
                ? say.moment(one.ended)
                : one.next_attempt
                  ? say.moment(one.next_attempt, true)
                  : '–',
        }),
    );
}

function deliveries(message, reload) {
    return element(
        'ul.deliveries',
        null,
        message.deliveries.map((one) =>
            element(
                'li',
                {'data-key': `delivery-${one.destination}-${one.state}`},
                element('div.row', null, deliveryBadge(one.state), ' ', destinationLink(one.destination)),
                element(
                    'p.detail',
                    null,
                    say.text('word.attempts', {n: one.attempts}),
                    one.next_attempt && one.state === 'waiting'
                        ? [' · ', say.text('message.next'), ' ', when(one.next_attempt, true)]
                        : null,
                ),
                one.last_code && !['delivered', 'collected'].includes(one.state)
                    ? element('p', null, outcome(one.last_code, one.last_text))
                    : null,
                deliveryActs(message, one, reload),
            ),
        ),
    );
}

function gone(found) {
    const journal = found.body?.journal;
    return [
        failure(found),
        journal?.length
            ? section(
                  say.text('message.journal'),
                  note(say.text('message.journal.note')),
                  journalTable(journal),
              )
            : null,
    ];
}

export function open(context) {
    const id = context.path[1] || '';
    let answer = null;

    async function load() {
        answer = await ask(path('messages', id));
        context.redraw();
    }

    function drawn() {
        if (!answer) return [heading(say.text('message.title')), loading()];
        if (!answer.ok) return [heading(say.text('message.title')), gone(answer)];
        const message = answer.body;
        return [
            heading(say.text('message.title'), element('p.subject', null, code(message.uuid))),
            verdict(message),
            element(
                'div.pair',
                null,
                element(
                    'div',
                    null,
                    section(say.text('message.deliveries'), deliveries(message, load)),
                    section(say.text('trace.title'), timeLine(message)),
                ),
                element(
                    'div',
                    null,
                    section(say.text('message.about'), about(message)),
                    state.who.role === 'operator'
                        ? section(
                              say.text('message.more'),
                              element(
                                  'p',
                                  null,
                                  link(
                                      `journal?message=${encodeURIComponent(message.id)}`,
                                      say.text('message.audit'),
                                  ),
                              ),
                              element('p', null, say.text('message.erase.note')),
                              eraseButton(message, load),
                          )
                        : null,
                ),
            ),
        ];
    }

    /* A look is written to the audit trail, so it is not repeated with every turn of the state. */
    load();
    return {
        title: () => say.text('message.title'),
        draw: drawn,
    };
}
