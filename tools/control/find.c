#include "tools/control/find.h"

#include "tools/control/look.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- many ---- */

/* The state that matters most of several. */
static const char *worst_state(const json_t *deliveries)
{
    static const char *const order[] = {"dead",      "held",      "waiting",  "running",
                                        "cancelled", "delivered", "collected"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < json_array_size(deliveries); j++)
            if (strcmp(mg_pick_text(json_array_get(deliveries, j), "state"), order[i]) == 0)
                return order[i];
    return "";
}

static void list_destinations(const json_t *deliveries, char *room, size_t size)
{
    size_t length = 0;
    room[0] = '\0';
    for (size_t i = 0; i < json_array_size(deliveries) && length < size; i++) {
        int more = snprintf(room + length, size - length, "%s%s", i ? " " : "",
                            mg_pick_text(json_array_get(deliveries, i), "destination"));
        length += more > 0 ? (size_t)more : 0;
    }
}

static void add_refusals(const struct mg_screen *screen, const json_t *refusals,
                         struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("REFUSED", "ABGELEHNT"), mg_say("PARTNER", "TEILNEHMER"),
                                    mg_say("CODE", "CODE"), mg_say("WHY", "WARUM"), NULL};
    char room[MG_PICK_SIZE];
    if (json_array_size(refusals) == 0)
        return;
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(refusals); i++) {
        const json_t *refusal = json_array_get(refusals, i);
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(refusal, "time", room));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(refusal, "partner"));
        struct mg_buffer why = {0};
        if (mg_words_meaning(&why, mg_pick_text(refusal, "code")))
            mg_buffer_add_text(&why, " ");
        mg_buffer_add_text(&why, mg_pick_text(refusal, "text"));
        mg_table_add(table, MG_COLOUR_BAD, mg_pick_text(refusal, "code"));
        mg_table_add(table, MG_COLOUR_NONE, why.data);
        mg_buffer_free(&why);
    }
    mg_buffer_add_text(text, "\n");
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

void mg_find_messages(const struct mg_screen *screen, const json_t *messages,
                      const json_t *refusals, struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("RECEIVED", "ANGENOMMEN"),
                                    mg_say("ID", "ID"),
                                    mg_say("STATE", "ZUSTAND"),
                                    mg_say("TYPE", "TYP"),
                                    mg_say("AUTHOR", "AUTOR"),
                                    mg_say("READER", "LESER"),
                                    mg_say("PARTNER", "TEILNEHMER"),
                                    mg_say("DESTINATIONS", "ZIELE"),
                                    NULL};
    char room[MG_PICK_SIZE], names[512];
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const json_t *deliveries = mg_pick(message, "deliveries");
        const char *state = worst_state(deliveries);
        list_destinations(deliveries, names, sizeof names);
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(message, "received", room));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "id"));
        mg_table_add(table, mg_look_colour(state), mg_words_say("delivery", state));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "type"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "author"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "reader"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "partner"));
        mg_table_add(table, MG_COLOUR_NONE, names);
    }
    mg_table_show(table, screen, text);
    mg_table_free(table);
    add_refusals(screen, refusals, text);
}

static void add_dead(struct mg_table *table, const json_t *message, const json_t *delivery)
{
    char room[MG_PICK_SIZE];
    struct mg_buffer reason = {0};
    mg_words_outcome(&reason, mg_pick_text(delivery, "last_code"),
                     mg_pick_text(delivery, "last_text"));
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(delivery, "ended", room));
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(message, "id"));
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(delivery, "destination"));
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_figure(delivery, "attempts", room));
    mg_table_add(table, MG_COLOUR_BAD, reason.data);
    mg_buffer_free(&reason);
}

void mg_find_dead(const struct mg_screen *screen, const json_t *messages, const char *destination,
                  struct mg_buffer *text)
{
    const char *const headings[] = {
        mg_say("GIVEN UP", "AUFGEGEBEN"), mg_say("ID", "ID"),     mg_say("DESTINATION", "ZIEL"),
        mg_say(">ATTEMPTS", ">VERSUCHE"), mg_say("WHY", "WARUM"), NULL};
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const json_t *deliveries = mg_pick(message, "deliveries");
        for (size_t j = 0; j < json_array_size(deliveries); j++) {
            const json_t *delivery = json_array_get(deliveries, j);
            if (strcmp(mg_pick_text(delivery, "state"), "dead") == 0 &&
                (!destination || strcmp(mg_pick_text(delivery, "destination"), destination) == 0))
                add_dead(table, message, delivery);
        }
    }
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

/* ---- one ---- */

/* An authority: its id, and its name if there is one. */
static void add_authority(const struct mg_screen *screen, const json_t *message, const char *label,
                          const char *id, const char *name, struct mg_buffer *text)
{
    char line[512];
    const char *word = mg_pick_text(message, name);
    snprintf(line, sizeof line, *word ? "%.200s (%.250s)" : "%.200s", mg_pick_text(message, id),
             word);
    mg_screen_fact(screen, text, label, line);
}

static void add_facts(const struct mg_screen *screen, const json_t *message, struct mg_buffer *text)
{
    char line[512];
    mg_screen_fact(screen, text, mg_say("message", "Kennung im Gateway"),
                   mg_pick_text(message, "id"));
    mg_screen_fact(screen, text, mg_say("sender's UUID", "UUID der Nachricht"),
                   mg_pick_text(message, "uuid"));
    mg_screen_fact(screen, text, mg_say("received", "angenommen"),
                   mg_pick_text(message, "received"));
    snprintf(line, sizeof line, mg_say("%.200s, by %.200s", "%.200s, über %.200s"),
             mg_pick_text(message, "partner"), mg_pick_text(message, "source"));
    mg_screen_fact(screen, text, mg_say("handed in by", "eingereicht von"), line);
    add_authority(screen, message, mg_say("type", "Typ"), "type", "type_name", text);
    add_authority(screen, message, mg_say("author", "Autor"), "author", "author_name", text);
    add_authority(screen, message, mg_say("reader", "Leser"), "reader", "reader_name", text);
    mg_screen_fact(screen, text, mg_say("created", "erstellt"), mg_pick_text(message, "created"));
    mg_screen_fact(screen, text, mg_say("content, SHA-256", "Prüfsumme des Inhalts"),
                   mg_pick_text(message, "digest"));
}

static void add_deliveries(const struct mg_screen *screen, const json_t *deliveries,
                           struct mg_buffer *text)
{
    const char *const headings[] = {
        mg_say("DESTINATION", "ZIEL"),    mg_say("STATE", "ZUSTAND"),
        mg_say(">ATTEMPTS", ">VERSUCHE"), mg_say("NEXT OR ENDED", "NÄCHSTER/ENDE"),
        mg_say("LAST", "ZULETZT"),        NULL};
    char room[MG_PICK_SIZE];
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(deliveries); i++) {
        const json_t *delivery = json_array_get(deliveries, i);
        const char *state = mg_pick_text(delivery, "state");
        struct mg_buffer last = {0};
        mg_words_outcome(&last, mg_pick_text(delivery, "last_code"),
                         mg_pick_text(delivery, "last_text"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(delivery, "destination"));
        mg_table_add(table, mg_look_colour(state), mg_words_say("delivery", state));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_figure(delivery, "attempts", room));
        mg_table_add(
            table, MG_COLOUR_NONE,
            mg_pick_moment(delivery, mg_pick(delivery, "ended") ? "ended" : "next_attempt", room));
        mg_table_add(table, MG_COLOUR_NONE, last.data);
        mg_buffer_free(&last);
    }
    mg_buffer_add_text(text, "\n");
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

static void add_checks(const struct mg_screen *screen, const json_t *checks, struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("CHECK", "PRÜFUNG"), mg_say("RESULT", "ERGEBNIS"), ">µs",
                                    mg_say("DETAIL", "NÄHERES"), NULL};
    char room[MG_PICK_SIZE];
    if (json_array_size(checks) == 0)
        return;
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *result = mg_pick_text(check, "result");
        mg_table_add(table, MG_COLOUR_NONE, mg_words_say("check", mg_pick_text(check, "check")));
        mg_table_add(table, strcmp(result, "passed") == 0 ? MG_COLOUR_GOOD : MG_COLOUR_FAINT,
                     mg_words_say_is("check", result));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_figure(check, "microseconds", room));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(check, "detail"));
    }
    mg_buffer_add_text(text, "\n");
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

/* The German title of an event, as the page has it; NULL if it has none. */
static const char *title_of(const json_t *event)
{
    const char *kind = mg_pick_text(event, "kind"), *code = mg_pick_text(event, "code");
    const char *word = strncmp(code, "operator.", 9) == 0 ? code + 9 : code;
    const char *title = mg_words_find("trace", strcmp(kind, "attempt") == 0 ? kind : word);
    return title ? title : mg_words_find("trace", kind);
}

/* What happened and how; of an act, the operator's own reason. */
static void add_event(struct mg_table *table, const json_t *event)
{
    char room[MG_PICK_SIZE];
    double duration;
    struct mg_buffer how = {0};
    const char *code = mg_pick_text(event, "code"), *said = mg_pick_text(event, "text");
    const char *title = title_of(event);
    if (title && strcmp(mg_pick_text(event, "kind"), "act") != 0)
        mg_words_outcome(&how, code, said);
    else
        mg_buffer_add_text(&how, said);
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(event, "time", room));
    mg_table_add(table, mg_look_colour(code), title ? title : code);
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(event, "destination"));
    mg_table_add(table, MG_COLOUR_NONE,
                 mg_pick_number(event, "duration_microseconds", &duration)
                     ? mg_pick_write_duration(duration / 1e6, room)
                     : NULL);
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(event, "by"));
    mg_table_add(table, MG_COLOUR_NONE, how.data);
    mg_buffer_free(&how);
}

static void add_time_line(const struct mg_screen *screen, const json_t *trace,
                          struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("TIME", "ZEIT"),
                                    mg_say("WHAT", "WAS"),
                                    mg_say("DESTINATION", "ZIEL"),
                                    mg_say(">TOOK", ">DAUER"),
                                    mg_say("BY", "WER"),
                                    mg_say("HOW", "WIE"),
                                    NULL};
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(trace); i++)
        add_event(table, json_array_get(trace, i));
    mg_buffer_add_text(text, "\n");
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

void mg_find_trace(const struct mg_screen *screen, const json_t *message, struct mg_buffer *text)
{
    add_facts(screen, message, text);
    add_deliveries(screen, mg_pick(message, "deliveries"), text);
    add_checks(screen, mg_pick(message, "checks"), text);
    add_time_line(screen, mg_pick(message, "trace"), text);
}

/* ---- what is left ---- */

void mg_find_remains(const struct mg_screen *screen, const json_t *remains, struct mg_buffer *text)
{
    char room[MG_PICK_SIZE];
    const json_t *parts = mg_pick(remains, "parts");
    mg_screen_fact(screen, text, mg_say("names and times", "Namen und Zeiten"),
                   mg_pick_truth(remains, "message") ? mg_say("stored", "gespeichert")
                                                     : mg_say("gone", "gelöscht"));
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        mg_screen_fact(screen, text, mg_words_say("part", mg_pick_text(part, "kind")),
                       mg_pick_bytes(part, "size", room));
    }
    mg_screen_fact(screen, text, mg_say("deliveries", "Zustellungen"),
                   mg_pick_figure(remains, "deliveries", room));
    mg_screen_fact(screen, text, mg_say("events", "Ereignisse"),
                   mg_pick_figure(remains, "events", room));
    mg_screen_fact(screen, text, mg_say("audit entries", "Protokolleinträge"),
                   mg_pick_figure(remains, "journal", room));
    mg_screen_fact(screen, text, mg_say("UUID known until", "UUID bekannt bis"),
                   mg_pick_moment(remains, "known_until", room));
}

/* ---- the audit trail ---- */

/* What a line says beside the act, as NAME=VALUE. */
static void write_members(const json_t *line, struct mg_buffer *text)
{
    const char *name;
    json_t *value;
    for (void *at = json_object_iter((json_t *)(uintptr_t)line); at;
         at = json_object_iter_next((json_t *)(uintptr_t)line, at)) {
        name = json_object_iter_key(at);
        value = json_object_iter_value(at);
        if (strcmp(name, "act") == 0)
            continue;
        char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        mg_buffer_print(text, "%s%s=%s", text->length ? " " : "", name,
                        dump ? dump : json_string_value(value));
        free(dump);
    }
}

/* An act has a word of its own, or that of a delivery's state, or that of the history's lines. */
static const char *word_of_act(const char *act)
{
    static const char *const groups[] = {"journal", "delivery", "history"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const char *word = mg_words_find(groups[i], act);
        if (word)
            return word;
    }
    return act;
}

void mg_find_journal(const struct mg_screen *screen, const json_t *entries, struct mg_buffer *text)
{
    const char *const headings[] = {mg_say(">NUMBER", ">NUMMER"), mg_say("TIME", "ZEIT"),
                                    mg_say("ACT", "WAS"), mg_say("DETAILS", "EINZELHEITEN"), NULL};
    char room[MG_PICK_SIZE];
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        struct mg_buffer members = {0};
        write_members(mg_pick(entry, "line"), &members);
        mg_table_print(table, MG_COLOUR_NONE, "%lld", (long long)mg_pick_count(entry, "number"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(entry, "time", room));
        mg_table_add(table, MG_COLOUR_NONE, word_of_act(mg_pick_text(entry, "line.act")));
        mg_table_add(table, MG_COLOUR_NONE, members.data);
        mg_buffer_free(&members);
    }
    mg_table_show(table, screen, text);
    mg_table_free(table);
}
