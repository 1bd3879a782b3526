/* muengstenctl messages, dead, trace, stored */
#include "gateway/base/id.h"
#include "tools/control/client.h"
#include "tools/control/find.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"

#include <stdlib.h>
#include <string.h>

/* Pages that --all follows at most: each looks at a bounded number of messages. */
#define PAGES 100000

/* ---- searching ---- */

static void write_target(const struct mg_control_options *options, const char *state,
                         const char *destination, const char *cursor, struct mg_buffer *target)
{
    mg_buffer_clear(target);
    mg_buffer_add_text(target, "/messages");
    mg_client_parameter(target, "uuid", options->uuid);
    mg_client_parameter(target, "id", options->id);
    mg_client_parameter(target, "author", options->author);
    mg_client_parameter(target, "reader", options->reader);
    mg_client_parameter(target, "type", options->type);
    mg_client_parameter(target, "partner", options->partner);
    mg_client_parameter(target, "destination", destination);
    mg_client_parameter(target, "state", state);
    mg_client_parameter(target, "from", options->from);
    mg_client_parameter(target, "to", options->to);
    mg_client_parameter(target, "limit",
                        options->limit ? options->limit
                        : options->all ? "200"
                                       : NULL);
    mg_client_parameter(target, "cursor", cursor);
}

int mg_control_search(const struct mg_control *control, const char *state, const char *destination,
                      json_t **found, struct mg_error *error)
{
    struct mg_buffer target = {0};
    json_t *messages = json_array(), *refusals = json_array(), *page = NULL;
    const char *cursor = control->options.cursor;
    int end = MG_CONTROL_DONE;
    for (size_t i = 0; i < PAGES && end == MG_CONTROL_DONE; i++) {
        write_target(&control->options, state, destination, cursor, &target);
        json_decref(page);
        end = mg_client_get(control, target.data, &page, error);
        if (end != MG_CONTROL_DONE)
            break;
        json_array_extend(messages, json_object_get(page, "messages"));
        json_array_extend(refusals, json_object_get(page, "refusals"));
        cursor = json_string_value(json_object_get(page, "cursor"));
        /* A page may be empty and have a cursor: there was too much to look through at once. */
        if (!cursor || (!control->options.all && json_array_size(messages) > 0))
            break;
    }
    *found = json_pack("{s:o, s:o, s:s?}", "messages", messages, "refusals", refusals, "cursor",
                       end == MG_CONTROL_DONE ? cursor : NULL);
    json_decref(page);
    mg_buffer_free(&target);
    return end;
}

static int show_list(const struct mg_control *control, bool dead, const char *state,
                     const char *destination)
{
    json_t *found;
    struct mg_error error = {.code = ""};
    struct mg_buffer text = {0};
    int end = mg_control_search(control, state, destination, &found, &error);
    if (end != MG_CONTROL_DONE) {
        end = mg_control_fail(&error, end);
    } else if (control->options.json) {
        end = mg_control_show_json(found, end);
    } else {
        const json_t *messages = json_object_get(found, "messages");
        if (dead)
            mg_find_dead(&control->screen, messages, destination, &text);
        else
            mg_find_messages(&control->screen, messages, json_object_get(found, "refusals"), &text);
        const char *cursor = mg_pick_text(found, "cursor");
        if (*cursor)
            mg_buffer_print(&text,
                            mg_say("More with --cursor %s, or all with --all.\n",
                                   "Mehr mit --cursor %s, oder alles mit --all.\n"),
                            cursor);
        end = mg_control_show(&text, end);
    }
    json_decref(found);
    return end;
}

int mg_control_messages(struct mg_control *control)
{
    return show_list(control, false, control->options.state, control->options.destination);
}

int mg_control_dead(struct mg_control *control)
{
    return show_list(control, true, "dead", control->word_count > 0 ? control->words[0] : NULL);
}

/* ---- one message ---- */

bool mg_control_is_id(const char *word)
{
    struct mg_id id;
    return mg_id_parse(word, &id) ||
           (mg_control_mistake(mg_say("%s is no id of a message: the gateway's, as in receipts.",
                                      "%s ist keine Nachrichten-ID: die des Gateways, wie in "
                                      "Quittungen."),
                               word),
            false);
}

static int show_one(const struct mg_control *control, const char *ending,
                    void (*add)(const struct mg_screen *screen, const json_t *value,
                                struct mg_buffer *text))
{
    struct mg_buffer target = {0}, text = {0};
    struct mg_error error = {.code = ""};
    json_t *answer = NULL;
    if (!mg_control_is_id(control->words[0]))
        return MG_CONTROL_USAGE;
    mg_buffer_print(&target, "/messages/%s%s", control->words[0], ending);
    int end = mg_client_get(control, target.data, &answer, &error);
    if (end != MG_CONTROL_DONE) {
        /* Of a message that is gone, the journal may still know something. */
        const json_t *journal = mg_pick(answer, "journal");
        if (control->options.json && answer)
            mg_control_show_json(answer, end);
        end = mg_control_fail(&error, end);
        if (!control->options.json && json_array_size(journal) > 0) {
            mg_find_journal(&control->screen, journal, &text);
            end = mg_control_show(&text, end);
        }
    } else if (control->options.json) {
        end = mg_control_show_json(answer, end);
    } else {
        add(&control->screen, answer, &text);
        end = mg_control_show(&text, end);
    }
    json_decref(answer);
    mg_buffer_free(&target);
    return end;
}

int mg_control_trace(struct mg_control *control)
{
    return show_one(control, "", mg_find_trace);
}

int mg_control_stored(struct mg_control *control)
{
    return show_one(control, "/remains", mg_find_remains);
}
