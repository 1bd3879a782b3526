/*
 * browser: a real browser that page.py leads by the hand. Reads one command as JSON from each line of its
 * input, and answers each with a line: {"result": …} or {"error": …}.
 *
 *   node browser.mjs FOLDER BROWSER    FOLDER has node_modules with playwright-core and axe-core
 *
 * Scripts of the tests run by the debugger's own way, so that the page's Content-Security-Policy stays in
 * force as it is.
 */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const [folder, program] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const options = process.getuid() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({executablePath: program, args: options});
let context = null;
let page = null;
let debug = null;
let told = [];
let loaded = [];

async function evaluate(expression) {
    const answer = await debug.send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
    });
    if (answer.exceptionDetails) {
        throw new Error(answer.exceptionDetails.exception?.description || answer.exceptionDetails.text);
    }
    return answer.result.value;
}

/* Whatever a page should not do is told. */
function watch(base) {
    page.on('console', (line) => told.push(`console ${line.type()}: ${line.text()}`));
    page.on('pageerror', (error) => told.push(`error: ${error.stack}`));
    page.on('dialog', (dialog) => {
        told.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on('popup', (popup) => told.push(`popup: ${popup.url()}`));
    page.on('request', (request) => {
        if (!request.url().startsWith(base)) told.push(`request: ${request.url()}`);
    });
    page.on('response', (response) => loaded.push(response));
}

const commands = {
    /* certificate: {certPath, keyPath}, by which the browser's user is known. Whose certificate the gateway
     * has is for other tests: this browser knows no authority. */
    async open({
        base,
        hash = '',
        width = 1280,
        height = 900,
        dark = false,
        forced = false,
        language = null,
        certificate = null,
    }) {
        if (context) await context.close();
        told = [];
        loaded = [];
        context = await browser.newContext({
            viewport: {width, height},
            colorScheme: dark ? 'dark' : 'light',
            forcedColors: forced ? 'active' : 'none',
            locale: 'de-DE',
            timezoneId: 'Europe/Berlin',
            reducedMotion: 'reduce',
            ...(certificate && {
                clientCertificates: [{origin: base, ...certificate}],
                ignoreHTTPSErrors: true,
            }),
        });
        if (language)
            await context.addInitScript(`localStorage.setItem('muengsten.language', '${language}')`);
        page = await context.newPage();
        debug = await context.newCDPSession(page);
        watch(base);
        await page.goto(`${base}/${hash}`);
    },
    evaluate: ({script}) => evaluate(script),
    async wait({script, seconds}) {
        const end = Date.now() + seconds * 1000;
        for (;;) {
            const value = await evaluate(script);
            if (value) return value;
            if (Date.now() > end) {
                throw new Error(
                    `waited ${seconds} s in vain for ${script}; the page says: ${(
                        await evaluate('document.body.innerText')
                    ).slice(0, 1500)}`,
                );
            }
            await new Promise((resolve) => setTimeout(resolve, 40));
        }
    },
    press: ({key}) => page.keyboard.press(key),
    type: ({text}) => page.keyboard.type(text),
    click: ({role, name}) => page.getByRole(role, {name, exact: true}).first().click(),
    /* Follows a link, and keeps what the browser then saves; gives the name that it would have there. */
    async download({name, file}) {
        const begun = page.waitForEvent('download');
        await page.getByRole('link', {name, exact: true}).click();
        const download = await begun;
        await download.saveAs(file);
        return download.suggestedFilename();
    },
    async axe() {
        await evaluate(`${axe};0`);
        return evaluate(`axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map((one) =>
            one.id + ': ' + one.help + ': ' + one.nodes.map((node) => node.html).join(' ').slice(0, 600)))`);
    },
    async picture({file}) {
        await page.screenshot({path: file, fullPage: true});
    },
    /* How many bytes of each path came, as the browser unpacked them. */
    async loaded() {
        const sizes = {};
        for (const response of loaded) {
            const type = response.headers()['content-type'] || '';
            if (/html|javascript|css|svg/.test(type))
                sizes[new URL(response.url()).pathname] = (await response.body()).length;
        }
        return sizes;
    },
    async told() {
        const all = told;
        told = [];
        return all;
    },
};

for await (const line of createInterface({input: process.stdin})) {
    const {command, ...values} = JSON.parse(line);
    let answer;
    try {
        answer = {result: (await commands[command](values)) ?? null};
    } catch (error) {
        answer = {error: error.message};
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
