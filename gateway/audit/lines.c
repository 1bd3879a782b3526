#include "gateway/audit/lines.h"

#include "gateway/base/json.h"

#include <stdio.h>
#include <string.h>

/*
 * Two of these lines are written for every message, so they are put together by hand: what is known
 * to be plain is copied, and what may be anybody's text is, if it turns out to be plain. Whatever
 * is not goes by the writer of base/json.
 */
struct line {
    struct mg_buffer *buffer;
    struct mg_json json;
};

static struct line begin(struct mg_buffer *buffer, const char *act)
{
    struct line line = {.buffer = buffer, .json = {.buffer = buffer, .follows = true}};
    mg_buffer_reserve(buffer, 640);
    mg_buffer_add_text(buffer, "{\"act\":\"");
    mg_buffer_add_text(buffer, act);
    mg_buffer_add(buffer, "\"", 1);
    return line;
}

static void end(struct line *line)
{
    mg_buffer_add(line->buffer, "}", 1);
}

/* A member whose value is of digits, letters and the like. */
static void add_plain(struct line *line, const char *name, const char *text, size_t length)
{
    size_t name_length = strlen(name);
    char *room = mg_buffer_reserve(line->buffer, name_length + length + 6);
    char *at = room;
    *at++ = ',';
    *at++ = '"';
    memcpy(at, name, name_length);
    at += name_length;
    memcpy(at, "\":\"", 3);
    at += 3;
    memcpy(at, text, length);
    at += length;
    *at++ = '"';
    mg_buffer_used(line->buffer, (size_t)(at - room));
}

/* True if a text can stand in JSON as it is. */
static bool is_plain(const char *text, size_t *length)
{
    const char *end = text;
    while (*end >= ' ' && *end < 0x7f && *end != '"' && *end != '\\')
        end++;
    *length = (size_t)(end - text);
    return *end == '\0' && *length <= 256;
}

static void add_text(struct line *line, const char *name, const char *text)
{
    size_t length;
    if (!text || !*text)
        return;
    if (is_plain(text, &length))
        add_plain(line, name, text, length);
    else
        mg_json_text(&line->json, name, text);
}

static void add_id(struct line *line, const char *name, const struct mg_id *id)
{
    char text[MG_ID_TEXT_SIZE];
    if (id)
        add_plain(line, name, mg_id_text(id, text), MG_ID_TEXT_SIZE - 1);
}

static void add_digest(struct line *line, const uint8_t digest[32])
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    add_plain(line, "digest", text, sizeof text);
}

void mg_audit_write_accepted(struct mg_buffer *buffer, const struct mg_store_accept *accept)
{
    struct line line = begin(buffer, "accepted");
    add_id(&line, "message", &accept->id);
    add_text(&line, "uuid", accept->uuid);
    add_text(&line, "partner", accept->partner);
    add_text(&line, "source", accept->way);
    add_text(&line, "type", accept->type);
    add_text(&line, "author", accept->author);
    add_text(&line, "reader", accept->reader);
    add_digest(&line, accept->digest);
    end(&line);
}

void mg_audit_write_ended(struct mg_buffer *buffer, enum mg_delivery_state state,
                          const struct mg_id *message, const char *destination, int attempts,
                          const char *code)
{
    static const char *const acts[] = {[MG_DELIVERY_DELIVERED] = "delivered",
                                       [MG_DELIVERY_COLLECTED] = "collected",
                                       [MG_DELIVERY_DEAD] = "dead",
                                       [MG_DELIVERY_CANCELLED] = "cancelled"};
    struct line line = begin(buffer, acts[state]);
    add_id(&line, "message", message);
    add_text(&line, "destination", destination);
    mg_json_number(&line.json, "attempts", attempts);
    add_text(&line, "code", code);
    end(&line);
}

void mg_audit_write_act(struct mg_buffer *buffer, const struct mg_audit_act *act)
{
    struct line line = begin(buffer, act->act);
    add_text(&line, "by", act->by);
    add_text(&line, "way", act->way);
    add_id(&line, "message", act->message);
    add_text(&line, "uuid", act->uuid);
    add_text(&line, "destination", act->destination);
    add_text(&line, "to", act->to);
    add_text(&line, "what", act->what);
    add_text(&line, "code", act->code);
    if (act->count > 0)
        mg_json_number(&line.json, "count", act->count);
    add_text(&line, "why", act->why);
    end(&line);
}
