/* Messages going out: deliver, read, done, cancel; and requests, which reading is one of. */
#include "tools/adapter-host/host.h"

#include "gateway/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_LIMIT 65536

struct mg_delivery {
    struct mg_numbered entry; /* first */
    struct mg_instance *instance;
    json_t *header; /* keeps the texts alive */
    struct mg_message_facts message;
    char *content; /* document and seal */
    size_t length, document;
    int64_t arrived, deadline;
    int attempt;
    bool taken;
    char original_type[128];
};

/* ---- requests ---- */

int64_t host_add_request(struct mg_instance *instance, struct host_request *request)
{
    return mg_numbers_give(&instance->requests, &request->entry);
}

void *host_end_request(struct host *host, struct mg_frame *frame)
{
    struct mg_numbers *requests = &host->instance.requests;
    struct host_request *request =
        mg_numbers_find(requests, mg_frame_need_number(frame, NULL, "request"));
    if (!request)
        mg_frame_object_to(frame, "An answer names a request that there is not.");
    else
        mg_numbers_remove(requests, &request->entry);
    return request;
}

static bool is_answer(const struct mg_frame *frame)
{
    return strcmp(frame->type, "data") == 0 || strcmp(frame->type, "box") == 0;
}

static bool is_answered(void *context)
{
    return ((const struct host_request *)context)->answered;
}

bool host_wait(struct mg_instance *instance, struct host_request *request)
{
    request->waits = true;
    if (mg_channel_wait(instance->host->channel, is_answer, is_answered, request))
        return true;
    if (mg_numbers_find(&instance->requests, request->entry.number))
        mg_numbers_remove(&instance->requests, &request->entry);
    return false;
}

/* ---- reading what is not in memory ---- */

struct reading {
    struct host_request request; /* first */
    struct mg_handoff_item item;
    struct mg_delivery *delivery;
    int part;
    int64_t offset;
    size_t size;
    char *bytes;
    ssize_t length;      /* what was read; -1: it failed */
    int64_t part_length; /* of the whole part; -1: there is none */
    char media_type[128];
    /* For the thread that waits, unless it is the loop's */
    bool elsewhere, over;
    pthread_mutex_t lock;
    pthread_cond_t ended;
};

static pthread_t loop_thread;

static void put_part(struct mg_frame_writer *writer, int part)
{
    char name[32];
    if (part >= MG_MESSAGE_ATTACHMENT)
        snprintf(name, sizeof name, "attachment-%d", part - MG_MESSAGE_ATTACHMENT);
    else
        snprintf(name, sizeof name, "%s",
                 part == MG_MESSAGE_DOCUMENT ? "document"
                 : part == MG_MESSAGE_SEAL   ? "seal"
                                             : "original");
    mg_frame_put_text(writer, "part", name);
}

static void send_reading(struct reading *reading)
{
    struct mg_channel *channel = reading->delivery->instance->host->channel;
    int64_t number = host_add_request(reading->delivery->instance, &reading->request);
    struct mg_frame_writer *writer = mg_channel_begin(channel, "read");
    mg_frame_put_number(writer, "request", number);
    mg_frame_put_number(writer, "delivery", reading->delivery->entry.number);
    put_part(writer, reading->part);
    mg_frame_put_number(writer, "offset", reading->offset);
    mg_frame_put_number(writer, "length", (int64_t)reading->size);
    mg_channel_send(channel);
}

static void end_reading(struct reading *reading)
{
    reading->request.answered = true;
    if (!reading->elsewhere)
        return;
    pthread_mutex_lock(&reading->lock);
    reading->over = true;
    pthread_cond_signal(&reading->ended);
    pthread_mutex_unlock(&reading->lock);
}

void host_on_data(struct host *host, struct mg_frame *frame)
{
    struct reading *reading = host_end_request(host, frame);
    const char *media_type = mg_frame_text(frame, NULL, "mediaType");
    bool failed = mg_frame_text(frame, NULL, "code") != NULL;
    if (!reading)
        return;
    reading->length = -1;
    if (!failed && !frame->wrong && frame->length <= reading->size) {
        if (frame->length > 0)
            memcpy(reading->bytes, frame->content, frame->length);
        reading->length = (ssize_t)frame->length;
        reading->part_length = mg_frame_number(frame, NULL, "length", -1);
        snprintf(reading->media_type, sizeof reading->media_type, "%s",
                 media_type ? media_type : "");
    }
    end_reading(reading);
}

static void begin_on_loop(struct mg_handoff_item *item)
{
    struct reading *reading =
        (struct reading *)(void *)((char *)item - offsetof(struct reading, item));
    send_reading(reading);
}

/* On a thread of the pool: the loop asks, and we sleep. */
static void read_elsewhere(struct reading *reading)
{
    reading->elsewhere = true;
    pthread_mutex_init(&reading->lock, NULL);
    pthread_cond_init(&reading->ended, NULL);
    reading->item.run = begin_on_loop;
    mg_handoff_post(reading->delivery->instance->host->handoff, &reading->item);
    pthread_mutex_lock(&reading->lock);
    while (!reading->over)
        pthread_cond_wait(&reading->ended, &reading->lock);
    pthread_mutex_unlock(&reading->lock);
    pthread_cond_destroy(&reading->ended);
    pthread_mutex_destroy(&reading->lock);
}

static void run_reading(struct reading *reading)
{
    reading->length = reading->part_length = -1;
    if (!pthread_equal(pthread_self(), loop_thread)) {
        read_elsewhere(reading);
        return;
    }
    send_reading(reading);
    host_wait(reading->delivery->instance, &reading->request);
}

/* ---- parts ---- */

static const json_t *find_part(const struct mg_delivery *delivery, int part)
{
    const json_t *parts = json_object_get(delivery->header, "parts");
    char name[32];
    snprintf(name, sizeof name, "attachment-%d", part - MG_MESSAGE_ATTACHMENT);
    const char *wanted = part == MG_MESSAGE_DOCUMENT ? "document"
                         : part == MG_MESSAGE_SEAL   ? "seal"
                                                     : name;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *candidate = json_array_get(parts, i);
        const char *found = json_string_value(json_object_get(candidate, "part"));
        if (found && strcmp(found, wanted) == 0)
            return candidate;
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* The original is evidence that few want: it is asked for, and not told before. */
static void original_facts(struct mg_delivery *delivery, struct mg_part_facts *facts)
{
    struct reading reading = {.delivery = delivery, .part = MG_MESSAGE_ORIGINAL};
    run_reading(&reading);
    if (reading.length < 0)
        return;
    facts->length = reading.part_length;
    snprintf(delivery->original_type, sizeof delivery->original_type, "%s", reading.media_type);
    facts->media_type = delivery->original_type;
}

static void part_facts(struct mg_delivery *delivery, int part, struct mg_part_facts *facts)
{
    struct mg_part_facts found = {.length = -1, .media_type = "", .name = "", .content_id = ""};
    const json_t *object = part == MG_MESSAGE_ORIGINAL ? NULL : find_part(delivery, part);
    if (part == MG_MESSAGE_ORIGINAL)
        original_facts(delivery, &found);
    if (object) {
        found.length = json_integer_value(json_object_get(object, "length"));
        found.media_type = text_of(object, "mediaType");
        found.name = text_of(object, "name");
        found.content_id = text_of(object, "contentId");
    }
    /* No further than the adapter knows the structure. */
    found.size = facts->size < sizeof found ? facts->size : sizeof found;
    memcpy(facts, &found, found.size);
}

static ssize_t read_memory(const struct mg_delivery *delivery, int part, int64_t offset,
                           void *bytes, size_t size)
{
    bool seal = part == MG_MESSAGE_SEAL;
    const char *start = seal ? delivery->content + delivery->document : delivery->content;
    size_t length = seal ? delivery->length - delivery->document : delivery->document;
    if (seal && !find_part(delivery, part))
        return -1;
    if ((uint64_t)offset >= length)
        return 0;
    size_t left = length - (size_t)offset;
    if (size > left)
        size = left;
    memcpy(bytes, start + offset, size);
    return (ssize_t)size;
}

static ssize_t read_bytes(struct mg_delivery *delivery, int part, int64_t offset, void *bytes,
                          size_t size)
{
    if (offset < 0)
        return -1;
    if (part == MG_MESSAGE_DOCUMENT || part == MG_MESSAGE_SEAL)
        return read_memory(delivery, part, offset, bytes, size);
    struct reading reading = {.delivery = delivery,
                              .part = part,
                              .offset = offset,
                              .size = size < READ_LIMIT ? size : READ_LIMIT,
                              .bytes = bytes};
    run_reading(&reading);
    return reading.length;
}

static int descriptor(struct mg_delivery *delivery, int part)
{
    (void)delivery, (void)part;
    return -1;
}

/* ---- facts ---- */

static const struct mg_message_facts *message_facts(struct mg_delivery *delivery)
{
    return &delivery->message;
}

static int64_t deadline(struct mg_delivery *delivery)
{
    int64_t left = delivery->deadline - (mg_clock_monotonic() - delivery->arrived) / 1000;
    return left > 0 ? left : 0;
}

static int attempt(struct mg_delivery *delivery)
{
    return delivery->attempt;
}

static unsigned count_attachments(const json_t *parts)
{
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(parts); i++)
        count += strncmp(text_of(json_array_get(parts, i), "part"), "attachment-", 11) == 0;
    return count;
}

static void read_message(struct mg_frame *frame, struct mg_message_facts *facts)
{
    const json_t *message = mg_frame_object(frame, NULL, "message");
    if (!message) {
        mg_frame_object_to(frame, "A delivery comes without its message.");
        return;
    }
    *facts = (struct mg_message_facts){
        .size = sizeof *facts,
        .id = text_of(message, "id"),
        .uuid = text_of(message, "uuid"),
        .profile = text_of(message, "profile"),
        .type_list = text_of(message, "typeList"),
        .type_version = text_of(message, "typeVersion"),
        .type_code = text_of(message, "typeCode"),
        .type_name = text_of(message, "typeName"),
        .created = text_of(message, "created"),
        .author = text_of(message, "author"),
        .reader = text_of(message, "reader"),
        .partner = text_of(message, "partner"),
        .accepted = mg_frame_number(frame, message, "accepted", 0),
        .attachments = count_attachments(mg_frame_array(frame, NULL, "parts")),
    };
}

static void read_content(struct mg_frame *frame, struct mg_delivery *delivery)
{
    const json_t *document = find_part(delivery, MG_MESSAGE_DOCUMENT);
    int64_t length = json_integer_value(json_object_get(document, "length"));
    if (length < 0 || (uint64_t)length > frame->length) {
        mg_frame_object_to(frame, "A delivery has less content than its parts say.");
        return;
    }
    delivery->document = (size_t)length;
    delivery->length = frame->length;
    delivery->content = mg_allocate(frame->length + 1);
    memcpy(delivery->content, frame->content, frame->length);
}

static void free_delivery(struct mg_delivery *delivery)
{
    mg_numbers_remove(&delivery->instance->deliveries, &delivery->entry);
    json_decref(delivery->header);
    free(delivery->content);
    free(delivery);
}

struct mg_delivery *host_read_delivery(struct mg_instance *instance, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "delivery");
    if (mg_numbers_find(&instance->deliveries, number))
        mg_frame_object_to(frame, "A delivery has the number of another that is underway.");
    if (frame->wrong)
        return NULL;
    struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
    *delivery = (struct mg_delivery){
        .entry.number = number,
        .instance = instance,
        .header = json_incref(frame->header),
        .arrived = mg_clock_monotonic(),
        .attempt = (int)mg_frame_number(frame, NULL, "attempt", 1),
        .deadline = mg_frame_number(frame, NULL, "deadline", 0),
    };
    mg_numbers_add(&instance->deliveries, &delivery->entry);
    read_message(frame, &delivery->message);
    read_content(frame, delivery);
    if (!frame->wrong)
        return delivery;
    free_delivery(delivery);
    return NULL;
}

/* ---- frames ---- */

void host_on_deliver(struct host *host, struct mg_frame *frame)
{
    struct mg_instance *instance = &host->instance;
    struct mg_delivery *delivery = host_read_delivery(instance, frame);
    if (!delivery)
        return;
    if (instance->adapter->deliver)
        instance->adapter->deliver(instance->state, delivery);
    else
        mg_frame_object_to(frame, "The adapter takes no messages.");
}

void host_on_cancel(struct host *host, struct mg_frame *frame)
{
    struct mg_instance *instance = &host->instance;
    struct mg_delivery *delivery =
        mg_numbers_find(&instance->deliveries, mg_frame_need_number(frame, NULL, "delivery"));
    /* One that is over has crossed its done. */
    if (delivery && instance->adapter->cancel)
        instance->adapter->cancel(instance->state, delivery);
}

/* The gateway ends a program whose codes are none; inside of it the same adapter gets off with that
 * code. */
static const char *code_of(const struct mg_outcome *outcome)
{
    if (outcome->code && mg_error_is_code(outcome->code))
        return outcome->code;
    return outcome->code || outcome->kind != MG_DELIVERED ? "adapter.code" : NULL;
}

static void done(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    static const char *const words[] = {
        [MG_DELIVERED] = "delivered", [MG_TEMPORARY] = "temporary", [MG_PERMANENT] = "permanent"};
    struct mg_outcome known = {.size = 0};
    /* An older adapter knows no reply. */
    memcpy(&known, outcome, outcome->size < sizeof known ? outcome->size : sizeof known);
    bool failed = known.kind != MG_DELIVERED;
    struct mg_channel *channel = delivery->instance->host->channel;
    struct mg_frame_writer *writer = mg_channel_begin(channel, "done");
    mg_frame_put_number(writer, "delivery", delivery->entry.number);
    mg_frame_put_text(writer, "outcome", words[known.kind]);
    mg_frame_put_text(writer, "code", code_of(&known));
    mg_frame_put_text(writer, "text", known.text ? known.text : failed ? "" : NULL);
    if (known.retry_after > 0)
        mg_frame_put_number(writer, "retryAfter", known.retry_after);
    if (known.reply && known.reply_length > 0 && !failed) {
        mg_frame_put_text(writer, "replyMediaType",
                          known.reply_media_type ? known.reply_media_type : "");
        mg_frame_put_content(writer, known.reply, known.reply_length);
    }
    if (!mg_channel_send(channel)) {
        writer = mg_channel_begin(channel, "done");
        mg_frame_put_number(writer, "delivery", delivery->entry.number);
        mg_frame_put_text(writer, "outcome", "permanent");
        mg_frame_put_text(writer, "code", "adapter.too-large");
        mg_frame_put_text(writer, "text", "The reply is longer than a frame may be.");
        mg_channel_send(channel);
    }
    free_delivery(delivery);
}

/* ---- boxes ---- */

static void release(struct mg_delivery *delivery)
{
    struct mg_channel *channel = delivery->instance->host->channel;
    struct mg_frame_writer *writer = mg_channel_begin(channel, "release");
    mg_frame_put_number(writer, "delivery", delivery->entry.number);
    mg_channel_send(channel);
    free_delivery(delivery);
}

static const char *claim(struct mg_delivery *delivery)
{
    return text_of(delivery->header, "claim");
}

/* ---- life ---- */

/* Those who block for an answer, elsewhere, get none; what is only kept is freed. */
void host_end_reads(struct mg_instance *instance)
{
    struct host_request *request;
    while ((request = mg_numbers_any(&instance->requests))) {
        mg_numbers_remove(&instance->requests, &request->entry);
        free(request);
    }
    struct mg_delivery *delivery;
    while ((delivery = mg_numbers_any(&instance->deliveries)))
        free_delivery(delivery);
}

void host_offer_deliveries(struct mg_gateway *gateway)
{
    loop_thread = pthread_self();
    gateway->delivery_message = message_facts;
    gateway->delivery_deadline = deadline;
    gateway->delivery_attempt = attempt;
    gateway->delivery_part = part_facts;
    gateway->delivery_read = read_bytes;
    gateway->delivery_descriptor = descriptor;
    gateway->delivery_done = done;
    gateway->box_claim = claim;
    gateway->box_close = release;
}
