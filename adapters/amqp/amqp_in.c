/*
 * The way in: a queue is consumed with manual acknowledgement. Each message goes to the gateway as
 * it comes, frame by frame, `simultaneous` of them at once.
 *
 *   accepted or repeated   acknowledged: the gateway has it on disk
 *   refused for good       rejected without requeueing: the broker's dead-letter exchange gets it
 *   refused for now        put back into the queue after a pause
 *
 * Whatever is not acknowledged when a connection or the gateway ends, the broker hands out again,
 * and the gateway recognises what it has by its UUID. A verdict on a message of an earlier
 * connection is of no use and is forgotten.
 */
#include "adapters/amqp/line.h"
#include "adapters/common/bring.h"
#include "adapters/common/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_IN_TRANSIT   ((size_t)4 << 20) /* bytes between the threads */
#define MOST_SIMULTANEOUS 64

struct source;

/* A message, from its header to its verdict. The loop's, once the letter is opened; the thread only
 * passes it on with its pieces. */
struct message {
    struct mg_arrival arrival; /* first */
    struct mg_letter begin;
    struct source *source;
    uint64_t tag, connection;
    char *media_type, *encoding; /* NULL: none */
    int64_t length;
    bool over;     /* all pieces have come, or no more will */
    bool entering; /* a call with it is underway below us */
};

enum piece_kind { PIECE_DATA, PIECE_LAST, PIECE_LOST };

/* What follows the header. */
struct piece {
    struct mg_letter letter; /* first */
    struct message *message;
    enum piece_kind kind;
    size_t length;
    char bytes[];
};

/* What the broker shall be told of a message. */
struct judgement {
    struct mg_letter letter; /* first */
    struct source *source;
    uint64_t tag, connection;
    enum mg_verdict verdict;
    int64_t pause;
};

struct source {
    struct mg_amqp amqp; /* first */
    const char *queue;
    uint16_t simultaneous;
    atomic_size_t in_transit; /* bytes of pieces that the loop has not opened */
    /* The loop's. */
    struct mg_bringing bringing;
    /* The thread's. */
    struct mg_line line;
    uint64_t tag; /* of the message whose header comes next; 0: none */
    struct message *receiving;
    uint64_t missing; /* bytes of it */
    struct judgement *judgements[MOST_SIMULTANEOUS];
    size_t judgement_count;
};

/* ---- the loop ---- */

static void message_free(struct mg_arrival *arrival)
{
    struct message *message = (struct message *)arrival;
    free(message->media_type);
    free(message->encoding);
    free(message);
}

/* Lets go of a message that has its verdict and of which nothing more comes. */
static void leave(struct message *message)
{
    message->entering = false;
    if (message->over && message->arrival.settled) {
        mg_bring_forget(&message->arrival);
        message_free(&message->arrival);
    }
}

static void judgement_drop(struct mg_letter *letter)
{
    free(letter);
}

static void judgement_arrived(struct mg_letter *letter);

static void settled(struct mg_arrival *arrival, enum mg_verdict verdict, int64_t pause)
{
    struct message *message = (struct message *)arrival;
    struct judgement *judgement = mg_text_allocate(1, sizeof *judgement);
    *judgement = (struct judgement){
        .letter = {.open = judgement_arrived, .drop = judgement_drop},
        .source = message->source,
        .tag = message->tag,
        .connection = message->connection,
        .verdict = verdict,
        .pause = pause,
    };
    mg_courier_to_thread(message->source->amqp.courier, &judgement->letter);
    if (!message->entering)
        leave(message);
}

static struct message *message_of(struct mg_letter *begin)
{
    return (struct message *)(void *)((char *)begin - offsetof(struct message, begin));
}

static void begin_opened(struct mg_letter *letter)
{
    struct message *message = message_of(letter);
    message->entering = true;
    mg_bring_begin(&message->source->bringing, &message->arrival, message->media_type,
                   message->encoding, message->length);
    leave(message);
}

static void begin_dropped(struct mg_letter *letter)
{
    message_free(&message_of(letter)->arrival);
}

static void piece_dropped(struct mg_letter *letter)
{
    free(letter);
}

static void piece_opened(struct mg_letter *letter)
{
    struct piece *piece = (struct piece *)letter;
    struct message *message = piece->message;
    struct source *source = message->source;
    message->entering = true;
    if (piece->kind == PIECE_DATA) {
        mg_bring_add(&message->arrival, piece->bytes, piece->length);
    } else {
        message->over = true;
        if (piece->kind == PIECE_LAST) {
            mg_bring_finish(&message->arrival);
        } else if (!message->arrival.settled) {
            /* The broker gives it to somebody again. */
            mg_bring_abort(&message->arrival);
            message->arrival.settled = true;
        }
    }
    leave(message);
    /* The thread may wait for room. */
    size_t before = atomic_fetch_sub(&source->in_transit, piece->length);
    if (before > MOST_IN_TRANSIT && before - piece->length <= MOST_IN_TRANSIT)
        mg_courier_wake(source->amqp.courier);
    free(piece);
}

/* ---- the thread: messages ---- */

static void send_piece(struct source *source, enum piece_kind kind, const void *bytes,
                       size_t length)
{
    struct piece *piece = mg_text_allocate(1, sizeof *piece + length);
    piece->letter = (struct mg_letter){.open = piece_opened, .drop = piece_dropped};
    piece->message = source->receiving;
    piece->kind = kind;
    piece->length = length;
    if (length)
        memcpy(piece->bytes, bytes, length);
    atomic_fetch_add(&source->in_transit, length);
    mg_courier_to_loop(source->amqp.courier, &piece->letter);
    if (kind != PIECE_DATA)
        source->receiving = NULL;
}

static char *text_of(amqp_bytes_t bytes)
{
    char *text = mg_text_allocate(1, bytes.len + 1);
    if (bytes.len)
        memcpy(text, bytes.bytes, bytes.len);
    return text;
}

static void take_head(struct source *source, const amqp_frame_t *frame)
{
    const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
    struct message *message = mg_text_allocate(1, sizeof *message);
    uint64_t length = frame->payload.properties.body_size;
    message->begin = (struct mg_letter){.open = begin_opened, .drop = begin_dropped};
    message->source = source;
    message->tag = source->tag;
    message->connection = source->line.number;
    message->length = length <= INT64_MAX ? (int64_t)length : INT64_MAX;
    if (properties->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG)
        message->media_type = text_of(properties->content_type);
    if (properties->_flags & AMQP_BASIC_CONTENT_ENCODING_FLAG)
        message->encoding = text_of(properties->content_encoding);
    source->tag = 0;
    source->receiving = message;
    source->missing = length;
    mg_courier_to_loop(source->amqp.courier, &message->begin);
    if (length == 0)
        send_piece(source, PIECE_LAST, NULL, 0);
}

static void take_body(struct source *source, amqp_bytes_t bytes)
{
    source->missing -= bytes.len;
    send_piece(source, PIECE_DATA, bytes.bytes, bytes.len);
    if (source->missing == 0)
        send_piece(source, PIECE_LAST, NULL, 0);
}

static bool in_frame(struct mg_line *line, const amqp_frame_t *frame)
{
    struct source *source = (struct source *)line->amqp;
    if (frame->frame_type == AMQP_FRAME_METHOD && !source->tag && !source->receiving) {
        if (frame->payload.method.id == AMQP_BASIC_CANCEL_METHOD)
            return mg_line_fail(line, "amqp.queue", "The broker has taken the queue away.");
        if (frame->payload.method.id == AMQP_BASIC_DELIVER_METHOD)
            source->tag =
                ((const amqp_basic_deliver_t *)frame->payload.method.decoded)->delivery_tag;
    } else if (frame->frame_type == AMQP_FRAME_HEADER && source->tag) {
        take_head(source, frame);
    } else if (frame->frame_type == AMQP_FRAME_BODY && source->receiving &&
               frame->payload.body_fragment.len <= source->missing) {
        take_body(source, frame->payload.body_fragment);
    } else {
        return mg_line_fail(line, "amqp.lost", "The broker sent what nobody expects.");
    }
    return true;
}

/* ---- the thread: verdicts ---- */

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void judgement_arrived(struct mg_letter *letter)
{
    struct judgement *judgement = (struct judgement *)letter;
    struct source *source = judgement->source;
    /* The broker hands out no more than so many, so there is room for those of this connection. */
    if (judgement->connection != source->line.number || !source->line.connection ||
        source->judgement_count == MOST_SIMULTANEOUS) {
        free(judgement);
        return;
    }
    judgement->pause += judgement->pause ? now() : 0;
    source->judgements[source->judgement_count++] = judgement;
}

static bool tell(struct mg_line *line, const struct judgement *judgement)
{
    int status;
    if (judgement->verdict == MG_VERDICT_TAKEN)
        status = amqp_basic_ack(line->connection, MG_LINE_CHANNEL, judgement->tag, 0);
    else
        status = amqp_basic_reject(line->connection, MG_LINE_CHANNEL, judgement->tag,
                                   judgement->verdict == MG_VERDICT_LATER);
    return mg_line_sent(line, status);
}

/* Tells the broker what is due. */
static bool in_step(struct mg_line *line)
{
    struct source *source = (struct source *)line->amqp;
    int64_t time = now();
    bool told = true;
    mg_courier_blocks(source->amqp.courier, true);
    for (size_t i = 0; told && i < source->judgement_count;) {
        struct judgement *judgement = source->judgements[i];
        if (judgement->pause > time) {
            i++;
            continue;
        }
        told = tell(line, judgement);
        free(judgement);
        source->judgements[i] = source->judgements[--source->judgement_count];
    }
    mg_courier_blocks(source->amqp.courier, false);
    return told;
}

static int in_patience(struct mg_line *line)
{
    const struct source *source = (struct source *)line->amqp;
    int64_t time = now(), patience = 1000;
    for (size_t i = 0; i < source->judgement_count; i++)
        if (source->judgements[i]->pause - time < patience)
            patience = source->judgements[i]->pause - time;
    return patience > 0 ? (int)patience : 0;
}

static bool in_full(struct mg_line *line)
{
    struct source *source = (struct source *)line->amqp;
    return atomic_load(&source->in_transit) > MOST_IN_TRANSIT;
}

/* ---- the thread: the line ---- */

static bool in_opened(struct mg_line *line)
{
    const struct source *source = (struct source *)line->amqp;
    amqp_basic_qos(line->connection, MG_LINE_CHANNEL, 0, source->simultaneous, 0);
    if (!mg_line_check(line, amqp_get_rpc_reply(line->connection), "limit what it gets",
                       "amqp.lost"))
        return false;
    amqp_basic_consume(line->connection, MG_LINE_CHANNEL, amqp_cstring_bytes(source->queue),
                       amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    return mg_line_check(line, amqp_get_rpc_reply(line->connection), "consume the queue",
                         "amqp.queue");
}

static void in_lost(struct mg_line *line)
{
    struct source *source = (struct source *)line->amqp;
    source->tag = 0;
    if (source->receiving)
        send_piece(source, PIECE_LOST, NULL, 0);
    while (source->judgement_count > 0)
        free(source->judgements[--source->judgement_count]);
}

static void run(void *context)
{
    static const struct mg_line_use use = {.opened = in_opened,
                                           .step = in_step,
                                           .frame = in_frame,
                                           .full = in_full,
                                           .patience = in_patience,
                                           .lost = in_lost};
    struct source *source = context;
    mg_line_run(&source->line, &use);
}

/* ---- opening and closing ---- */

static void close_source(struct mg_amqp *amqp)
{
    struct source *source = (struct source *)amqp;
    mg_courier_end(amqp->courier);
    mg_bring_end(&source->bringing);
    mg_broker_free(&amqp->broker);
    free(source);
}

struct mg_amqp *mg_amqp_open_source(const struct mg_gateway *gateway, struct mg_instance *instance)
{
    struct source *source = mg_text_allocate(1, sizeof *source);
    struct mg_amqp *amqp = &source->amqp;
    if (!mg_amqp_read(gateway, instance, amqp)) {
        free(source);
        return NULL;
    }
    source->queue = gateway->parameter_text(instance, "queue");
    source->simultaneous = (uint16_t)gateway->parameter_number(instance, "simultaneous");
    source->line.amqp = amqp;
    amqp->close = close_source;
    source->bringing = (struct mg_bringing){
        .gateway = gateway, .instance = instance, .settled = settled, .free = message_free};
    mg_bring_open(&source->bringing);
    if (!*source->queue || strlen(source->queue) > 255)
        gateway->fail(instance, "amqp.parameter", "queue has 1 to 255 bytes.");
    else if (!mg_courier_start(gateway, instance, run, source, &amqp->courier))
        gateway->fail(instance, "amqp.thread", "The system gives no thread for the connection.");
    if (amqp->courier)
        return amqp;
    mg_broker_free(&amqp->broker);
    free(source);
    return NULL;
}
