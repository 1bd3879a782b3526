/*
 * search: "where is my message?", by what a caller can say of it.
 *
 * What is searched for stands in the address, so that it can be shared. Where exactly one message is
 * meant, its trace is shown at once.
 */
import {code, element, given} from './elements.js';
import * as say from './language.js';
import {listing} from './listing.js';
import {ask, state} from './server.js';
import {
    deliveryBadge,
    destinationLink,
    failure,
    heading,
    link,
    loading,
    note,
    outcome,
    section,
    table,
    titled,
    when,
} from './parts.js';

const identifier = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const texts = ['uuid', 'id', 'author', 'reader', 'type', 'partner'];
const times = ['from', 'to'];
const states = ['waiting', 'running', 'held', 'delivered', 'collected', 'dead', 'cancelled'];

/* ---- what is asked ---- */

/* An identifier may have been copied with what stood around it, and in capitals. */
function tidy(name, value) {
    const trimmed = value.trim();
    return ['uuid', 'id'].includes(name)
        ? trimmed.replace(/^[\s{<"']+|[\s}>"']+$/g, '').toLowerCase()
        : trimmed;
}

function query(form) {
    const wanted = new URLSearchParams();
    for (const name of [...texts, 'state', 'destination']) {
        const value = tidy(name, form.elements[name].value);
        if (value) wanted.set(name, value);
    }
    for (const name of times) {
        const value = form.elements[name].value;
        if (value) wanted.set(name, new Date(value).toISOString());
    }
    return wanted;
}

/* A time as the browser's field for it wants it. */
function local(time) {
    const at = new Date(time);
    if (Number.isNaN(+at)) return '';
    return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

async function find(wanted, cursor) {
    const all = new URLSearchParams(wanted);
    if (cursor) all.set('cursor', cursor);
    return ask(`/messages?${all}`);
}

/* A message whose UUID, or else whose id, this is. */
async function findIdentified(value) {
    const byUuid = await find({uuid: value});
    if (!byUuid.ok || byUuid.body.messages.length || byUuid.body.refusals?.length || !identifier.test(value))
        return byUuid;
    const byId = await find({id: value});
    return byId.ok && byId.body.messages.length ? byId : byUuid;
}

/* ---- the short way ---- */

export function quickSearch(context) {
    let underway = false;
    const submit = async (event) => {
        event.preventDefault();
        const value = tidy('uuid', event.target.elements.quick.value);
        if (!value || underway) return;
        underway = true;
        const found = await findIdentified(value);
        underway = false;
        if (found.ok && found.body.messages.length === 1) context.go(`messages/${found.body.messages[0].id}`);
        else context.go(`search?uuid=${encodeURIComponent(value)}`);
    };
    return {
        draw: () =>
            element(
                'form.quick',
                {role: 'search', 'aria-label': say.text('quick.title'), onsubmit: submit},
                element('label', {for: 'quick'}, say.text('quick.title')),
                element(
                    'div.row',
                    null,
                    element('input', {
                        id: 'quick',
                        name: 'quick',
                        type: 'text',
                        autocomplete: 'off',
                        spellcheck: 'false',
                        maxlength: '100',
                        placeholder: say.text('search.uuid'),
                    }),
                    element('button.primary', {type: 'submit'}, say.text('quick.find')),
                ),
            ),
    };
}

/* ---- what is found ---- */

export function messageTable(messages, caption) {
    return table({
        caption,
        key: (message) => message.id,
        columns: [
            {
                title: say.text('trace.accepted'),
                cell: (message) => link(`messages/${message.id}`, when(message.received)),
            },
            {title: say.text('message.uuid'), cell: (message) => code(message.uuid)},
            {title: say.text('message.type'), cell: (message) => code(message.type)},
            {
                title: say.text('message.way'),
                cell: (message) => [code(message.author), ' → ', code(message.reader)],
            },
            {
                title: say.text('message.deliveries'),
                cell: (message) =>
                    element(
                        'ul.plain',
                        null,
                        message.deliveries.map((one) =>
                            element(
                                'li',
                                null,
                                deliveryBadge(one.state),
                                ' ',
                                destinationLink(one.destination),
                            ),
                        ),
                    ),
            },
        ],
        rows: messages,
    });
}

function refusals(list) {
    if (!list?.length) return null;
    return section(
        say.text('refusals.title'),
        note(say.text('refusals.note')),
        table({
            caption: say.text('refusals.title'),
            columns: [
                {title: say.text('journal.time'), cell: (one) => when(one.time, true)},
                {title: say.text('search.partner'), cell: (one) => given(one.partner)},
                {title: say.text('refusals.reason'), cell: (one) => outcome(one.code, one.text)},
            ],
            rows: list,
        }),
    );
}

/* ---- the form ---- */

function input(name, type, value, more = {}) {
    return element(
        'label.field',
        null,
        element('span', null, say.text(`search.${name}`)),
        element('input', {
            name,
            type,
            value,
            autocomplete: 'off',
            spellcheck: 'false',
            maxlength: '200',
            ...more,
        }),
    );
}

function choice(name, value, options) {
    return element(
        'label.field',
        null,
        element('span', null, say.text(`search.${name}`)),
        element(
            'select',
            {name},
            element('option', {value: ''}, say.text('search.any')),
            options.map(([key, label]) => element('option', {value: key, selected: key === value}, label)),
        ),
    );
}

function form(wanted, submit) {
    const value = (name) => wanted.get(name) || '';
    const destinations = (state.status?.destinations || []).map((one) => [one.name, titled(one)]);
    const more = ['partner', 'state', 'destination', 'from', 'to', 'id'].some((name) => wanted.has(name));
    return element(
        'form.panel',
        {
            role: 'search',
            'aria-label': say.text('nav.search'),
            onsubmit: submit,
            'data-key': `form ${wanted}`,
        },
        element(
            'div.fields',
            null,
            input('uuid', 'text', value('uuid'), {placeholder: say.text('search.uuid')}),
            input('author', 'text', value('author'), {placeholder: 'ags:05124000'}),
            input('reader', 'text', value('reader'), {placeholder: 'ags:05122000'}),
            input('type', 'text', value('type'), {placeholder: '0401'}),
        ),
        element(
            'details',
            {open: more},
            element('summary', null, say.text('search.more')),
            element(
                'div.fields',
                null,
                choice(
                    'state',
                    value('state'),
                    states.map((one) => [one, say.text(`delivery.${one}`)]),
                ),
                choice('destination', value('destination'), destinations),
                input('partner', 'text', value('partner')),
                input('id', 'text', value('id')),
                input('from', 'datetime-local', local(value('from'))),
                input('to', 'datetime-local', local(value('to'))),
            ),
        ),
        element(
            'div.row',
            null,
            element('button.primary', {type: 'submit'}, say.text('search.find')),
            [...wanted].length ? link('search', say.text('search.clear')) : null,
        ),
    );
}

/* ---- the view ---- */

export function open(context) {
    const wanted = context.query;
    const asked = [...wanted].length > 0;
    const uuid = [...wanted].length === 1 ? wanted.get('uuid') : null;
    const list = listing(context, (cursor) =>
        uuid && !cursor ? findIdentified(uuid) : find(wanted, cursor),
    );

    function results() {
        if (!asked) return note(say.text('search.note'));
        const answer = list.answer();
        const messages = list.messages();
        if (!answer) return loading();
        if (!answer.ok) {
            const named = answer.body?.parameter;
            return [
                failure(answer),
                named
                    ? note(say.text('search.parameter', {name: say.known(`search.${named}`) || named}))
                    : null,
            ];
        }
        const {cursor, refusals: refused} = answer.body;
        return [
            messages.length
                ? messageTable(messages, say.text('search.results'))
                : note(cursor ? say.text('search.not-yet') : say.text('search.none')),
            list.foot(),
            refusals(refused),
        ];
    }

    if (asked) list.load(true);
    return {
        title: () => say.text('nav.search'),
        draw: () => [
            heading(say.text('nav.search')),
            form(wanted, (event) => {
                event.preventDefault();
                context.go(`search?${query(event.target)}`);
            }),
            asked ? section(say.text('search.results'), results()) : results(),
        ],
    };
}
