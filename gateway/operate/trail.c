/* GET /journal: the audit trail. */
#include "gateway/operate/trail.h"

#include "gateway/operate/messages.h"
#include "gateway/operate/question.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 100

void mg_trail_write(struct mg_json *json, const struct mg_store_line *line)
{
    static const char digits[] = "0123456789abcdef";
    char hash[2 * MG_STORE_HASH_SIZE + 1] = "";
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++) {
        hash[2 * i] = digits[line->hash[i] >> 4];
        hash[2 * i + 1] = digits[line->hash[i] & 15];
    }
    mg_json_object(json, NULL);
    mg_json_number(json, "number", line->number);
    mg_json_time(json, "time", line->time);
    mg_json_raw(json, "line", line->text);
    mg_json_text(json, "hash", hash);
    mg_json_end_object(json);
}

struct reading {
    struct mg_inquiry inquiry; /* first */
    struct mg_id message;      /* whose entries, if the query has a subject */
    char subject[MG_ID_TEXT_SIZE];
    struct mg_store_journal_query query;
    struct mg_store_lines lines;
};

static bool read_lines(struct mg_inquiry *inquiry)
{
    struct reading *reading = (struct reading *)inquiry;
    return mg_store_journal(inquiry->desk->store, &reading->query, &reading->lines,
                            &inquiry->error);
}

static void answer_lines(struct mg_inquiry *inquiry)
{
    struct reading *reading = (struct reading *)inquiry;
    const struct mg_store_lines *lines = &reading->lines;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
        return;
    }
    if (lines->count > 0 && reading->query.subject &&
        !mg_desk_looked(inquiry, &reading->message, NULL))
        return;
    mg_json_object(&json, NULL);
    mg_json_list(&json, "entries");
    for (size_t i = 0; i < lines->count; i++)
        mg_trail_write(&json, &lines->lines[i]);
    mg_json_end_list(&json);
    if (lines->count == reading->query.limit)
        mg_json_number(&json, "next", lines->lines[lines->count - 1].number + 1);
    else
        mg_json_null(&json, "next");
    mg_json_end_object(&json);
    mg_inquiry_answer(inquiry, &body);
}

static void clean(struct mg_inquiry *inquiry)
{
    mg_store_lines_free(&((struct reading *)inquiry)->lines);
}

/* NULL if all is well, else what the parameter has to be. */
static const char *read_parameters(struct mg_ask *ask, struct mg_id *message, bool *of_message,
                                   int64_t *from, int64_t *limit, const char **name)
{
    const char *text = mg_ask_query(ask, *name = "message");
    *of_message = text;
    if (text && !mg_id_parse(text, message))
        return "the id that the gateway gave to a message, a UUID";
    text = mg_ask_query(ask, *name = "from");
    if (text && !mg_question_number(text, 1, INT64_MAX, from))
        return "the number of an entry";
    text = mg_ask_query(ask, *name = "limit");
    if (text && !mg_question_number(text, 1, MG_STORE_LINES_LIMIT, limit))
        return "a number from 1 to 1000";
    return NULL;
}

static void read_trail(struct mg_ask *ask, void *context)
{
    struct mg_desk *desk = context;
    struct mg_id message;
    bool of_message;
    int64_t from = 1, limit = LIMIT;
    const char *name, *expected;
    expected = read_parameters(ask, &message, &of_message, &from, &limit, &name);
    if (expected) {
        mg_ask_bad_parameter(ask, name, expected);
        return;
    }
    struct mg_inquiry *inquiry = mg_inquiry_new(desk, ask, sizeof(struct reading));
    if (!inquiry)
        return;
    struct reading *reading = (struct reading *)inquiry;
    inquiry->clean = clean;
    if (of_message)
        reading->message = message;
    reading->query = (struct mg_store_journal_query){
        .subject = of_message ? mg_id_text(&message, reading->subject) : NULL,
        .from = from,
        .limit = (size_t)limit,
    };
    if (!mg_inquiry_work(inquiry, read_lines, answer_lines))
        mg_inquiry_fail(inquiry);
}

struct mg_resources mg_trail_resources(struct mg_desk *desk)
{
    static const char *const parameters[] = {"message", "from", "limit", NULL};
    static const struct mg_resource table[] = {
        {"GET", "/journal", MG_ROLE_OPERATOR, parameters, read_trail},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
