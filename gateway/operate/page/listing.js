/*
 * listing: messages that are found page by page, and what stands below them.
 *
 * Of several questions the last one counts: an answer that was overtaken is dropped. What was found
 * stays when older messages cannot be had, and these can be asked for again. Whoever asks by the
 * keyboard stays where the button is, or was.
 */
import {element} from './elements.js';
import * as say from './language.js';
import {ask} from './server.js';
import {failure} from './parts.js';

/* find(cursor) asks for one page; without a cursor for the first. */
export function listing(context, find) {
    let answer = null;
    let failed = null;
    let messages = [];
    let question = 0;
    let underway = false;
    let grown = false;

    /* True if the answer counts. */
    async function put(cursor) {
        question += 1;
        const mine = question;
        underway = true;
        const found = await find(cursor);
        if (mine !== question) return false;
        underway = false;
        failed = cursor && !found.ok ? found : null;
        if (failed) return true;
        answer = found;
        grown = Boolean(cursor);
        if (found.ok) messages = cursor ? [...messages, ...found.body.messages] : found.body.messages;
        return true;
    }

    function tell() {
        const ok = answer.ok && !failed;
        context.announce(ok ? say.text('search.found', {n: messages.length}) : say.text('problem.any'));
    }

    async function load(aloud = false) {
        const counts = await put(null);
        if (counts && aloud) tell();
        context.redraw();
    }

    function keepFocus() {
        const place = document.getElementById('older') || document.getElementById('end');
        if (document.activeElement === document.body) place?.focus();
    }

    async function loadOlder() {
        const cursor = answer?.body?.cursor;
        if (underway || !cursor) return;
        const focused = document.activeElement?.id === 'older';
        const asked = put(cursor);
        context.redraw();
        if (await asked) tell();
        context.redraw();
        if (focused) requestAnimationFrame(keepFocus);
    }

    /* One message as it is now; the others stay. */
    async function refresh(id) {
        const found = await ask(`/messages?${new URLSearchParams({id})}`);
        if (found.ok)
            messages = messages.flatMap((one) => (one.id === id ? found.body.messages : [one]));
        context.redraw();
    }

    function foot() {
        if (!answer?.ok) return null;
        return [
            answer.body.cursor
                ? element(
                      'p',
                      null,
                      element(
                          'button',
                          {
                              id: 'older',
                              type: 'button',
                              'aria-disabled': underway ? 'true' : null,
                              onclick: loadOlder,
                          },
                          say.text('search.next'),
                      ),
                  )
                : null,
            failed ? failure(failed) : null,
            grown && !answer.body.cursor
                ? element('p.note', {id: 'end', tabindex: '-1'}, say.text('search.end'))
                : null,
        ];
    }

    return {
        load,
        refresh,
        foot,
        answer: () => answer,
        messages: () => messages,
        isUnderway: () => underway,
    };
}
