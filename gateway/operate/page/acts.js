/*
 * acts: what an operator can do to a delivery, a message, a destination and the gateway. A viewer sees
 * none of it; that the gateway obeys only operators does not depend on this page.
 */
import {element} from './elements.js';
import * as say from './language.js';
import {mayAct, path, state} from './server.js';
import {askWhy} from './dialog.js';
import {button, titled} from './parts.js';

const open = ['waiting', 'held', 'dead'];

function choice(name, label, options) {
    return element(
        'label.field',
        null,
        element('span', null, label),
        element(
            'select',
            {name, required: true},
            options.map((one) => element('option', {value: one.name}, titled(one))),
        ),
    );
}

/* What the operator saw when deciding: the gateway compares it with what is. */
function seen(delivery) {
    return {state: delivery.state, attempts: delivery.attempts};
}

function onDelivery(kind, message, delivery, then, more = {}) {
    askWhy({
        title: say.known(`act.${kind}.title`) || say.text(`act.${kind}`),
        subject: `${message.uuid} → ${delivery.destination}`,
        explanation: say.text(`act.${kind}.explanation`),
        confirm: say.text(`act.${kind}`),
        grave: kind === 'cancel',
        path: path('messages', message.id, kind),
        body: () => ({destination: delivery.destination, seen: seen(delivery)}),
        done: () => say.text(`act.${kind}.done`),
        then,
        ...more,
    });
}

function move(message, delivery, then) {
    const others = state.status.destinations.filter(
        (one) => one.name !== delivery.destination && one.state !== 'removed',
    );
    onDelivery('move', message, delivery, then, {
        fields: [choice('to', say.text('act.move.to'), others)],
        body: (form) => ({
            destination: delivery.destination,
            to: form.elements.to.value,
            seen: seen(delivery),
        }),
    });
}

/* The acts that a delivery in this state allows. */
export function deliveryActs(message, delivery, then) {
    if (!mayAct() || !open.includes(delivery.state)) return null;
    return element(
        'div.row',
        null,
        button(say.text('act.retry'), () => onDelivery('retry', message, delivery, then), 'primary'),
        button(say.text('act.move'), () => move(message, delivery, then)),
        button(say.text('act.cancel'), () => onDelivery('cancel', message, delivery, then)),
    );
}

export function eraseButton(message, then) {
    if (!mayAct()) return null;
    const isOpen = message.deliveries.some(
        (one) => [...open, 'running'].includes(one.state) && one.state !== 'dead',
    );
    const cancel = element(
        'label.check',
        null,
        element('input', {type: 'checkbox', name: 'cancel', required: true}),
        element('span', null, say.text('act.erase.cancel')),
    );
    return button(say.text('act.erase'), () =>
        askWhy({
            title: say.text('act.erase.title'),
            subject: message.uuid,
            explanation: say.text('act.erase.explanation'),
            fields: isOpen ? [cancel] : [],
            confirm: say.text('act.erase'),
            grave: true,
            path: path('messages', message.id, 'erase'),
            body: (form) => (form.elements.cancel?.checked ? {cancel: true} : {}),
            done: () => say.text('act.erase.done'),
            then,
        }),
    );
}

function onDestination(kind, destination, grave) {
    askWhy({
        title: say.known(`act.${kind}.title`) || say.text(`act.${kind}`),
        subject: titled(destination),
        explanation: say.text(`act.${kind}.explanation`),
        confirm: say.text(`act.${kind}`),
        grave,
        path: path('destinations', destination.name, kind),
        done: (body) =>
            say.text(`act.${kind}.done`, {n: body.retried ?? body.count ?? 0, name: titled(destination)}),
    });
}

export function destinationActs(destination) {
    if (!mayAct() || destination.state === 'removed') return null;
    const paused = Boolean(destination.paused_by);
    return element(
        'div.row',
        null,
        paused
            ? button(say.text('act.resume'), () => onDestination('resume', destination), 'primary')
            : button(say.text('act.pause'), () => onDestination('pause', destination)),
        destination.queue.dead > 0
            ? button(say.text('act.retry-dead'), () => onDestination('retry-dead', destination))
            : null,
    );
}

export function reloadButton() {
    if (!mayAct()) return null;
    return button(say.text('act.reload'), () =>
        askWhy({
            title: say.text('act.reload.title'),
            explanation: say.text('act.reload.explanation'),
            confirm: say.text('act.reload'),
            path: '/reload',
            done: () => say.text('act.reload.done'),
        }),
    );
}
