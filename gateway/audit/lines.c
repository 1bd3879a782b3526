#include "gateway/audit/lines.h"

#include "gateway/base/json.h"

#include <stdio.h>

static struct mg_json begin(struct mg_buffer *line, const char *act)
{
    struct mg_json json = {.buffer = line};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "act", act);
    return json;
}

static void add_id(struct mg_json *json, const char *name, const struct mg_id *id)
{
    char text[MG_ID_TEXT_SIZE];
    if (id)
        mg_json_text(json, name, mg_id_text(id, text));
}

static void add_text(struct mg_json *json, const char *name, const char *text)
{
    if (text && *text)
        mg_json_text(json, name, text);
}

static void add_digest(struct mg_json *json, const uint8_t digest[32])
{
    static const char digits[] = "0123456789abcdef";
    char text[65];
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[64] = '\0';
    mg_json_text(json, "digest", text);
}

void mg_audit_write_accepted(struct mg_buffer *line, const struct mg_store_accept *accept)
{
    struct mg_json json = begin(line, "accepted");
    add_id(&json, "message", &accept->id);
    add_text(&json, "uuid", accept->uuid);
    add_text(&json, "partner", accept->partner);
    add_text(&json, "source", accept->way);
    add_text(&json, "type", accept->type);
    add_text(&json, "author", accept->author);
    add_text(&json, "reader", accept->reader);
    add_digest(&json, accept->digest);
    mg_json_end_object(&json);
}

void mg_audit_write_ended(struct mg_buffer *line, enum mg_delivery_state state,
                          const struct mg_id *message, const char *destination, int attempts,
                          const char *code)
{
    static const char *const acts[] = {[MG_DELIVERY_DELIVERED] = "delivered",
                                       [MG_DELIVERY_COLLECTED] = "collected",
                                       [MG_DELIVERY_DEAD] = "dead",
                                       [MG_DELIVERY_CANCELLED] = "cancelled"};
    struct mg_json json = begin(line, acts[state]);
    add_id(&json, "message", message);
    add_text(&json, "destination", destination);
    mg_json_number(&json, "attempts", attempts);
    add_text(&json, "code", code);
    mg_json_end_object(&json);
}

void mg_audit_write_act(struct mg_buffer *line, const struct mg_audit_act *act)
{
    struct mg_json json = begin(line, act->act);
    add_text(&json, "by", act->by);
    add_text(&json, "way", act->way);
    add_id(&json, "message", act->message);
    add_text(&json, "uuid", act->uuid);
    add_text(&json, "destination", act->destination);
    add_text(&json, "to", act->to);
    add_text(&json, "what", act->what);
    add_text(&json, "code", act->code);
    if (act->count > 0)
        mg_json_number(&json, "count", act->count);
    add_text(&json, "why", act->why);
    mg_json_end_object(&json);
}
