/*
 * fill: puts messages into the store of a gateway that is not running, as fast as the store takes
 * them. They look like messages that were accepted, but nobody has signed them.
 *
 * usage: fill FOLDER {DESTINATION COUNT}...
 */
#include "gateway/base/clock.h"
#include "gateway/message/header_record.h"
#include "tests/bench/stock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char content[600] = "<message/>", seal[600] = "<seal/>";

static void write_header(struct stock_message *message)
{
    struct mg_header header = {.uuid = ""};
    snprintf(header.uuid, sizeof header.uuid, "%s", message->uuid);
    snprintf(header.author.id, sizeof header.author.id, "%s", message->author);
    snprintf(header.reader.id, sizeof header.reader.id, "%s", message->reader);
    if (!mg_header_write(&header, &message->header))
        stock_give_up("a header could not be written");
}

static void add(struct stock *stock, const char *destination)
{
    struct stock_message message = {
        .id = mg_id_new(),
        .partner = "portal",
        .type = "service:0101",
        .author = "ags:05124000",
        .reader = "ags:05120000",
        .received = mg_clock_now(),
        .part_count = 3,
    };
    mg_id_text(&message.id, message.uuid);
    snprintf(message.destination, sizeof message.destination, "%s", destination);
    write_header(&message);
    message.parts[0] =
        (struct mg_store_part){.kind = MG_PART_CONTENT, .bytes = content, .length = sizeof content};
    message.parts[1] =
        (struct mg_store_part){.kind = MG_PART_SEAL_DETACHED, .bytes = seal, .length = sizeof seal};
    message.parts[2] = (struct mg_store_part){
        .kind = MG_PART_HEADER, .bytes = message.header.data, .length = message.header.length};
    stock_add(stock, &message);
}

int main(int argument_count, char **arguments)
{
    struct stock stock;
    if (argument_count < 4 || argument_count % 2 != 0)
        stock_give_up("usage: fill FOLDER {DESTINATION COUNT}...");
    for (int i = 2; i < argument_count; i += 2)
        if (strlen(arguments[i]) >= MG_STORE_NAME_SIZE)
            stock_give_up("no destination has such a long name: %s", arguments[i]);
    stock_open(&stock, arguments[1], "fill");
    for (int i = 2; i < argument_count; i += 2) {
        size_t count = strtoul(arguments[i + 1], NULL, 10);
        for (size_t j = 0; j < count; j++)
            add(&stock, arguments[i]);
    }
    stock_wait(&stock);
    stock_close(&stock);
    return 0;
}
