/*
 * elements: builds what is shown, and brings what stands there up to date.
 *
 * Whatever comes from the gateway may be hostile: it becomes a text node or the value of an attribute,
 * and is never parsed as markup. Views draw themselves anew whenever something has changed; update()
 * then changes only what differs, so that focus, selection and opened details stay where they are, and
 * screen readers hear nothing of what is as it was.
 */
const DRAWING = 'http://www.w3.org/2000/svg';
const handlers = [
    'onclick',
    'onsubmit',
    'oninput',
    'onchange',
    'onkeydown',
    'onpointermove',
    'onpointerleave',
];

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
        if (value === null || value === undefined || value === false) continue;
        if (handlers.includes(name)) node[name] = value;
        else node.setAttribute(name, value === true ? '' : String(value));
    }
    for (const child of children.flat(Infinity)) {
        if (child === null || child === undefined || child === false) continue;
        node.append(child instanceof Node ? child : String(child));
    }
    return node;
}

/* An element; its name may carry classes, as in "p.note". Children that are no nodes become text. */
export function element(name, attributes, ...children) {
    const [tag, ...classes] = name.split('.');
    const node = document.createElement(tag);
    if (classes.length) node.className = classes.join(' ');
    return fill(node, attributes, children);
}

/* The same for what is drawn. */
export function drawing(name, attributes, ...children) {
    const [tag, ...classes] = name.split('.');
    const node = document.createElementNS(DRAWING, tag);
    if (classes.length) node.setAttribute('class', classes.join(' '));
    return fill(node, attributes, children);
}

/* Characters that have no shape of their own, or turn the direction of others, are made visible. */
export function clean(value) {
    return String(value ?? '').replace(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
        '\ufffd',
    );
}

/* A text that somebody else has written, kept from turning the direction of ours. */
export function given(value, attributes) {
    return element('bdi', attributes, clean(value));
}

/* A sentence of the gateway's, which speaks English. */
export function english(value) {
    return given(value, {lang: 'en'});
}

/* An identifier or a code. */
export function code(value) {
    return element('code', {translate: 'no'}, given(value));
}

/* ---- bringing up to date ---- */

function keyOf(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute('data-key') || node.id || null : null;
}

function alike(one, other) {
    return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

/* Whether details are open is the reader's choice, not the drawing's. */
function updateAttributes(old, wanted) {
    for (const {name} of [...old.attributes]) {
        if (!wanted.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS'))
            old.removeAttribute(name);
    }
    for (const {name, value} of wanted.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const name of handlers) {
        if (old[name] !== wanted[name]) old[name] = wanted[name];
    }
}

function updateNode(old, wanted) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
        return;
    }
    updateAttributes(old, wanted);
    update(old, [...wanted.childNodes]);
}

/* Makes the children of a node what they are to be, with as few changes as can be. */
export function update(parent, ...wanted) {
    const keyed = new Map([...parent.childNodes].map((node) => [keyOf(node), node]).filter(([key]) => key));
    let place = parent.firstChild;
    for (const item of wanted.flat(Infinity)) {
        if (item === null || item === undefined || item === false) continue;
        const node = item instanceof Node ? item : document.createTextNode(String(item));
        const key = keyOf(node);
        const known = key ? keyed.get(key) : null;
        if (known && alike(known, node)) {
            if (known === place) place = place.nextSibling;
            else parent.insertBefore(known, place);
            updateNode(known, node);
        } else if (place && !key && !keyOf(place) && alike(place, node)) {
            updateNode(place, node);
            place = place.nextSibling;
        } else {
            parent.insertBefore(node, place);
        }
    }
    while (place) {
        const next = place.nextSibling;
        place.remove();
        place = next;
    }
}
