/*
 * dead: messages that were given up, why, and what can be done.
 */
import {code, element} from './elements.js';
import * as say from './language.js';
import {listing} from './listing.js';
import {ask, state} from './server.js';
import {deliveryActs} from './acts.js';
import {
    destinationLink,
    failure,
    heading,
    icon,
    link,
    loading,
    note,
    outcome,
    section,
    titled,
    when,
} from './parts.js';

function item(message, delivery, reload) {
    return element(
        'li.problem.is-critical',
        {'data-key': `${message.id} ${delivery.destination}`},
        icon('critical'),
        element(
            'div',
            null,
            element('h3', null, link(`messages/${message.id}`, code(message.uuid))),
            element('p', null, outcome(delivery.last_code, delivery.last_text)),
            element(
                'p.detail',
                null,
                code(message.type),
                ' · ',
                code(message.author),
                ' → ',
                code(message.reader),
                ' · ',
                destinationLink(delivery.destination),
                ' · ',
                say.text('word.attempts', {n: delivery.attempts}),
                ' · ',
                say.text('dead.since'),
                ' ',
                when(delivery.ended),
            ),
            deliveryActs(message, delivery, reload),
        ),
    );
}

export function open(context) {
    const only = context.query.get('destination') || '';
    let seen = null;
    const list = listing(context, (cursor) => {
        const wanted = new URLSearchParams({
            state: 'dead',
            ...(only && {destination: only}),
            ...(cursor && {cursor}),
        });
        return ask(`/messages?${wanted}`);
    });

    const count = () =>
        (state.status?.destinations || [])
            .filter((one) => !only || one.name === only)
            .reduce((sum, one) => sum + one.queue.dead, 0);

    /* Looked at anew when their number changes, and nothing is being read further down. */
    function follow() {
        const now = state.status ? count() : null;
        if (list.isUnderway()) return;
        if (seen !== null && now !== seen && list.messages().length <= 50) list.load();
        seen = now;
    }

    function filter() {
        const having = (state.status?.destinations || []).filter(
            (one) => one.queue.dead > 0 || one.name === only,
        );
        if (having.length < 2 && !only) return null;
        return element(
            'label.field.narrow',
            null,
            element('span', null, say.text('search.destination')),
            element(
                'select',
                {
                    onchange: (event) =>
                        context.go(
                            event.target.value
                                ? `dead?destination=${encodeURIComponent(event.target.value)}`
                                : 'dead',
                        ),
                },
                element('option', {value: ''}, say.text('search.any')),
                having.map((one) =>
                    element(
                        'option',
                        {value: one.name, selected: one.name === only},
                        `${titled(one)} (${one.queue.dead})`,
                    ),
                ),
            ),
        );
    }

    function found() {
        const answer = list.answer();
        if (!answer) return loading();
        if (!answer.ok) return failure(answer);
        const pairs = list.messages().flatMap((message) =>
            message.deliveries
                .filter((one) => one.state === 'dead' && (!only || one.destination === only))
                .map((one) => [message, one]),
        );
        return [
            pairs.length
                ? element(
                      'ul.problems',
                      null,
                      pairs.map(([message, one]) => item(message, one, () => list.refresh(message.id))),
                  )
                : answer.body.cursor
                  ? note(say.text('search.not-yet'))
                  : element('p.note.well', null, icon('ok'), say.text('dead.none')),
            list.foot(),
        ];
    }

    list.load();
    return {
        title: () => say.text('nav.dead'),
        draw() {
            follow();
            return [
                heading(say.text('nav.dead')),
                note(say.text('dead.note')),
                filter(),
                section(say.text('dead.title'), found()),
            ];
        },
    };
}
