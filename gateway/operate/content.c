/* GET /messages/{id}/content: the document itself, for those alone whom the configuration lets see
 * it. The audit trail knows of it before the first byte leaves. */
#include "gateway/base/log.h"
#include "gateway/operate/messages.h"

#include <stdio.h>
#include <string.h>

#define PIECE 65536

struct content {
    struct mg_inquiry inquiry; /* first */
    struct mg_id id;
    int64_t size; /* of all of it; -1: there is none */
    int64_t offset;
    ssize_t length; /* of the piece that was read */
    bool begun;
    bool waits; /* for whoever reads it */
    char piece[PIECE];
};

static void go_on(struct content *content);

static void on_writable(struct mg_ask *ask, void *context)
{
    (void)ask;
    struct content *content = context;
    if (!content->waits)
        return;
    content->waits = false;
    mg_inquiry_rest(&content->inquiry, false);
    go_on(content);
}

/* Nobody reads it any more: what waits for that would wait for ever. */
static void on_abort(struct mg_ask *ask, void *context)
{
    on_writable(ask, context);
}

static void begin(struct content *content)
{
    char id[MG_ID_TEXT_SIZE], disposition[MG_ID_TEXT_SIZE + 40];
    static const struct mg_ask_events events = {.on_writable = on_writable, .on_abort = on_abort};
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.xml\"",
             mg_id_text(&content->id, id));
    const struct mg_http_header headers[] = {{"Content-Disposition", disposition}};
    mg_ask_watch(content->inquiry.ask, &events, content);
    mg_ask_begin(content->inquiry.ask, "application/octet-stream", headers, 1);
    content->begun = true;
}

static void end(struct content *content, bool whole)
{
    if (whole)
        mg_ask_end(content->inquiry.ask);
    else
        mg_ask_break(content->inquiry.ask);
    mg_inquiry_end(&content->inquiry);
}

static bool read_piece(struct mg_inquiry *inquiry)
{
    struct content *content = (struct content *)inquiry;
    content->length = mg_store_read(inquiry->desk->store, &content->id, MG_PART_CONTENT,
                                    content->offset, content->piece, PIECE, &inquiry->error);
    return content->length > 0 || (content->length == 0 && content->offset == content->size);
}

static void send_piece(struct mg_inquiry *inquiry)
{
    struct content *content = (struct content *)inquiry;
    if (!inquiry->ok || mg_ask_is_aborted(inquiry->ask)) {
        end(content, false);
        return;
    }
    content->offset += content->length;
    content->waits = !mg_ask_write(inquiry->ask, content->piece, (size_t)content->length);
    if (content->waits)
        mg_inquiry_rest(inquiry, true);
    else
        go_on(content);
}

static void go_on(struct content *content)
{
    if (content->offset >= content->size)
        end(content, true);
    else if (!mg_inquiry_work(&content->inquiry, read_piece, send_piece))
        end(content, false);
}

/* ---- before the first byte ---- */

static void written(bool ok, const struct mg_error *error, void *context)
{
    struct content *content = context;
    if (!ok) {
        content->inquiry.error = *error;
        mg_inquiry_fail(&content->inquiry);
        return;
    }
    begin(content);
    if (mg_ask_is_head(content->inquiry.ask))
        end(content, true);
    else
        go_on(content);
}

static bool look(struct mg_inquiry *inquiry)
{
    struct content *content = (struct content *)inquiry;
    struct mg_store_part_facts facts;
    bool read =
        mg_store_part(inquiry->desk->store, &content->id, MG_PART_CONTENT, &facts, &inquiry->error);
    content->size = facts.size;
    return read;
}

static void looked(struct mg_inquiry *inquiry)
{
    struct content *content = (struct content *)inquiry;
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
        return;
    }
    if (content->size < 0) {
        mg_ask_problem(inquiry->ask, 404, "message.unknown",
                       "No content is stored under this id; perhaps its retention has ended.");
        mg_inquiry_end(inquiry);
        return;
    }
    struct mg_audit_act act = mg_desk_act(inquiry->ask, "content");
    act.message = &content->id;
    mg_audit_act(inquiry->desk->audit, &act, written, content);
}

static void deny(struct mg_ask *ask, struct mg_desk *desk, const struct mg_id *id)
{
    struct mg_audit_act act = mg_desk_act(ask, "denied");
    act.message = id;
    act.what = "content";
    act.code = "access.contents";
    mg_audit_act(desk->audit, &act, NULL, NULL);
    mg_log(MG_LOG_NOTICE, "operate.denied", "code", act.code, "caller", act.by, "way", act.way,
           "path", mg_ask_resource(ask)->pattern, NULL);
    mg_ask_problem(ask, 403, "access.contents",
                   "Only whom the configuration allows it may see what is in messages.");
}

static void show_content(struct mg_ask *ask, void *context)
{
    struct mg_desk *desk = context;
    struct mg_id id;
    if (!mg_desk_read_id(ask, &id))
        return;
    if (!mg_ask_caller(ask)->contents) {
        deny(ask, desk, &id);
        return;
    }
    struct mg_inquiry *inquiry = mg_inquiry_new(desk, ask, sizeof(struct content));
    if (!inquiry)
        return;
    ((struct content *)inquiry)->id = id;
    if (!mg_inquiry_work(inquiry, look, looked))
        mg_inquiry_fail(inquiry);
}

struct mg_resources mg_content_resources(struct mg_desk *desk)
{
    static const struct mg_resource table[] = {
        {"GET", "/messages/{id}/content", MG_ROLE_VIEWER, NULL, show_content},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
