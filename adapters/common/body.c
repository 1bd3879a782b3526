#include "adapters/common/body.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * The boundary is "muengsten-" and the gateway's id of the message. It cannot occur in the content:
 * the id has over 60 random bits that are drawn only when the message has come in, so nobody can
 * have put them into it; the same message keeps its id and its content for ever; and what the
 * gateway adds itself names the id in the seal, but never behind "muengsten-". So no content has to
 * be searched for it beforehand, and the length of the body is known before the first byte is read.
 */
#define BOUNDARY "muengsten-%s"

/* Values from the message are put into header fields only if nothing in them could end the field or
 * its quotes. */
static bool is_plain(const char *value)
{
    if (!value || !*value)
        return false;
    for (; *value; value++)
        if (*value < ' ' || *value > '~' || *value == '"' || *value == '\\')
            return false;
    return true;
}

static void add_piece(struct mg_body *body, int part, size_t start, int64_t length)
{
    body->pieces[body->count++] = (struct mg_body_piece){part, start, length};
    body->length += length;
}

static void add_text(struct mg_body *body, size_t start)
{
    add_piece(body, -1, start, (int64_t)(body->texts.length - start));
}

/* The name of an attachment: as it is, or percent-encoded as RFC 2231, section 4, has it. */
static void add_name(struct mg_text *text, const char *name)
{
    if (!name || !*name) {
        mg_text_print(text, "Content-Disposition: attachment\r\n");
    } else if (is_plain(name)) {
        mg_text_print(text, "Content-Disposition: attachment; filename=\"%s\"\r\n", name);
    } else {
        mg_text_print(text, "Content-Disposition: attachment; filename*=UTF-8''");
        for (; *name; name++)
            mg_text_print(text, "%%%02X", (unsigned char)*name);
        mg_text_print(text, "\r\n");
    }
}

static void add_part(struct mg_body *body, const char *id, int part,
                     const struct mg_part_facts *facts)
{
    size_t start = body->texts.length;
    mg_text_print(&body->texts, "%s--" BOUNDARY "\r\n", body->count ? "\r\n" : "", id);
    mg_text_print(&body->texts, "Content-Type: %s\r\n",
                  is_plain(facts->media_type) ? facts->media_type : "application/octet-stream");
    if (is_plain(facts->content_id))
        mg_text_print(&body->texts, "Content-ID: <%s>\r\n", facts->content_id);
    mg_text_print(&body->texts, "Content-Transfer-Encoding: binary\r\n");
    if (part >= MG_MESSAGE_ATTACHMENT)
        add_name(&body->texts, facts->name);
    mg_text_print(&body->texts, "\r\n");
    add_text(body, start);
    add_piece(body, part, 0, facts->length);
}

static void make_multipart(struct mg_body *body, const struct mg_message_facts *message)
{
    struct mg_part_facts part = {.size = sizeof part};
    body->gateway->delivery_part(body->delivery, MG_MESSAGE_DOCUMENT, &part);
    mg_text_print(&body->media_type,
                  "multipart/related; boundary=\"" BOUNDARY "\"; type=\"application/xml\"",
                  message->id);
    if (is_plain(part.content_id))
        mg_text_print(&body->media_type, "; start=\"<%s>\"", part.content_id);
    add_part(body, message->id, MG_MESSAGE_DOCUMENT, &part);
    body->gateway->delivery_part(body->delivery, MG_MESSAGE_SEAL, &part);
    if (part.length >= 0)
        add_part(body, message->id, MG_MESSAGE_SEAL, &part);
    for (unsigned i = 0; i < message->attachments; i++) {
        body->gateway->delivery_part(body->delivery, MG_MESSAGE_ATTACHMENT + (int)i, &part);
        add_part(body, message->id, MG_MESSAGE_ATTACHMENT + (int)i, &part);
    }
    size_t start = body->texts.length;
    mg_text_print(&body->texts, "\r\n--" BOUNDARY "--\r\n", message->id);
    add_text(body, start);
}

void mg_body_make(const struct mg_gateway *gateway, struct mg_delivery *delivery,
                  struct mg_body *body)
{
    const struct mg_message_facts *message = gateway->delivery_message(delivery);
    struct mg_part_facts part = {.size = sizeof part};
    *body = (struct mg_body){.gateway = gateway, .delivery = delivery};
    /* Two pieces for each part, and the last boundary. */
    body->pieces =
        mg_text_allocate(2 * (2 + (size_t)message->attachments) + 1, sizeof *body->pieces);
    gateway->delivery_part(delivery, MG_MESSAGE_SEAL, &part);
    if (part.length >= 0 || message->attachments > 0) {
        make_multipart(body, message);
    } else {
        gateway->delivery_part(delivery, MG_MESSAGE_DOCUMENT, &part);
        mg_text_print(&body->media_type, "application/xml");
        add_piece(body, MG_MESSAGE_DOCUMENT, 0, part.length);
    }
}

ssize_t mg_body_read(const struct mg_body *body, int64_t offset, void *bytes, size_t size)
{
    size_t filled = 0;
    for (size_t i = 0; i < body->count && filled < size; i++) {
        const struct mg_body_piece *piece = &body->pieces[i];
        if (offset >= piece->length) {
            offset -= piece->length;
            continue;
        }
        size_t wanted = size - filled;
        if ((int64_t)wanted > piece->length - offset)
            wanted = (size_t)(piece->length - offset);
        char *to = (char *)bytes + filled;
        if (piece->part < 0) {
            memcpy(to, body->texts.bytes + piece->start + offset, wanted);
        } else {
            ssize_t read =
                body->gateway->delivery_read(body->delivery, piece->part, offset, to, wanted);
            if (read <= 0)
                return -1;
            if ((size_t)read < wanted)
                return (ssize_t)(filled + (size_t)read);
        }
        filled += wanted;
        offset = 0;
    }
    return (ssize_t)filled;
}

void mg_body_free(struct mg_body *body)
{
    free(body->pieces);
    mg_text_free(&body->texts);
    mg_text_free(&body->media_type);
}
