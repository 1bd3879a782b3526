/* Data protection: GET /messages/{id}/remains says what is still stored of a message, and POST
 * /messages/{id}/erase deletes it before its time, but for the line in the audit trail. */
#include "gateway/operate/acts.h"

#include "gateway/base/clock.h"
#include "gateway/operate/message_view.h"
#include "gateway/store/erase.h"
#include "gateway/store/journal.h"

#include <stdio.h>
#include <string.h>

struct erasure {
    struct mg_inquiry inquiry; /* first */
    struct mg_store_erase erase;
    struct mg_buffer line;
    struct mg_store_remains remains;
    bool known; /* something knows of the message */
};

/* ---- what is still stored ---- */

/* Whose message it was, and its UUID: from its row, or else from the line about its acceptance. */
static bool read_whose(struct erasure *erasure, char partner[MG_STORE_NAME_SIZE], char uuid[64])
{
    struct mg_store *store = erasure->inquiry.desk->store;
    struct mg_error *error = &erasure->inquiry.error;
    struct mg_store_message message;
    struct mg_store_lines lines;
    char subject[MG_ID_TEXT_SIZE];
    const struct mg_store_journal_query first = {
        .subject = mg_id_text(&erasure->erase.message, subject), .limit = 1};
    bool found;
    if (!mg_store_find(store, &erasure->erase.message, &message, &found, error) ||
        !mg_store_journal(store, &first, &lines, error))
        return false;
    json_t *entry = lines.count > 0 ? json_loads(lines.lines[0].text, 0, NULL) : NULL;
    const char *of = json_string_value(json_object_get(entry, "partner"));
    const char *known = json_string_value(json_object_get(entry, "uuid"));
    snprintf(partner, MG_STORE_NAME_SIZE, "%s", found ? message.partner : of ? of : "");
    snprintf(uuid, 64, "%s", found ? message.uuid : known ? known : "");
    json_decref(entry);
    mg_store_lines_free(&lines);
    return true;
}

static bool look(struct mg_inquiry *inquiry)
{
    struct erasure *erasure = (struct erasure *)inquiry;
    char partner[MG_STORE_NAME_SIZE], uuid[64];
    if (!read_whose(erasure, partner, uuid) ||
        !mg_store_remains(inquiry->desk->store, &erasure->erase.message, partner, uuid,
                          &erasure->remains, &inquiry->error))
        return false;
    erasure->known = erasure->remains.message || erasure->remains.lines > 0;
    return true;
}

static void write_remains(struct mg_json *json, const char *name,
                          const struct mg_store_remains *remains)
{
    mg_json_object(json, name);
    mg_json_truth(json, "message", remains->message);
    mg_json_list(json, "parts");
    for (size_t i = 0; i < remains->part_count; i++) {
        mg_json_object(json, NULL);
        mg_json_text(json, "kind", mg_view_part_word(remains->parts[i].kind));
        mg_json_number(json, "size", remains->parts[i].size);
        mg_json_text_or_null(json, "media_type", remains->parts[i].media_type);
        mg_json_end_object(json);
    }
    mg_json_end_list(json);
    mg_json_number(json, "deliveries", remains->deliveries);
    mg_json_number(json, "events", remains->events);
    mg_json_number(json, "journal", remains->lines);
    mg_json_time(json, "known_until", remains->known_until);
    mg_json_end_object(json);
}

static void tell_unknown(struct mg_inquiry *inquiry)
{
    mg_ask_problem(inquiry->ask, 404, "message.unknown", "No message of this id is known here.");
    mg_inquiry_end(inquiry);
}

static void answer_remains(struct mg_inquiry *inquiry)
{
    const struct erasure *erasure = (struct erasure *)inquiry;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
    } else if (!erasure->known) {
        tell_unknown(inquiry);
    } else {
        write_remains(&json, NULL, &erasure->remains);
        mg_inquiry_answer(inquiry, &body);
    }
}

static void clean(struct mg_inquiry *inquiry)
{
    struct erasure *erasure = (struct erasure *)inquiry;
    mg_store_remains_free(&erasure->remains);
    mg_buffer_free(&erasure->line);
}

static struct erasure *begin(struct mg_ask *ask, struct mg_desk *desk)
{
    struct mg_id id;
    if (!mg_desk_read_id(ask, &id))
        return NULL;
    struct erasure *erasure = (struct erasure *)mg_inquiry_new(desk, ask, sizeof *erasure);
    if (!erasure)
        return NULL;
    erasure->inquiry.clean = clean;
    erasure->erase.message = id;
    return erasure;
}

/* That somebody has looked is written when the answer is known, or the question itself would make
 * every id one that the audit trail knows of. */
static void answer_look(struct mg_inquiry *inquiry)
{
    const struct erasure *erasure = (struct erasure *)inquiry;
    if (!inquiry->ok || !erasure->known ||
        mg_desk_looked(inquiry, &erasure->erase.message, "remains"))
        answer_remains(inquiry);
}

static void show_remains(struct mg_ask *ask, void *context)
{
    struct erasure *erasure = begin(ask, context);
    if (erasure && !mg_inquiry_work(&erasure->inquiry, look, answer_look))
        mg_inquiry_fail(&erasure->inquiry);
}

/* ---- erasing ---- */

static bool erase(struct mg_inquiry *inquiry)
{
    struct erasure *erasure = (struct erasure *)inquiry;
    return mg_store_erase(inquiry->desk->store, &erasure->erase, &inquiry->error) && look(inquiry);
}

static void answer_erased(struct mg_inquiry *inquiry)
{
    const struct erasure *erasure = (struct erasure *)inquiry;
    const struct mg_error *error = &inquiry->error;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    char id[MG_ID_TEXT_SIZE];
    if (inquiry->ok) {
        mg_json_object(&json, NULL);
        mg_json_text(&json, "erased", mg_id_text(&erasure->erase.message, id));
        mg_json_truth(&json, "gone_from_log", erasure->erase.gone_from_log);
        write_remains(&json, "remains", &erasure->remains);
        mg_json_end_object(&json);
        mg_inquiry_answer(inquiry, &body);
    } else if (strcmp(error->code, "message.unknown") == 0) {
        tell_unknown(inquiry);
    } else if (strncmp(error->code, "act.", strlen("act.")) == 0) {
        mg_ask_problem(inquiry->ask, 409, error->code, "%s", error->text);
        mg_inquiry_end(inquiry);
    } else {
        mg_inquiry_fail(inquiry);
    }
}

static void erase_message(struct mg_ask *ask, void *context)
{
    static const char *const members[] = {"cancel", NULL};
    const json_t *cancel = json_object_get(mg_ask_body(ask), "cancel");
    if (!mg_acts_know(ask, members))
        return;
    if (cancel && !json_is_boolean(cancel)) {
        mg_ask_problem(ask, 400, "act.invalid",
                       "The member \"cancel\" of the body has to be true or false.");
        return;
    }
    struct erasure *erasure = begin(ask, context);
    if (!erasure)
        return;
    struct mg_audit_act act = mg_desk_act(ask, "erase");
    act.message = &erasure->erase.message;
    mg_audit_write_act(&erasure->line, &act);
    erasure->erase.cancel = json_is_true(cancel);
    erasure->erase.line = erasure->line.data;
    if (!mg_inquiry_work(&erasure->inquiry, erase, answer_erased))
        mg_inquiry_fail(&erasure->inquiry);
}

struct mg_resources mg_erasure_resources(struct mg_desk *desk)
{
    static const struct mg_resource table[] = {
        {"GET", "/messages/{id}/remains", MG_ROLE_OPERATOR, NULL, show_remains},
        {"POST", "/messages/{id}/erase", MG_ROLE_OPERATOR, NULL, erase_message},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
