#include "gateway/operate/message_view.h"

#include "gateway/operate/question.h"

#include <string.h>

/* ---- deliveries ---- */

void mg_view_delivery(struct mg_json *json, const char *name,
                      const struct mg_store_delivery *delivery)
{
    bool waits = delivery->state == MG_DELIVERY_WAITING;
    mg_json_object(json, name);
    mg_json_text(json, "destination", delivery->destination);
    mg_json_text(json, "state", mg_delivery_words[delivery->state]);
    mg_json_number(json, "attempts", delivery->attempts);
    mg_json_time(json, "next_attempt", waits ? delivery->next_attempt : 0);
    mg_json_time(json, "ended", delivery->ended);
    mg_json_text_or_null(json, "last_code", delivery->last_code);
    mg_json_text_or_null(json, "last_text", delivery->last_text);
    mg_json_end_object(json);
}

static void write_facts(struct mg_json *json, const struct mg_store_hit *hit)
{
    const struct mg_store_message *message = &hit->message;
    char id[MG_ID_TEXT_SIZE];
    mg_json_text(json, "id", mg_id_text(&message->id, id));
    mg_json_text(json, "uuid", message->uuid);
    mg_json_time(json, "received", message->received);
    mg_json_text(json, "partner", message->partner);
    mg_json_text(json, "source", message->way);
    mg_json_text(json, "type", message->type);
    mg_json_text(json, "author", message->author);
    mg_json_text(json, "reader", message->reader);
    mg_json_text(json, "profile", message->profile);
    mg_json_list(json, "deliveries");
    for (size_t i = 0; i < hit->delivery_count; i++)
        mg_view_delivery(json, NULL, &hit->deliveries[i]);
    mg_json_end_list(json);
}

void mg_view_hit(struct mg_json *json, const char *name, const struct mg_store_hit *hit)
{
    mg_json_object(json, name);
    write_facts(json, hit);
    mg_json_end_object(json);
}

/* ---- what it is ---- */

static void write_digest(struct mg_json *json, const uint8_t digest[32])
{
    static const char digits[] = "0123456789abcdef";
    char text[65] = "";
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    mg_json_text(json, "digest", text);
}

const char *mg_view_part_word(int kind)
{
    static const char *const words[] = {
        [MG_PART_CONTENT] = "content",    [MG_PART_ORIGINAL] = "original",
        [MG_PART_SEAL_DETACHED] = "seal", [MG_PART_SEAL_ENVELOPED] = "seal-enveloped",
        [MG_PART_RECEIPT] = "receipt",    [MG_PART_HEADER] = "header",
    };
    return kind >= MG_PART_ATTACHMENT ? "attachment" : words[kind];
}

static void write_parts(struct mg_json *json, const struct mg_message_view *view)
{
    mg_json_list(json, "parts");
    for (size_t i = 0; i < view->part_count; i++) {
        const struct mg_view_part *part = &view->parts[i];
        mg_json_object(json, NULL);
        mg_json_text(json, "kind", mg_view_part_word(part->kind));
        mg_json_number(json, "size", part->facts.size);
        mg_json_text_or_null(json, "media_type", part->facts.media_type);
        mg_json_text_or_null(json, "name", part->facts.name);
        mg_json_end_object(json);
    }
    mg_json_end_list(json);
}

static void write_checks(struct mg_json *json, const struct mg_checks *checks)
{
    mg_json_list(json, "checks");
    for (size_t i = 0; i < checks->count; i++) {
        const struct mg_check *check = &checks->list[i];
        mg_json_object(json, NULL);
        mg_json_text(json, "check", mg_check_word(check->kind));
        mg_json_text(json, "result", check->required ? "passed" : "not-required");
        mg_json_text_or_null(json, "detail", check->detail);
        mg_json_number(json, "microseconds", check->microseconds);
        mg_json_end_object(json);
    }
    mg_json_end_list(json);
}

/* ---- what happened to it ---- */

bool mg_view_is_act(const struct mg_store_event *event)
{
    return strncmp(event->code, "operator.", strlen("operator.")) == 0;
}

const char *mg_view_actor(const char *text, char by[MG_STORE_NAME_SIZE])
{
    const char *colon = strstr(text, ": ");
    size_t length = colon ? (size_t)(colon - text) : 0;
    by[0] = '\0';
    if (!colon || length >= MG_STORE_NAME_SIZE)
        return text;
    memcpy(by, text, length);
    by[length] = '\0';
    return colon + 2;
}

static const char *kind_of(const struct mg_store_event *event)
{
    static const char *const ends[] = {"delivered", "collected", "dead", "mailbox.not-collected"};
    if (strcmp(event->code, "accepted") == 0)
        return "accepted";
    if (mg_view_is_act(event) || strcmp(event->code, "restore.held") == 0)
        return "act";
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(event->code, ends[i]) == 0)
            return "ended";
    return "attempt";
}

static void write_event(struct mg_json *json, const struct mg_store_event *event)
{
    char by[MG_STORE_NAME_SIZE] = "";
    const char *text = mg_view_is_act(event) ? mg_view_actor(event->text, by) : event->text;
    mg_json_object(json, NULL);
    mg_json_time(json, "time", event->time);
    mg_json_text(json, "kind", kind_of(event));
    mg_json_text(json, "code", event->code);
    mg_json_text_or_null(json, "text", text);
    mg_json_text_or_null(json, "destination", event->destination);
    if (event->duration > 0)
        mg_json_number(json, "duration_microseconds", event->duration);
    else
        mg_json_null(json, "duration_microseconds");
    mg_json_text_or_null(json, "by", by);
    mg_json_end_object(json);
}

static void write_header(struct mg_json *json, const struct mg_message_view *view)
{
    const struct mg_header *header = &view->header;
    mg_json_text_or_null(json, "created", header->created);
    mg_json_text_or_null(json, "type_name", header->type_name);
    mg_json_text_or_null(json, "author_name", header->author.name);
    mg_json_text_or_null(json, "reader_name", header->reader.name);
}

void mg_view_message(struct mg_json *json, const struct mg_message_view *view)
{
    mg_json_object(json, NULL);
    write_facts(json, &view->hit);
    write_digest(json, view->hit.message.digest);
    write_header(json, view);
    write_parts(json, view);
    write_checks(json, &view->checks);
    mg_json_list(json, "trace");
    for (size_t i = 0; i < view->event_count; i++)
        write_event(json, &view->events[i]);
    mg_json_end_list(json);
    mg_json_end_object(json);
}
