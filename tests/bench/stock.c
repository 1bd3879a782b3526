#include "tests/bench/stock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Messages underway, so many that while one group is committed the next one gathers. */
#define CROWD 2000

struct addition {
    struct stock *stock;
    struct stock_message message;
    struct mg_store_delivery_plan plan;
    struct mg_store_accept accept;
};

void stock_give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void stock_open(struct stock *stock, const char *folder, const char *node)
{
    struct mg_error error;
    const struct mg_store_options options = {
        .folder = folder, .node = node, .keep_content = INT64_MAX / 2, .keep_trace = INT64_MAX / 2};
    *stock = (struct stock){.handoff = mg_handoff_new(&error)};
    if (stock->handoff)
        stock->store = mg_store_sqlite_open(&options, stock->handoff, &error);
    if (!stock->store)
        stock_give_up("the store does not open: %s", error.text);
}

void stock_close(struct stock *stock)
{
    mg_store_close(stock->store);
    mg_handoff_drain(stock->handoff);
    mg_handoff_free(stock->handoff);
}

static void accepted(struct mg_store_accept *accept)
{
    struct addition *addition = accept->context;
    if (!accept->ok || accept->result != MG_ACCEPT_NEW)
        stock_give_up("a message was not accepted: %s", accept->error.text);
    addition->stock->underway--;
    mg_buffer_free(&addition->message.header);
    free(addition);
}

void stock_add(struct stock *stock, const struct stock_message *message)
{
    struct addition *addition = mg_allocate_zeroed(1, sizeof *addition);
    struct stock_message *copy = &addition->message;
    *copy = *message;
    addition->stock = stock;
    addition->plan = (struct mg_store_delivery_plan){mg_id_new(), copy->destination};
    addition->accept = (struct mg_store_accept){
        .id = copy->id,
        .partner = copy->partner,
        .way = "in",
        .uuid = copy->uuid,
        .profile = "service",
        .type = copy->type,
        .author = copy->author,
        .reader = copy->reader,
        .received = copy->received,
        .remembered_until = INT64_MAX,
        .parts = copy->parts,
        .part_count = copy->part_count,
        .deliveries = &addition->plan,
        .delivery_count = 1,
        .done = accepted,
        .context = addition,
    };
    stock->underway++;
    mg_store_accept(stock->store, &addition->accept);
    while (stock->underway >= CROWD)
        mg_handoff_wait(stock->handoff, -1);
}

void stock_wait(struct stock *stock)
{
    while (stock->underway > 0)
        mg_handoff_wait(stock->handoff, -1);
}
