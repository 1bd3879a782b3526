/*
 * dialog: asks why, before something is done, and tells what came of it.
 *
 * The dialog is the browser's own, so that focus stays inside and returns to where it was. Nothing is
 * done twice: while an act is underway its button does nothing.
 */
import {code, element, english, given, update} from './elements.js';
import * as say from './language.js';
import {act} from './server.js';
import {announce, button, deliveryBadge, icon} from './parts.js';

const dialog = () => document.getElementById('dialog');

function close() {
    dialog().close();
}

/* What the other operator has done meanwhile. */
function conflict(problem) {
    const now = problem?.now || {};
    return [
        element(
            'p',
            null,
            element(
                'strong',
                null,
                now.by ? say.text('act.conflict.by', {by: now.by}) : say.text('act.conflict'),
            ),
        ),
        now.state
            ? element(
                  'p',
                  null,
                  say.text('act.now'),
                  ' ',
                  deliveryBadge(now.state),
                  ' ',
                  say.text('word.attempts', {n: now.attempts ?? 0}),
              )
            : null,
    ];
}

/* Two may only differ in what they know: the sentence for a code, and the gateway's own. */
function refusal(found) {
    const problem = found.body || {};
    if (problem.code === 'act.conflict') return conflict(problem);
    const ours =
        say.known(`problem.${problem.code}`) ||
        say.known(`problem.${found.status}`) ||
        say.text('problem.any');
    return [
        element('p', null, element('strong', null, ours)),
        problem.code ? element('p', null, code(problem.code)) : null,
        problem.detail ? element('p.detail', null, english(problem.detail)) : null,
        (problem.problems || []).map((one) => element('p.detail', null, english(one))),
    ];
}

/* After a conflict there is nothing to repeat: what was decided upon is no longer so. */
function showRefusal(form, place, found) {
    update(place, element('div.failure', null, icon('warning'), element('div', null, refusal(found))));
    form.querySelector('[type=submit]').hidden = found.body?.code === 'act.conflict';
    place.focus();
}

function reasonField() {
    return element(
        'label.field',
        null,
        element('span', null, say.text('act.why')),
        element('textarea', {
            name: 'why',
            required: true,
            maxlength: '500',
            rows: '3',
            'aria-describedby': 'dialog-why',
        }),
        element('small', {id: 'dialog-why'}, say.text('act.why.note')),
    );
}

/*
 * title, explanation: what is about to be done. fields: further ones of the form. path: where it is
 * asked for; body(form): what besides the reason. done(answer): the sentence for success. then: what
 * the view does afterwards.
 */
export function askWhy({
    title,
    explanation,
    subject,
    fields = [],
    confirm,
    grave,
    path,
    body = () => ({}),
    done,
    then,
}) {
    const result = element('div', {tabindex: '-1', role: 'alert', id: 'dialog-result'});
    let underway = false;
    const submit = async (event) => {
        event.preventDefault();
        const form = event.target;
        if (underway || !form.reportValidity()) return;
        underway = true;
        form.setAttribute('aria-busy', 'true');
        const why = form.elements.why.value.trim().replace(/\s+/g, ' ');
        const found = await act(path, {...body(form), why});
        underway = false;
        form.removeAttribute('aria-busy');
        if (found.ok) {
            close();
            announce(done ? done(found.body || {}) : say.text('act.done'));
        } else {
            showRefusal(form, result, found);
        }
        if (then) then(found);
    };
    const form = element(
        'form',
        {onsubmit: submit},
        fields,
        reasonField(),
        result,
        element(
            'div.row.end',
            null,
            button(say.text('act.back'), close),
            element(`button.${grave ? 'grave' : 'primary'}`, {type: 'submit'}, confirm),
        ),
    );
    dialog().replaceChildren(
        element('h2', {id: 'dialog-title'}, title),
        subject ? element('p.subject', null, given(subject)) : '',
        explanation ? element('p', null, explanation) : '',
        form,
    );
    dialog().showModal();
    form.querySelector('select, input, textarea').focus();
}
