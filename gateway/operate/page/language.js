/*
 * language: the texts of the page in the reader's language, and numbers, times and spans as it writes them.
 *
 * German unless English was chosen, which is kept in the browser. A text may have places {like this}
 * for values; one that depends on a number is an object {zero?, one, other}, chosen by the value n.
 */
import {clean} from './elements.js';
import german from './texts-de.js';
import englishTexts from './texts-en.js';

const languages = {de: german, en: englishTexts};
const kept = 'muengsten.language';
let chosen = 'de';

function remembered() {
    try {
        return localStorage.getItem(kept);
    } catch {
        return null;
    }
}

export function language() {
    return chosen;
}

export function choose(code) {
    chosen = languages[code] ? code : 'de';
    document.documentElement.lang = chosen;
}

export function remember(code) {
    choose(code);
    try {
        localStorage.setItem(kept, chosen);
    } catch {
        // Without a memory the choice lasts as long as the page.
    }
}

/* What was chosen here before, else what the gateway suggests. */
export function begin(suggested) {
    choose(remembered() || suggested || 'de');
}

/* What is written from right to left must not take along the sentence around it. */
function isolated(value) {
    return /[\u0590-\u08ff\ufb1d-\ufefc\ud802-\ud83b]/.test(value) ? `\u2068${value}\u2069` : value;
}

/* The text of a key or null. */
export function known(key, values = {}) {
    const [group, name] = key.split(/\.(.*)/s);
    const texts = languages[chosen][group];
    if (!texts || !Object.hasOwn(texts, name)) return null;
    let found = texts[name];
    if (typeof found === 'object') {
        found =
            (values.n === 0 && found.zero) ||
            (found[new Intl.PluralRules(chosen).select(values.n)] ?? found.other);
    }
    return found.replace(/\{(\w+)\}/g, (_, name) => {
        const value = values[name];
        return typeof value === 'number' ? number(value) : isolated(clean(value));
    });
}

export function text(key, values) {
    return known(key, values) ?? key;
}

/* ---- numbers ---- */

const formats = new Map();

function format(kind, options) {
    const key = `${chosen} ${kind.name} ${JSON.stringify(options)}`;
    if (!formats.has(key)) formats.set(key, new kind(chosen === 'en' ? 'en-GB' : 'de-DE', options));
    return formats.get(key);
}

export function number(value, digits = 0) {
    return format(Intl.NumberFormat, {maximumFractionDigits: digits}).format(value);
}

function unit(value, name, digits = 0) {
    return format(Intl.NumberFormat, {
        style: 'unit',
        unit: name,
        unitDisplay: 'short',
        maximumFractionDigits: digits,
    }).format(value);
}

export function bytes(value) {
    const steps = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    let step = 0;
    while (value >= 1000 && step < steps.length - 1) {
        value /= 1000;
        step += 1;
    }
    return unit(value, steps[step], step && value < 100 ? 1 : 0);
}

/* A span of time in its two largest units; kind: how days are written in the sentence around it. */
export function span(seconds, kind = 'word.days') {
    const whole = Math.round(seconds);
    if (whole < 60) return unit(whole, 'second');
    if (whole < 3600) return unit(Math.floor(whole / 60), 'minute');
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    if (hours < 24) return unit(hours, 'hour') + (minutes ? ` ${unit(minutes, 'minute')}` : '');
    return text(kind, {n: Math.floor(hours / 24)});
}

/* A short span: how long something took. */
export function took(seconds) {
    if (seconds === 0) return '0';
    if (seconds < 0.001) return unit(seconds * 1e6, 'microsecond');
    if (seconds < 1) return unit(seconds * 1000, 'millisecond', seconds < 0.01 ? 1 : 0);
    return seconds < 60 ? unit(seconds, 'second', 1) : span(seconds);
}

/* ---- times ---- */

const day = {year: 'numeric', month: '2-digit', day: '2-digit'};
const clock = {hour: '2-digit', minute: '2-digit'};

export function hour(time) {
    return format(Intl.DateTimeFormat, clock).format(new Date(time));
}

export function date(time) {
    return format(Intl.DateTimeFormat, day).format(new Date(time));
}

export function second(time) {
    return format(Intl.DateTimeFormat, {...clock, second: '2-digit'}).format(new Date(time));
}

/* Today's times without the day. */
export function moment(time, precise = false) {
    const at = new Date(time);
    const options = precise ? {...clock, second: '2-digit'} : clock;
    const today = at.toDateString() === new Date().toDateString();
    return format(Intl.DateTimeFormat, today ? options : {...day, ...options}).format(at);
}
