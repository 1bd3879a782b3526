#include "tools/control/look.h"

#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- colours ---- */

static const struct {
    const char *state;
    enum mg_colour colour;
} colours[] = {
    {"ok", MG_COLOUR_GOOD},        {"warning", MG_COLOUR_WARN},   {"critical", MG_COLOUR_BAD},
    {"ready", MG_COLOUR_GOOD},     {"degraded", MG_COLOUR_WARN},  {"paused", MG_COLOUR_WARN},
    {"down", MG_COLOUR_BAD},       {"blocked", MG_COLOUR_BAD},    {"removed", MG_COLOUR_WARN},
    {"waiting", MG_COLOUR_WARN},   {"held", MG_COLOUR_WARN},      {"delivered", MG_COLOUR_GOOD},
    {"collected", MG_COLOUR_GOOD}, {"dead", MG_COLOUR_BAD},       {"cancelled", MG_COLOUR_FAINT},
    {"open", MG_COLOUR_BAD},       {"half-open", MG_COLOUR_WARN},
};

enum mg_colour mg_look_colour(const char *state)
{
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (strcmp(colours[i].state, state) == 0)
            return colours[i].colour;
    return MG_COLOUR_NONE;
}

/* ---- the whole ---- */

/* What a destination is called on the page, which has its title; anything else as it is. */
static const char *title_of(const json_t *status, const char *subject)
{
    const json_t *destination, *all = mg_pick(status, "destinations");
    for (size_t index = 0; (destination = json_array_get(all, index)); index++) {
        const char *title = mg_pick_text(destination, "title");
        if (*title && strcmp(mg_pick_text(destination, "name"), subject) == 0)
            return title;
    }
    return subject;
}

/* The page's sentence, and the gateway's with the figures of the moment. */
static void add_sentence(struct mg_table *table, const json_t *status, const json_t *reason)
{
    struct mg_buffer sentence = {0};
    const char *said = mg_pick_text(reason, "text");
    const char *ours = mg_words_find("health", mg_pick_text(reason, "code"));
    if (ours) {
        mg_words_fill(&sentence, ours, title_of(status, mg_pick_text(reason, "subject")));
        mg_buffer_add_text(&sentence, *said ? ". " : "");
    }
    mg_buffer_add_text(&sentence, said);
    mg_table_add(table, MG_COLOUR_NONE, sentence.data);
    mg_buffer_free(&sentence);
}

static void add_reasons(const struct mg_screen *screen, const json_t *status,
                        struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("SEVERITY", "SCHWERE"), mg_say("SINCE", "SEIT"),
                                    mg_say("CODE", "CODE"),        mg_say("OF", "VON"),
                                    mg_say("WHAT", "WAS"),         NULL};
    char since[MG_PICK_SIZE];
    const json_t *reason, *list = mg_pick(status, "health.reasons");
    struct mg_table *table = mg_table_new(headings);
    for (size_t index = 0; (reason = json_array_get(list, index)); index++) {
        const char *severity = mg_pick_text(reason, "severity");
        mg_table_add(table, mg_look_colour(severity), mg_words_say("severity", severity));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(reason, "since", since));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(reason, "code"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(reason, "subject"));
        add_sentence(table, status, reason);
    }
    if (mg_table_rows(table) > 0) {
        mg_buffer_add_text(text, "\n");
        mg_table_show(table, screen, text);
    }
    mg_table_free(table);
}

void mg_look_health(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text)
{
    char uptime[MG_PICK_SIZE];
    const char *state = mg_pick_text(status, "health.state");
    mg_screen_text(text, mg_pick_text(status, "name"));
    mg_buffer_add_text(text, ": ");
    mg_screen_colour(screen, text, mg_look_colour(state),
                     *state ? mg_words_say_is("health", state) : mg_say("unknown", "unbekannt"));
    mg_buffer_print(text, mg_say(", up for %s, version ", ", Laufzeit %s, Version "),
                    mg_pick_duration(status, "uptime_seconds", uptime));
    mg_screen_text(text, mg_pick_text(status, "version"));
    if (mg_pick_truth(status, "stopping"))
        mg_buffer_add_text(text, mg_say(", stopping", ", wird beendet"));
    mg_buffer_add_text(text, "\n");
    add_reasons(screen, status, text);
}

static void add_figure(const struct mg_screen *screen, const json_t *status, const char *label,
                       const char *path, struct mg_buffer *text)
{
    char figure[MG_PICK_SIZE];
    if (mg_pick(status, path))
        mg_screen_fact(screen, text, label, mg_pick_figure(status, path, figure));
}

static void add_store(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text)
{
    char size[MG_PICK_SIZE], left[MG_PICK_SIZE], p50[MG_PICK_SIZE], p99[MG_PICK_SIZE], line[256];
    snprintf(line, sizeof line,
             mg_pick(status, "store.free_bytes") ? mg_say("%s, %s free", "%s, %s frei") : "%s%.0s",
             mg_pick_bytes(status, "store.bytes", size),
             mg_pick_bytes(status, "store.free_bytes", left));
    mg_screen_fact(screen, text, mg_say("store", "Speicher"), line);
    if (!mg_pick(status, "store.commit_seconds.p50"))
        return;
    snprintf(line, sizeof line, mg_say("p50 %s, p99 %s", "p50 %s, p99 %s"),
             mg_pick_duration(status, "store.commit_seconds.p50", p50),
             mg_pick_duration(status, "store.commit_seconds.p99", p99));
    mg_screen_fact(screen, text, mg_say("a commit takes", "ein Commit dauert"), line);
}

void mg_look_figures(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text)
{
    char moment[MG_PICK_SIZE], line[256];
    mg_buffer_add_text(text, "\n");
    add_figure(screen, status, mg_say("messages stored", "Nachrichten"), "store.messages", text);
    add_figure(screen, status, mg_say("deliveries waiting", "Zustellungen wartend"),
               "store.waiting", text);
    add_figure(screen, status, mg_say("dead letters", "gescheitert"), "store.dead", text);
    add_store(screen, status, text);
    snprintf(line, sizeof line, mg_say("%.12s…, loaded %s", "%.12s…, geladen %s"),
             mg_pick_text(status, "configuration.hash"),
             mg_pick_moment(status, "configuration.loaded", moment));
    mg_screen_fact(screen, text, mg_say("configuration", "Konfiguration"), line);
    if (mg_pick(status, "configuration.last_refused.time")) {
        snprintf(line, sizeof line, "%s: %.180s",
                 mg_pick_moment(status, "configuration.last_refused.time", moment),
                 json_string_value(
                     json_array_get(mg_pick(status, "configuration.last_refused.problems"), 0))
                     ? json_string_value(json_array_get(
                           mg_pick(status, "configuration.last_refused.problems"), 0))
                     : "");
        mg_screen_fact(screen, text, mg_say("refused reload", "abgelehntes Laden"), line);
    }
    add_figure(screen, status, mg_say("audit entries", "Protokolleinträge"), "audit.entries", text);
}

/* ---- destinations ---- */

/* Why it is as it is: who paused it, or what is wrong. */
static void add_remark(struct mg_table *table, const json_t *destination)
{
    struct mg_buffer remark = {0};
    const char *by = mg_pick_text(destination, "paused_by.by");
    const char *reason = mg_pick_text(destination, "reason");
    if (*by) {
        mg_buffer_print(&remark, "%s: %s", by, mg_pick_text(destination, "paused_by.why"));
    } else if (*reason) {
        mg_buffer_add_text(&remark, reason);
    } else if (mg_pick(destination, "last_error") &&
               mg_pick_count(destination, "queue.waiting") > 0) {
        mg_words_outcome(&remark, mg_pick_text(destination, "last_error.code"),
                         mg_pick_text(destination, "last_error.text"));
    }
    mg_table_add(table, MG_COLOUR_NONE, remark.data);
    mg_buffer_free(&remark);
}

/* One whose breaker is open is ready by itself, and yet nothing reaches it. */
static void add_state(struct mg_table *table, const json_t *destination)
{
    const char *state = mg_pick_text(destination, "state");
    const char *breaker = mg_pick_text(destination, "breaker.state");
    if (strcmp(state, "ready") != 0 || !*breaker || strcmp(breaker, "closed") == 0) {
        mg_table_add(table, mg_look_colour(state), mg_words_say("destination", state));
        return;
    }
    const char *german =
        mg_words_find("destination", strcmp(breaker, "open") == 0 ? "waiting" : "probing");
    mg_table_print(table, mg_look_colour(breaker), german ? "%s" : "breaker %s",
                   german ? german : breaker);
}

static void add_destination(struct mg_table *table, const json_t *destination)
{
    char room[MG_PICK_SIZE];
    double rate;
    int64_t dead = mg_pick_count(destination, "queue.dead");
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(destination, "name"));
    add_state(table, destination);
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_figure(destination, "queue.waiting", room));
    mg_table_add(table, MG_COLOUR_NONE,
                 mg_pick_duration(destination, "queue.oldest_seconds", room));
    mg_table_add(table, dead > 0 ? MG_COLOUR_BAD : MG_COLOUR_NONE,
                 mg_pick_figure(destination, "queue.dead", room));
    if (mg_pick_number(destination, "rate_per_minute", &rate))
        mg_table_print(table, MG_COLOUR_NONE, "%.0f", rate);
    else
        mg_table_add(table, MG_COLOUR_NONE, NULL);
    mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(destination, "last_success", room));
    mg_table_add(table, MG_COLOUR_NONE,
                 mg_pick_count(destination, "queue.waiting") > 0
                     ? mg_pick_moment(destination, "next_attempt", room)
                     : NULL);
    add_remark(table, destination);
}

void mg_look_destinations(const struct mg_screen *screen, const json_t *status,
                          struct mg_buffer *text)
{
    const char *const headings[] = {
        mg_say("DESTINATION", "ZIEL"),     mg_say("STATE", "ZUSTAND"),
        mg_say(">WAITING", ">WARTET"),     mg_say(">OLDEST", ">ÄLTESTE"),
        mg_say(">DEAD", ">GESCHEITERT"),   mg_say(">PER MIN", ">JE MIN"),
        mg_say("LAST SUCCESS", "ZULETZT"), mg_say("NEXT TRY", "NÄCHSTER"),
        mg_say("REMARK", "BEMERKUNG"),     NULL};
    const json_t *destination;
    struct mg_table *table = mg_table_new(headings);
    for (size_t index = 0; (destination = json_array_get(mg_pick(status, "destinations"), index));
         index++)
        add_destination(table, destination);
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

/* ---- routes ---- */

static void join(const json_t *names, char *room, size_t size)
{
    size_t length = 0;
    const json_t *name;
    room[0] = '\0';
    for (size_t index = 0; (name = json_array_get(names, index)); index++) {
        const char *word = json_string_value(name);
        int more =
            snprintf(room + length, size - length, "%s%s", index ? " " : "", word ? word : "");
        if (more < 0 || (size_t)more >= size - length)
            return;
        length += (size_t)more;
    }
}

/* The page says of routes what it says of the lines on its map. */
static const char *word_of_route(const char *state)
{
    static const char *const words[][2] = {
        {"ready", "ok"}, {"degraded", "warning"}, {"down", "critical"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *german =
            strcmp(words[i][0], state) == 0 ? mg_words_find("map", words[i][1]) : NULL;
        if (german)
            return german;
    }
    return state;
}

void mg_look_routes(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text)
{
    const char *const headings[] = {
        mg_say("READER", "LESER"),       mg_say("TYPE", "TYP"),
        mg_say("STATE", "ZUSTAND"),      mg_say(">MESSAGES", ">NACHRICHTEN"),
        mg_say("DESTINATIONS", "ZIELE"), NULL};
    char room[MG_PICK_SIZE], names[512];
    const json_t *route;
    struct mg_table *table = mg_table_new(headings);
    for (size_t index = 0; (route = json_array_get(mg_pick(status, "routes"), index)); index++) {
        const char *state = mg_pick_text(route, "state");
        join(mg_pick(route, "destinations"), names, sizeof names);
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(route, "reader"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(route, "type"));
        mg_table_add(table, mg_look_colour(state), word_of_route(state));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_figure(route, "messages", room));
        mg_table_add(table, MG_COLOUR_NONE, names);
    }
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

/* ---- certificates ---- */

static int by_days(const void *one, const void *other)
{
    double left, right;
    mg_pick_number(*(json_t *const *)one, "days_left", &left);
    mg_pick_number(*(json_t *const *)other, "days_left", &right);
    return left < right ? -1 : left > right;
}

static void add_days(struct mg_table *table, const json_t *entry)
{
    int64_t days = mg_pick_count(entry, "days_left");
    /* A revocation list may leave open when the next one comes. */
    if (!mg_pick(entry, "days_left")) {
        mg_table_add(table, MG_COLOUR_NONE, NULL);
        return;
    }
    mg_table_print(table,
                   days < 7    ? MG_COLOUR_BAD
                   : days < 30 ? MG_COLOUR_WARN
                               : MG_COLOUR_GOOD,
                   "%lld", (long long)days);
}

static void add_lists(const struct mg_screen *screen, const json_t *lists, struct mg_buffer *text)
{
    const char *const headings[] = {mg_say(">DAYS", ">TAGE"), mg_say("NEXT LIST", "NÄCHSTE LISTE"),
                                    mg_say("REVOCATION LIST OF", "SPERRLISTE VON"), NULL};
    char room[MG_PICK_SIZE];
    const json_t *list;
    if (json_array_size(lists) == 0)
        return;
    struct mg_table *table = mg_table_new(headings);
    for (size_t index = 0; (list = json_array_get(lists, index)); index++) {
        add_days(table, list);
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(list, "next_update", room));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(list, "issuer"));
    }
    mg_buffer_add_text(text, "\n");
    mg_table_show(table, screen, text);
    mg_table_free(table);
}

void mg_look_certificates(const struct mg_screen *screen, const json_t *status,
                          struct mg_buffer *text)
{
    const char *const headings[] = {mg_say(">DAYS", ">TAGE"),     mg_say("VALID TO", "GÜLTIG BIS"),
                                    mg_say("ROLE", "WOFÜR"),      mg_say("OWNER", "VON"),
                                    mg_say("SUBJECT", "INHABER"), NULL};
    char room[MG_PICK_SIZE];
    const json_t *list = mg_pick(status, "certificates");
    size_t count = json_array_size(list);
    const json_t **sorted = calloc(count + 1, sizeof *sorted);
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; sorted && i < count; i++)
        sorted[i] = json_array_get(list, i);
    if (sorted)
        qsort(sorted, count, sizeof *sorted, by_days);
    for (size_t i = 0; sorted && i < count; i++) {
        add_days(table, sorted[i]);
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_moment(sorted[i], "not_after", room));
        mg_table_add(table, MG_COLOUR_NONE, mg_words_say("role", mg_pick_text(sorted[i], "role")));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(sorted[i], "owner"));
        mg_table_add(table, MG_COLOUR_NONE, mg_pick_text(sorted[i], "subject"));
    }
    mg_table_show(table, screen, text);
    mg_table_free(table);
    free(sorted);
    add_lists(screen, mg_pick(status, "revocation"), text);
}
