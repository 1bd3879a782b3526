/* GET /messages and GET /messages/{id}. */
#include "gateway/operate/messages.h"

#include "gateway/intake/refusal.h"
#include "gateway/message/header_record.h"
#include "gateway/operate/message_view.h"
#include "gateway/operate/question.h"
#include "gateway/operate/trail.h"
#include "gateway/store/journal.h"

#include <stdlib.h>
#include <string.h>

/* Refusals of one UUID that are told, and entries about a message that is gone. */
#define LINES 20
/* Attachments that are told. */
#define ATTACHMENTS 64

/* ---- the search ---- */

struct search {
    struct mg_inquiry inquiry; /* first */
    struct mg_question question;
    struct mg_store_hits hits;
    struct mg_store_lines refusals;
};

static const char *parameter(const void *context, const char *name)
{
    return mg_ask_query(context, name);
}

static bool look_for(struct mg_inquiry *inquiry)
{
    struct search *search = (struct search *)inquiry;
    const struct mg_store_query *query = &search->question.query;
    const struct mg_store_journal_query refusals = {
        .subject = query->uuid, .from = INT64_MAX, .backwards = true, .limit = LINES};
    return mg_store_search(inquiry->desk->store, query, &search->hits, &inquiry->error) &&
           (!query->uuid ||
            mg_store_journal(inquiry->desk->store, &refusals, &search->refusals, &inquiry->error));
}

static void write_refusal(struct mg_json *json, const struct mg_store_line *line)
{
    json_t *entry = json_loads(line->text, 0, NULL);
    const char *act = json_string_value(json_object_get(entry, "act"));
    const char *code = json_string_value(json_object_get(entry, "code"));
    if (act && code && strcmp(act, "refused") == 0) {
        mg_json_object(json, NULL);
        mg_json_time(json, "time", line->time);
        mg_json_text_or_null(json, "partner", json_string_value(json_object_get(entry, "partner")));
        mg_json_text(json, "uuid", line->subject);
        mg_json_text(json, "code", code);
        mg_json_text(json, "text", mg_refusal_kind(code)->title);
        mg_json_end_object(json);
    }
    json_decref(entry);
}

static void write_cursor(struct mg_json *json, int64_t next)
{
    char cursor[MG_CURSOR_SIZE];
    mg_json_text_or_null(json, "cursor", next > 0 ? mg_question_cursor(next, cursor) : NULL);
}

/* Whoever asks for one message by its name looks at it, and that is written; a list of many is a
 * look at none of them. */
static bool note_looks(struct search *search)
{
    const struct mg_store_query *query = &search->question.query;
    /* Several partners may have used the same UUID. */
    size_t count = query->id || query->uuid ? search->hits.count : 0;
    for (size_t i = 0; i < count; i++)
        if (!mg_desk_looked(&search->inquiry, &search->hits.hits[i].message.id, NULL))
            return false;
    return true;
}

static void answer_search(struct mg_inquiry *inquiry)
{
    struct search *search = (struct search *)inquiry;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
        return;
    }
    if (!note_looks(search))
        return;
    mg_json_object(&json, NULL);
    mg_json_list(&json, "messages");
    for (size_t i = 0; i < search->hits.count; i++)
        mg_view_hit(&json, NULL, &search->hits.hits[i]);
    mg_json_end_list(&json);
    mg_json_list(&json, "refusals");
    for (size_t i = 0; i < search->refusals.count; i++)
        write_refusal(&json, &search->refusals.lines[i]);
    mg_json_end_list(&json);
    write_cursor(&json, search->hits.next);
    mg_json_number(&json, "examined", (int64_t)search->hits.examined);
    mg_json_end_object(&json);
    mg_inquiry_answer(inquiry, &body);
}

static void clean_search(struct mg_inquiry *inquiry)
{
    struct search *search = (struct search *)inquiry;
    mg_store_hits_free(&search->hits);
    mg_store_lines_free(&search->refusals);
}

static void search_messages(struct mg_ask *ask, void *context)
{
    struct mg_question question;
    const char *name, *expected;
    if (!mg_question_read(&question, parameter, ask, &name, &expected)) {
        mg_ask_bad_parameter(ask, name, expected);
        return;
    }
    struct mg_inquiry *inquiry = mg_inquiry_new(context, ask, sizeof(struct search));
    if (!inquiry)
        return;
    struct search *search = (struct search *)inquiry;
    inquiry->clean = clean_search;
    /* The question points into itself, so it is read where it stays. */
    mg_question_read(&search->question, parameter, ask, &name, &expected);
    if (!mg_inquiry_work(inquiry, look_for, answer_search))
        mg_inquiry_fail(inquiry);
}

/* ---- one message ---- */

struct look {
    struct mg_inquiry inquiry; /* first */
    struct mg_id id;
    bool found;
    struct mg_message_view view;
    struct mg_store_lines lines; /* what the audit trail knows, if nothing else does */
};

/* What does not read is left out: the rest of the trace is worth showing all the same. */
static bool read_header(struct look *look)
{
    char record[4096];
    const char *rest;
    struct mg_message_view *view = &look->view;
    ssize_t length = mg_store_read(look->inquiry.desk->store, &look->id, MG_PART_HEADER, 0, record,
                                   sizeof record, &look->inquiry.error);
    if (length < 0)
        return strcmp(look->inquiry.error.code, "store.no-such-part") == 0;
    view->has_header = mg_header_read_with(record, (size_t)length, &view->header, &rest);
    if (view->has_header)
        mg_checks_read(rest, (size_t)(record + length - rest), &view->checks);
    return true;
}

static bool read_part(struct look *look, int kind, bool *there)
{
    struct mg_store_part_facts facts;
    struct mg_message_view *view = &look->view;
    if (!mg_store_part(look->inquiry.desk->store, &look->id, kind, &facts, &look->inquiry.error))
        return false;
    *there = facts.size >= 0;
    if (!*there)
        return true;
    view->parts = mg_reallocate(view->parts, (view->part_count + 1) * sizeof *view->parts);
    view->parts[view->part_count++] = (struct mg_view_part){kind, facts};
    return true;
}

static bool read_parts(struct look *look)
{
    bool there = true;
    for (int kind = MG_PART_CONTENT; kind <= MG_PART_HEADER; kind++)
        if (!read_part(look, kind, &there))
            return false;
    there = true;
    for (int i = 0; i < ATTACHMENTS && there; i++)
        if (!read_part(look, MG_PART_ATTACHMENT + i, &there))
            return false;
    return true;
}

static bool read_lines(struct look *look)
{
    char subject[MG_ID_TEXT_SIZE];
    const struct mg_store_journal_query query = {.subject = mg_id_text(&look->id, subject),
                                                 .limit = LINES};
    return mg_store_journal(look->inquiry.desk->store, &query, &look->lines, &look->inquiry.error);
}

static bool look_at(struct mg_inquiry *inquiry)
{
    struct look *look = (struct look *)inquiry;
    struct mg_message_view *view = &look->view;
    if (!mg_desk_read_hit(inquiry->desk, &look->id, &view->hit, &look->found, &inquiry->error))
        return false;
    if (!look->found)
        return read_lines(look);
    return read_header(look) && read_parts(look) &&
           mg_store_events(inquiry->desk->store, &look->id, &view->events, &view->event_count,
                           &inquiry->error);
}

static void answer_unknown(struct look *look)
{
    struct mg_buffer members = {0};
    struct mg_json json = {.buffer = &members};
    mg_json_list(&json, "journal");
    for (size_t i = 0; i < look->lines.count; i++)
        mg_trail_write(&json, &look->lines.lines[i]);
    mg_json_end_list(&json);
    mg_ask_problem_with(look->inquiry.ask, 404, "message.unknown",
                        look->lines.count > 0
                            ? "The message is no longer stored; the audit trail still knows of it."
                            : "No message of this id is known here.",
                        look->lines.count > 0 ? members.data : NULL);
    mg_buffer_free(&members);
    mg_inquiry_end(&look->inquiry);
}

/* An id that nothing knows of is not written: else the question itself would make it one that the
 * audit trail knows of, and whoever may look could fill the trail with what never was. */
static void answer_look(struct mg_inquiry *inquiry)
{
    struct look *look = (struct look *)inquiry;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    bool known = inquiry->ok && (look->found || look->lines.count > 0);
    if (known && !mg_desk_looked(inquiry, &look->id, NULL))
        return;
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
    } else if (!look->found) {
        answer_unknown(look);
    } else {
        mg_view_message(&json, &look->view);
        mg_inquiry_answer(inquiry, &body);
    }
}

static void clean_look(struct mg_inquiry *inquiry)
{
    struct look *look = (struct look *)inquiry;
    free(look->view.hit.deliveries);
    free(look->view.parts);
    free(look->view.events);
    mg_store_lines_free(&look->lines);
}

static void look_at_message(struct mg_ask *ask, void *context)
{
    struct mg_desk *desk = context;
    struct mg_id id;
    if (!mg_desk_read_id(ask, &id))
        return;
    struct mg_inquiry *inquiry = mg_inquiry_new(desk, ask, sizeof(struct look));
    if (!inquiry)
        return;
    struct look *look = (struct look *)inquiry;
    inquiry->clean = clean_look;
    look->id = id;
    if (!mg_inquiry_work(inquiry, look_at, answer_look))
        mg_inquiry_fail(inquiry);
}

/* ---- the table ---- */

struct mg_resources mg_messages_resources(struct mg_desk *desk)
{
    static const struct mg_resource table[] = {
        {"GET", "/messages", MG_ROLE_VIEWER, mg_question_parameters, search_messages},
        {"GET", "/messages/{id}", MG_ROLE_VIEWER, NULL, look_at_message},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
