/*
 * drain: what a delivery costs in the store alone: the claims, loads and outcomes of the messages
 * that wait for a destination, with nothing between them. What dispatch and an adapter cost is what
 * comes on top.
 *
 * usage: drain FOLDER DESTINATION COUNT AT-ONCE
 * FOLDER is the store of a gateway that is not running. Its messages are claimed, loaded by two
 * workers and recorded, so many at once. They are claimed by halves of that, which costs the store
 * less than what a gateway in a hurry asks for. The first and last tenth are not counted. Prints
 * microseconds of CPU for each message, as JSON.
 */
#include "gateway/base/clock.h"
#include "gateway/base/pool.h"
#include "tests/bench/stock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WORKERS 2

struct drain {
    struct stock stock;
    struct mg_pool *workers;
    const char *destination;
    size_t at_once, count;
    size_t begun, running, ended;
    size_t from, to; /* what is counted */
    double cpu_from, cpu_to;
    struct mg_store_claim claim;
    bool claiming;
};

struct load {
    struct mg_job job; /* first */
    struct drain *drain;
    struct mg_store_delivery delivery;
    struct mg_store_message message;
    struct mg_buffer parts[3];
    struct mg_store_outcome outcome;
};

static double processor_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- loading, on a worker ---- */

static void load_part(struct load *load, int kind, struct mg_buffer *part)
{
    struct mg_error error;
    struct mg_store *store = load->drain->stock.store;
    struct mg_store_part_facts facts;
    if (!mg_store_part(store, &load->delivery.message, kind, &facts, &error))
        stock_give_up("a part cannot be found: %s", error.text);
    if (facts.size < 0)
        stock_give_up("a message has no part %d", kind);
    char *room = mg_buffer_reserve(part, (size_t)facts.size);
    if (mg_store_read(store, &load->delivery.message, kind, 0, room, (size_t)facts.size, &error) !=
        facts.size)
        stock_give_up("a part cannot be read");
    mg_buffer_used(part, (size_t)facts.size);
}

static void work(struct mg_job *job)
{
    struct load *load = (struct load *)job;
    struct mg_error error;
    struct mg_store_part_facts none;
    bool found = false;
    if (!mg_store_find(load->drain->stock.store, &load->delivery.message, &load->message, &found,
                       &error) ||
        !found)
        stock_give_up("a message cannot be found");
    load_part(load, MG_PART_HEADER, &load->parts[0]);
    load_part(load, MG_PART_CONTENT, &load->parts[1]);
    load_part(load, MG_PART_SEAL_DETACHED, &load->parts[2]);
    if (!mg_store_part(load->drain->stock.store, &load->delivery.message, MG_PART_ATTACHMENT, &none,
                       &error))
        stock_give_up("attachments cannot be looked for: %s", error.text);
}

/* ---- claiming and recording ---- */

static void claim_more(struct drain *drain);

static void recorded(struct mg_store_outcome *outcome)
{
    struct load *load = outcome->context;
    struct drain *drain = load->drain;
    if (!outcome->ok)
        stock_give_up("an outcome was not recorded: %s", outcome->error.text);
    for (size_t i = 0; i < sizeof load->parts / sizeof *load->parts; i++)
        mg_buffer_free(&load->parts[i]);
    free(load);
    drain->running--;
    drain->ended++;
    if (drain->ended == drain->from)
        drain->cpu_from = processor_seconds();
    if (drain->ended == drain->to)
        drain->cpu_to = processor_seconds();
    claim_more(drain);
}

static void loaded(struct mg_job *job)
{
    struct load *load = (struct load *)job;
    load->outcome = (struct mg_store_outcome){
        .delivery = load->delivery.id,
        .message = load->delivery.message,
        .state = MG_DELIVERY_DELIVERED,
        .attempt_counts = true,
        .now = mg_clock_now(),
        .code = "delivered",
        .text = "The destination has taken the message.",
        .done = recorded,
        .context = load,
    };
    mg_store_outcome(load->drain->stock.store, &load->outcome);
}

static void claimed(struct mg_store_claim *claim)
{
    struct drain *drain = claim->context;
    drain->claiming = false;
    if (!claim->ok)
        stock_give_up("nothing was claimed: %s", claim->error.text);
    if (claim->count == 0 && drain->running == 0)
        stock_give_up("only %zu of %zu messages wait for %s", drain->ended, drain->count,
                      drain->destination);
    for (size_t i = 0; i < claim->count; i++) {
        struct load *load = mg_allocate_zeroed(1, sizeof *load);
        load->job = (struct mg_job){.work = work, .done = loaded};
        load->drain = drain;
        load->delivery = claim->deliveries[i];
        if (!mg_pool_submit(drain->workers, &load->job))
            stock_give_up("the workers have no place");
    }
    drain->begun += claim->count;
    drain->running += claim->count;
    free(claim->deliveries);
    claim_more(drain);
}

static void claim_more(struct drain *drain)
{
    size_t limit = drain->at_once - drain->running;
    if (limit > drain->count - drain->begun)
        limit = drain->count - drain->begun;
    if (drain->claiming || limit == 0 || drain->running > drain->at_once / 2)
        return;
    drain->claiming = true;
    drain->claim = (struct mg_store_claim){
        .destination = drain->destination,
        .limit = limit,
        .now = mg_clock_now(),
        .lease = mg_clock_now() + 600000,
        .done = claimed,
        .context = drain,
    };
    mg_store_claim(drain->stock.store, &drain->claim);
}

/* ---- the whole ---- */

static void start(struct drain *drain, const char *folder)
{
    struct mg_error error;
    stock_open(&drain->stock, folder, "drain");
    drain->workers = mg_pool_new("worker", WORKERS, 2048, drain->stock.handoff, &error);
    if (!drain->workers)
        stock_give_up("%s", error.text);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 5)
        stock_give_up("usage: drain FOLDER DESTINATION COUNT AT-ONCE");
    struct drain drain = {.destination = arguments[2],
                          .count = strtoul(arguments[3], NULL, 10),
                          .at_once = strtoul(arguments[4], NULL, 10)};
    drain.from = drain.count / 10;
    drain.to = drain.count - drain.from;
    if (drain.from == 0 || drain.at_once == 0)
        stock_give_up("at least 10 messages, and at least one at once");
    start(&drain, arguments[1]);
    claim_more(&drain);
    while (drain.ended < drain.count)
        mg_handoff_wait(drain.stock.handoff, -1);
    mg_pool_free(drain.workers);
    stock_close(&drain.stock);
    printf("{\"messages\": %zu, \"cpu_us\": %.2f}\n", drain.to - drain.from,
           (drain.cpu_to - drain.cpu_from) * 1e6 / (double)(drain.to - drain.from));
    return 0;
}
