/*
 * The way out: each message is published with the flag mandatory to the exchange and routing key of
 * the configuration, persistent, with the gateway's id as message-id, by which a receiver
 * recognises a repetition. The body is what rest posts too (adapters/common/body), read as the
 * socket takes it.
 *
 * Several messages are under way at once; the broker's confirmations name them by number.
 *
 *   ack                          delivered
 *   returned, then ack           temporary, amqp.unroutable: no queue is bound yet
 *   nack                         temporary, amqp.nack
 *   connection lost              temporary, with the reason; it may have arrived
 *   larger than the broker takes permanent, amqp.too-large
 */
#include "adapters/amqp/line.h"
#include "adapters/common/outgoing.h"
#include "adapters/common/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where a message goes that the broker gives back: its parts come as frames. */
struct returning {
    bool head;     /* its header comes next */
    uint64_t body; /* bytes of its body still to come */
    int reply_code;
};

struct destination {
    struct mg_amqp amqp; /* first */
    struct mg_outgoing outgoing;
    const char *exchange, *routing_key;
    /* The thread's. */
    struct mg_line line;
    uint64_t tags; /* the last that was given on this connection */
    struct returning returning;
};

/* ---- publishing ---- */

static bool send_head(struct mg_line *line, const struct mg_out *out)
{
    const struct mg_message_facts *message = out->message;
    amqp_table_entry_t entries[MG_OUT_HEADERS + 1];
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_HEADERS_FLAG |
                  AMQP_BASIC_APP_ID_FLAG,
        .content_type = amqp_cstring_bytes(out->body.media_type.bytes),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = amqp_cstring_bytes(message->id),
        .timestamp = (uint64_t)(message->accepted / 1000),
        .app_id = amqp_cstring_bytes("muengsten"),
        .headers = {.entries = entries},
    };
    const char *name, *value;
    for (size_t index = 0; mg_out_header(out, &index, &name, &value);) {
        amqp_table_entry_t *entry = &entries[properties.headers.num_entries++];
        entry->key = amqp_cstring_bytes(name);
        entry->value.kind = AMQP_FIELD_KIND_UTF8;
        entry->value.value.bytes = amqp_cstring_bytes(value);
    }
    entries[properties.headers.num_entries++] = (amqp_table_entry_t){
        .key = amqp_cstring_bytes("attempt"),
        .value = {.kind = AMQP_FIELD_KIND_I32, .value.i32 = out->attempt},
    };
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_HEADER, .channel = MG_LINE_CHANNEL};
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    frame.payload.properties.body_size = (uint64_t)out->body.length;
    frame.payload.properties.decoded = &properties;
    return mg_line_sent(line, amqp_send_frame(line->connection, &frame));
}

/* A message of which a part is sent cannot be taken back but with the connection. */
static bool send_body(struct mg_line *line, const struct mg_out *out)
{
    size_t most = (size_t)amqp_get_frame_max(line->connection) - 8;
    char *block = mg_text_allocate(1, most);
    bool sent = true;
    for (int64_t offset = 0; sent && offset < out->body.length;) {
        ssize_t length = mg_body_read(&out->body, offset, block, most);
        amqp_frame_t frame = {.frame_type = AMQP_FRAME_BODY, .channel = MG_LINE_CHANNEL};
        if (length <= 0) {
            sent = mg_line_fail(line, "amqp.content",
                                "The gateway's own store could not give the content of a message.");
        } else {
            frame.payload.body_fragment = (amqp_bytes_t){.len = (size_t)length, .bytes = block};
            sent = mg_line_sent(line, amqp_send_frame(line->connection, &frame));
            offset += length;
        }
    }
    free(block);
    return sent;
}

static bool publish(struct mg_line *line, struct mg_out *out)
{
    struct destination *destination = (struct destination *)line->amqp;
    amqp_basic_publish_t method = {
        .exchange = amqp_cstring_bytes(destination->exchange),
        .routing_key = amqp_cstring_bytes(destination->routing_key),
        .mandatory = 1,
    };
    out->number = ++destination->tags;
    mg_courier_blocks(destination->amqp.courier, true);
    bool sent = mg_line_sent(line, amqp_send_method(line->connection, MG_LINE_CHANNEL,
                                                    AMQP_BASIC_PUBLISH_METHOD, &method)) &&
                send_head(line, out) && send_body(line, out);
    mg_courier_blocks(destination->amqp.courier, false);
    return sent;
}

/* ---- what the broker says ---- */

static void settle(struct mg_out *out, bool confirmed)
{
    if (!confirmed)
        mg_out_complete(out, MG_TEMPORARY, "amqp.nack", "The broker could not take the message.");
    else if (out->returned)
        mg_out_complete(
            out, MG_TEMPORARY, "amqp.unroutable",
            "The broker has no queue that is bound to this exchange for this routing key.");
    else
        mg_out_complete(out, MG_DELIVERED, NULL, NULL);
}

static void confirmation(struct destination *destination, uint64_t tag, bool multiple,
                         bool confirmed)
{
    struct mg_out *next;
    for (struct mg_out *out = destination->outgoing.outs; out; out = next) {
        next = out->next;
        if (out->number && (out->number == tag || (multiple && (tag == 0 || out->number < tag))))
            settle(out, confirmed);
    }
}

static void returned(struct destination *destination, const amqp_frame_t *frame)
{
    const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
    destination->returning.head = false;
    destination->returning.body = frame->payload.properties.body_size;
    if (!(properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG))
        return;
    for (struct mg_out *out = destination->outgoing.outs; out; out = out->next)
        if (out->number && strlen(out->message->id) == properties->message_id.len &&
            memcmp(out->message->id, properties->message_id.bytes, properties->message_id.len) == 0)
            out->returned = true;
}

static bool out_frame(struct mg_line *line, const amqp_frame_t *frame)
{
    struct destination *destination = (struct destination *)line->amqp;
    struct returning *returning = &destination->returning;
    if (frame->frame_type == AMQP_FRAME_HEADER && returning->head) {
        returned(destination, frame);
    } else if (frame->frame_type == AMQP_FRAME_BODY &&
               returning->body >= frame->payload.body_fragment.len) {
        returning->body -= frame->payload.body_fragment.len;
    } else if (frame->frame_type == AMQP_FRAME_METHOD) {
        line->failures = 0;
        if (frame->payload.method.id == AMQP_BASIC_ACK_METHOD) {
            const amqp_basic_ack_t *ack = frame->payload.method.decoded;
            confirmation(destination, ack->delivery_tag, ack->multiple, true);
        } else if (frame->payload.method.id == AMQP_BASIC_NACK_METHOD) {
            const amqp_basic_nack_t *nack = frame->payload.method.decoded;
            confirmation(destination, nack->delivery_tag, nack->multiple, false);
        } else if (frame->payload.method.id == AMQP_BASIC_RETURN_METHOD) {
            *returning = (struct returning){.head = true};
        }
    } else {
        return mg_line_fail(line, "amqp.lost", "The broker sent what nobody expects.");
    }
    return true;
}

/* ---- the thread ---- */

static bool out_opened(struct mg_line *line)
{
    struct destination *destination = (struct destination *)line->amqp;
    destination->tags = 0;
    destination->returning = (struct returning){0};
    /* The nameless exchange is always there. */
    if (*destination->exchange) {
        amqp_exchange_declare(line->connection, MG_LINE_CHANNEL,
                              amqp_cstring_bytes(destination->exchange),
                              amqp_cstring_bytes("direct"), 1, 0, 0, 0, amqp_empty_table);
        if (!mg_line_check(line, amqp_get_rpc_reply(line->connection), "find the exchange",
                           "amqp.exchange"))
            return false;
    }
    amqp_confirm_select(line->connection, MG_LINE_CHANNEL);
    return mg_line_check(line, amqp_get_rpc_reply(line->connection), "ask for confirmations",
                         "amqp.lost");
}

static bool out_step(struct mg_line *line)
{
    const struct destination *destination = (struct destination *)line->amqp;
    struct mg_out *out = mg_out_waiting(&destination->outgoing);
    return !out || publish(line, out);
}

static bool out_full(struct mg_line *line)
{
    (void)line;
    return false;
}

static int out_patience(struct mg_line *line)
{
    const struct destination *destination = (struct destination *)line->amqp;
    return mg_out_waiting(&destination->outgoing) ? 0 : 1000;
}

/* The broker closes the channel over a message that is larger than it takes; of those on the way it
 * can only be the largest. */
static void judge_largest(struct mg_line *line)
{
    struct destination *destination = (struct destination *)line->amqp;
    struct mg_out *largest = NULL;
    for (struct mg_out *out = destination->outgoing.outs; out; out = out->next)
        if (out->number && (!largest || out->body.length > largest->body.length))
            largest = out;
    if (largest)
        mg_out_complete(largest, MG_PERMANENT, "amqp.too-large", line->text);
}

static void out_lost(struct mg_line *line)
{
    struct destination *destination = (struct destination *)line->amqp;
    if (line->closed_with == AMQP_PRECONDITION_FAILED && strstr(line->text, " size "))
        judge_largest(line);
    line->closed_with = 0;
    while (destination->outgoing.outs)
        mg_out_complete(destination->outgoing.outs, MG_TEMPORARY, line->code, line->text);
}

static void run(void *context)
{
    static const struct mg_line_use use = {.opened = out_opened,
                                           .step = out_step,
                                           .frame = out_frame,
                                           .full = out_full,
                                           .patience = out_patience,
                                           .lost = out_lost};
    struct destination *destination = context;
    mg_line_run(&destination->line, &use);
}

/* ---- the loop ---- */

void mg_amqp_deliver(struct mg_amqp *amqp, struct mg_delivery *delivery)
{
    mg_out_deliver(&((struct destination *)amqp)->outgoing, delivery);
}

void mg_amqp_cancel(struct mg_amqp *amqp, struct mg_delivery *delivery)
{
    mg_out_cancel(&((struct destination *)amqp)->outgoing, delivery);
}

static void close_destination(struct mg_amqp *amqp)
{
    struct destination *destination = (struct destination *)amqp;
    assert(!destination->outgoing.underway);
    mg_courier_end(amqp->courier);
    mg_broker_free(&amqp->broker);
    free(destination);
}

struct mg_amqp *mg_amqp_open_destination(const struct mg_gateway *gateway,
                                         struct mg_instance *instance)
{
    struct destination *destination = mg_text_allocate(1, sizeof *destination);
    struct mg_amqp *amqp = &destination->amqp;
    if (!mg_amqp_read(gateway, instance, amqp)) {
        free(destination);
        return NULL;
    }
    destination->exchange = gateway->parameter_text(instance, "exchange");
    destination->routing_key = gateway->parameter_text(instance, "routing-key");
    destination->line.amqp = amqp;
    destination->outgoing = (struct mg_outgoing){.gateway = gateway, .instance = instance};
    amqp->close = close_destination;
    if (strlen(destination->exchange) > 127 || strlen(destination->routing_key) > 255)
        gateway->fail(instance, "amqp.parameter",
                      "exchange has at most 127 bytes, routing-key at most 255.");
    else if (!*destination->exchange && !*destination->routing_key)
        gateway->fail(instance, "amqp.parameter",
                      "Name an exchange, or as routing-key the queue, or both.");
    else if (!mg_courier_start(gateway, instance, run, destination, &amqp->courier))
        gateway->fail(instance, "amqp.thread", "The system gives no thread for the connection.");
    destination->outgoing.courier = amqp->courier;
    if (amqp->courier)
        return amqp;
    mg_broker_free(&amqp->broker);
    free(destination);
    return NULL;
}
