/*
 * deliver: what a delivery costs beyond the store: the CPU of dispatch, host and an adapter that
 * does nothing (adapters/null), inside the gateway and in a process of its own, whose CPU counts
 * too. Beside them the store alone: the same claims, loads and outcomes, with nothing between.
 *
 *     tests/bench/deliver ADAPTERS MESSAGE [COUNT]
 *
 * The store is the one in memory, so that the figures are those of the code and not of a disk; the
 * log is written, at its usual level, to standard error. Prints one JSON object: the medians of
 * some rounds, in microseconds for each message.
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/snapshot.h"
#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/message/header_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CONCURRENCY 64
#define WARM_UP     500
/* All three kinds by turns, so that what else the machine does hits them alike. */
#define ROUNDS 7

struct bench {
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *ready;
    struct mg_pool *workers, *background;
    struct mg_store *store;
    struct mg_config_snapshot *snapshot;
    struct mg_config_destination destination;
    struct mg_catalogue *catalogue;
    struct mg_host *host;
    struct mg_dispatch *dispatch;
    const char *adapters, *document;
    size_t length;
    size_t accepted, ended, wanted;
    /* The store alone */
    struct mg_store_claim claim;
    size_t running;
    bool claiming;
};

static void die(const char *text)
{
    fprintf(stderr, "deliver: %s\n", text);
    exit(EXIT_FAILURE);
}

/* ---- the world ---- */

static void drain(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_handoff_drain(context);
}

static void start_threads(struct bench *bench)
{
    struct mg_error error;
    const struct mg_store_options store = {.node = "here"};
    bench->base = event_base_new();
    bench->handoff = mg_handoff_new(&error);
    bench->workers = mg_pool_new("worker", 2, 2048, bench->handoff, &error);
    bench->background = mg_pool_new("background", 2, 1000, bench->handoff, &error);
    bench->store = mg_store_memory_open(&store, bench->handoff, &error);
    if (!bench->base || !bench->workers || !bench->background || !bench->store)
        die("no threads");
    bench->ready = event_new(bench->base, mg_handoff_descriptor(bench->handoff),
                             EV_READ | EV_PERSIST, drain, bench->handoff);
    event_add(bench->ready, NULL);
}

static void start_host(struct bench *bench, enum mg_isolation isolation)
{
    struct mg_error error;
    struct mg_config_problems problems = {0};
    struct mg_config *config = &bench->snapshot->config;
    bench->destination.process.isolation = isolation;
    config->adapter_folders = &bench->adapters;
    config->adapter_folder_count = 1;
    config->destinations = &bench->destination;
    config->destination_count = 1;
    config->limits.message = 16U * 1024 * 1024;
    const struct mg_host_options host = {
        .base = bench->base,
        .handoff = bench->handoff,
        .store = bench->store,
        .workers = bench->workers,
        .background = bench->background,
    };
    bench->host = mg_host_new(&host);
    bench->catalogue = mg_catalogue_new(config, &problems);
    if (problems.errors > 0)
        die(problems.list[0].text);
    if (!mg_host_apply(bench->host, config, bench->catalogue, &error))
        die(error.text);
    const struct mg_dispatch_options dispatch = {
        .base = bench->base,
        .store = bench->store,
        .workers = bench->workers,
        .host = bench->host,
    };
    bench->dispatch = mg_dispatch_new(&dispatch);
    mg_dispatch_apply(bench->dispatch, config);
    while (!mg_host_is_ready(mg_host_destination(bench->host, "null")))
        event_base_loop(bench->base, EVLOOP_ONCE);
}

static void drained(void *context)
{
    *(bool *)context = true;
}

static void stop(struct bench *bench)
{
    bool over = false;
    if (bench->dispatch) {
        mg_dispatch_stop(bench->dispatch, 0, drained, &over);
        while (!over)
            event_base_loop(bench->base, EVLOOP_ONCE);
    }
    mg_dispatch_free(bench->dispatch);
    mg_host_free(bench->host);
    mg_catalogue_release(bench->catalogue);
    mg_pool_free(bench->workers);
    mg_pool_free(bench->background);
    mg_store_close(bench->store);
    mg_handoff_drain(bench->handoff);
    event_free(bench->ready);
    mg_handoff_free(bench->handoff);
    event_base_free(bench->base);
    mg_config_release(&bench->snapshot->config);
}

/* ---- messages ---- */

static void accepted(struct mg_store_accept *accept)
{
    struct bench *bench = accept->context;
    bench->accepted += accept->ok;
}

static void accept_one(struct bench *bench)
{
    struct mg_header header = {.uuid = "u"};
    struct mg_buffer record = {0};
    char uuid[MG_ID_TEXT_SIZE];
    struct mg_id id = mg_id_new();
    static const char seal[2000] = "<seal/>";
    mg_header_write(&header, &record);
    const struct mg_store_part parts[] = {
        {.kind = MG_PART_HEADER, .bytes = record.data, .length = record.length},
        {.kind = MG_PART_CONTENT, .bytes = bench->document, .length = bench->length},
        {.kind = MG_PART_SEAL_DETACHED, .bytes = seal, .length = sizeof seal},
    };
    const struct mg_store_delivery_plan plan = {mg_id_new(), "null"};
    struct mg_store_accept accept = {
        .id = id,
        .partner = "portal",
        .way = "submission",
        .uuid = mg_id_text(&id, uuid),
        .profile = "service",
        .type = "service:0101",
        .author = "ags:05124000",
        .reader = "ags:05120000",
        .received = mg_clock_now(),
        .remembered_until = INT64_MAX,
        .parts = parts,
        .part_count = 3,
        .deliveries = &plan,
        .delivery_count = 1,
        .done = accepted,
        .context = bench,
    };
    size_t before = bench->accepted;
    mg_store_accept(bench->store, &accept);
    while (bench->accepted == before)
        mg_handoff_wait(bench->handoff, -1);
    mg_buffer_free(&record);
}

static size_t waiting(struct bench *bench)
{
    struct mg_store_totals totals;
    if (!mg_store_totals(bench->store, &totals, NULL))
        die("the store has no totals");
    return (size_t)totals.waiting;
}

/* ---- the store alone ---- */

static void claim_more(struct bench *bench);

static void recorded(struct mg_store_outcome *outcome)
{
    struct mg_delivery *delivery = outcome->context;
    struct bench *bench = (struct bench *)(void *)delivery->lane;
    mg_delivery_free(delivery);
    bench->running--;
    bench->ended++;
    claim_more(bench);
}

static void load(struct mg_job *job)
{
    mg_delivery_load((struct mg_delivery *)job);
}

static void loaded(struct mg_job *job)
{
    struct mg_delivery *delivery = (struct mg_delivery *)job;
    if (!delivery->loaded)
        die(delivery->error.text);
    delivery->outcome = (struct mg_store_outcome){
        .delivery = delivery->claim.id,
        .message = delivery->claim.message,
        .state = MG_DELIVERY_DELIVERED,
        .attempt_counts = true,
        .now = mg_clock_now(),
        .code = "delivered",
        .text = "The destination has taken the message.",
        .done = recorded,
        .context = delivery,
    };
    mg_store_outcome(delivery->store, &delivery->outcome);
}

static void claimed(struct mg_store_claim *claim)
{
    struct bench *bench = claim->context;
    bench->claiming = false;
    for (size_t i = 0; i < claim->count; i++) {
        struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
        delivery->job = (struct mg_job){.work = load, .done = loaded};
        delivery->lane = (struct mg_lane *)(void *)bench;
        delivery->store = bench->store;
        delivery->form = MG_SEAL_DETACHED;
        delivery->claim = claim->deliveries[i];
        bench->running++;
        if (!mg_pool_submit(bench->workers, &delivery->job))
            die("the pool is full");
    }
    free(claim->deliveries);
    claim_more(bench);
}

/* By halves of what may run at once, which costs the store the least. */
static void claim_more(struct bench *bench)
{
    if (bench->claiming || bench->running > CONCURRENCY / 2 || bench->ended == bench->wanted)
        return;
    bench->claiming = true;
    bench->claim = (struct mg_store_claim){
        .destination = "null",
        .limit = CONCURRENCY - bench->running,
        .now = mg_clock_now(),
        .lease = mg_clock_now() + 600000,
        .done = claimed,
        .context = bench,
    };
    mg_store_claim(bench->store, &bench->claim);
}

/* ---- measuring ---- */

static double own_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double seconds_of(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (pid <= 0)
        return 0;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        die("the process has no clock");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static pid_t process_of(const struct bench *bench)
{
    struct mg_host_facts facts;
    return bench->host && mg_host_facts(bench->host, 0, &facts) ? facts.pid : 0;
}

static void run(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        accept_one(bench);
    bench->wanted += count;
    if (bench->dispatch) {
        mg_dispatch_begin(bench->dispatch);
        mg_dispatch_wake(bench->dispatch, "null");
    } else {
        claim_more(bench);
    }
}

static void finish(struct bench *bench)
{
    while (bench->dispatch ? waiting(bench) > 0 : bench->ended < bench->wanted)
        for (int i = 0; i < 64; i++)
            event_base_loop(bench->base, EVLOOP_NONBLOCK);
}

enum kind { STORE_ALONE, INSIDE, PROCESS };

/* Microseconds of CPU for each message, ours and the process's. */
static double measure(const struct bench *values, enum kind kind, size_t count, double *process)
{
    struct bench bench = *values;
    bench.snapshot = mg_config_snapshot_new();
    start_threads(&bench);
    if (kind != STORE_ALONE)
        start_host(&bench, kind == INSIDE ? MG_ISOLATION_NONE : MG_ISOLATION_PROCESS);
    run(&bench, WARM_UP);
    finish(&bench);
    for (size_t i = 0; i < count; i++)
        accept_one(&bench);
    bench.wanted += count;
    pid_t pid = process_of(&bench);
    double before = own_seconds(), process_before = seconds_of(pid);
    run(&bench, 0);
    finish(&bench);
    double own = own_seconds() - before;
    *process = (seconds_of(pid) - process_before) * 1e6 / (double)count;
    stop(&bench);
    return own * 1e6 / (double)count;
}

static char *read_file(const char *path, size_t *length)
{
    static char bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file)
        die("the message cannot be read");
    *length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bytes;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

int main(int words, char **word)
{
    if (words < 3)
        die("usage: deliver ADAPTERS MESSAGE [COUNT]");
    size_t count = words > 3 ? strtoul(word[3], NULL, 10) : 4000;
    struct bench bench = {.adapters = word[1]};
    bench.document = read_file(word[2], &bench.length);
    bench.destination = (struct mg_config_destination){
        .name = "null",
        .adapter = "null",
        .process = {.memory = 512U * 1024 * 1024, .files = 256},
        .seal = MG_SEAL_DETACHED,
        .concurrency = CONCURRENCY,
        .timeout = 60000,
        .retry = {.first = 5000,
                  .longest = 60000,
                  .factor = 2,
                  .give_up = 3600000,
                  .breaker = 5,
                  .breaker_time = 30000},
    };
    double store[ROUNDS], inside[ROUNDS], gateway[ROUNDS], process[ROUNDS], none;
    for (size_t i = 0; i < ROUNDS; i++) {
        store[i] = measure(&bench, STORE_ALONE, count, &none);
        inside[i] = measure(&bench, INSIDE, count, &none) - store[i];
        gateway[i] = measure(&bench, PROCESS, count, &process[i]) - store[i];
    }
    double own = median(gateway), others = median(process);
    printf("{\"store\": %.1f, \"inside\": %.1f, \"process\": %.1f, \"process_gateway\": %.1f, "
           "\"process_host\": %.1f}\n",
           median(store), median(inside), own + others, own, others);
    return 0;
}
