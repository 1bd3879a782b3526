/*
 * fill: puts messages into the store of a gateway that is not running, as fast as the store takes
 * them. They look like messages that were accepted, but nobody has signed them.
 *
 * usage: fill FOLDER {DESTINATION COUNT}...
 */
#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "gateway/message/header_record.h"
#include "gateway/store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROWD 2000

struct filling {
    struct mg_handoff *handoff;
    struct mg_store *store;
    size_t underway;
};

struct message {
    struct mg_store_accept accept;
    struct mg_store_part parts[3];
    struct mg_store_delivery_plan plan;
    char uuid[MG_ID_TEXT_SIZE];
    struct mg_buffer header;
    struct filling *filling;
};

static const char content[600] = "<message/>", seal[600] = "<seal/>";

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("fill: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void accepted(struct mg_store_accept *accept)
{
    struct message *message = accept->context;
    if (!accept->ok || accept->result != MG_ACCEPT_NEW)
        give_up("a message was not accepted: %s", accept->error.text);
    message->filling->underway--;
    mg_buffer_free(&message->header);
    free(message);
}

static void write_header(struct message *message)
{
    struct mg_header header = {.uuid = ""};
    snprintf(header.uuid, sizeof header.uuid, "%s", message->uuid);
    snprintf(header.author.id, sizeof header.author.id, "ags:05124000");
    snprintf(header.reader.id, sizeof header.reader.id, "ags:05120000");
    if (!mg_header_write(&header, &message->header))
        give_up("a header could not be written");
}

static void put(struct filling *filling, const char *destination)
{
    struct message *message = mg_allocate_zeroed(1, sizeof *message);
    struct mg_id id = mg_id_new();
    mg_id_text(&id, message->uuid);
    message->filling = filling;
    write_header(message);
    message->parts[0] =
        (struct mg_store_part){.kind = MG_PART_CONTENT, .bytes = content, .length = sizeof content};
    message->parts[1] =
        (struct mg_store_part){.kind = MG_PART_SEAL_DETACHED, .bytes = seal, .length = sizeof seal};
    message->parts[2] = (struct mg_store_part){
        .kind = MG_PART_HEADER, .bytes = message->header.data, .length = message->header.length};
    message->plan = (struct mg_store_delivery_plan){mg_id_new(), destination};
    message->accept = (struct mg_store_accept){
        .id = id,
        .partner = "portal",
        .way = "in",
        .uuid = message->uuid,
        .profile = "service",
        .type = "service:0101",
        .author = "ags:05124000",
        .reader = "ags:05120000",
        .received = mg_clock_now(),
        .remembered_until = INT64_MAX,
        .parts = message->parts,
        .part_count = 3,
        .deliveries = &message->plan,
        .delivery_count = 1,
        .done = accepted,
        .context = message,
    };
    filling->underway++;
    mg_store_accept(filling->store, &message->accept);
}

static void fill(struct filling *filling, const char *destination, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(filling, destination);
        while (filling->underway >= CROWD)
            mg_handoff_wait(filling->handoff, -1);
    }
}

int main(int argument_count, char **arguments)
{
    struct filling filling = {0};
    struct mg_error error;
    if (argument_count < 4 || argument_count % 2 != 0)
        give_up("usage: fill FOLDER {DESTINATION COUNT}...");
    const struct mg_store_options options = {.folder = arguments[1],
                                             .node = "fill",
                                             .keep_content = INT64_MAX / 2,
                                             .keep_trace = INT64_MAX / 2};
    filling.handoff = mg_handoff_new(&error);
    filling.store =
        filling.handoff ? mg_store_sqlite_open(&options, filling.handoff, &error) : NULL;
    if (!filling.store)
        give_up("the store does not open: %s", error.text);
    for (int i = 2; i < argument_count; i += 2)
        fill(&filling, arguments[i], strtoul(arguments[i + 1], NULL, 10));
    while (filling.underway > 0)
        mg_handoff_wait(filling.handoff, -1);
    mg_store_close(filling.store);
    mg_handoff_drain(filling.handoff);
    mg_handoff_free(filling.handoff);
    return 0;
}
