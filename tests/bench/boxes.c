/*
 * boxes: whether a box with a million waiting messages is as fast as one with ten.
 *
 * usage: boxes FOLDER [WAITING [ROUNDS]]
 * Makes two stores below the folder, one with ten messages in its box and one with WAITING
 * (1,000,000), of which 1,000 at the head are taken. Then lists, takes and settles in both by
 * turns, ROUNDS (2,000) times, and fills up what was settled. Prints for each step what it took in
 * both, by the clock (median) and of the processor (mean), and the ratios, as JSON.
 */
#include "tests/bench/stock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOX   "box"
#define FEW   10
#define TAKEN 1000

enum step { LIST, TAKE, SETTLE, STEPS };

struct box {
    char folder[512];
    struct stock stock;
    int64_t time; /* of the next message */
    double *clock[STEPS];
    double processor[STEPS];
};

static const char content[300] = "<message/>";

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- filling ---- */

static void add(struct box *box)
{
    struct mg_id uuid = mg_id_new();
    /* About as fast as they are really accepted: some in each millisecond. */
    struct stock_message message = {
        .id = mg_id_new(),
        .partner = "wuppertal-portal",
        .type = "service:0101",
        .author = "ags:05124000",
        .reader = "ags:05120000",
        .destination = BOX,
        .received = 1000000 + box->time++ / 5,
        .parts = {{.kind = MG_PART_CONTENT, .bytes = content, .length = sizeof content}},
        .part_count = 1,
    };
    mg_id_text(&uuid, message.uuid);
    stock_add(&box->stock, &message);
}

static void fill(struct box *box, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(box);
    stock_wait(&box->stock);
}

static void open_stock(struct box *box)
{
    stock_open(&box->stock, box->folder, "bench");
}

static void open_box(struct box *box, const char *folder, const char *name, size_t rounds)
{
    snprintf(box->folder, sizeof box->folder, "%s/%s", folder, name);
    for (int step = 0; step < STEPS; step++)
        box->clock[step] = mg_allocate_zeroed(rounds, sizeof(double));
    open_stock(box);
}

static void close_box(struct box *box)
{
    stock_close(&box->stock);
    for (int step = 0; step < STEPS; step++)
        free(box->clock[step]);
}

/* ---- the steps ---- */

static void taken(struct mg_store_take *take)
{
    *(bool *)take->context = true;
}

static void take(struct box *box, struct mg_store_delivery *delivery)
{
    bool done = false;
    struct mg_store_take take = {
        .destination = BOX, .now = 5000000, .lease = 9000000, .done = taken, .context = &done};
    mg_store_take(box->stock.store, &take);
    while (!done)
        mg_handoff_wait(box->stock.handoff, -1);
    if (!take.ok || !take.found)
        stock_give_up("nothing could be taken: %s", take.error.text);
    *delivery = take.delivery;
}

static void settled(struct mg_store_settle *settle)
{
    *(bool *)settle->context = true;
}

static void settle(struct box *box, const struct mg_store_delivery *delivery)
{
    bool done = false;
    struct mg_store_settle settle = {.destination = BOX,
                                     .message = delivery->message,
                                     .attempt = delivery->attempts,
                                     .state = MG_DELIVERY_COLLECTED,
                                     .now = 5000000,
                                     .code = "collected",
                                     .done = settled,
                                     .context = &done};
    mg_store_settle(box->stock.store, &settle);
    while (!done)
        mg_handoff_wait(box->stock.handoff, -1);
    if (!settle.ok)
        stock_give_up("a taking was not settled: %s", settle.error.text);
}

static void list(struct box *box)
{
    struct mg_error error;
    struct mg_store_list list;
    if (!mg_store_list(box->stock.store, BOX, (struct mg_store_place){0}, FEW, 5000000, &list,
                       &error))
        stock_give_up("the box was not listed: %s", error.text);
    if (list.count != FEW)
        stock_give_up("the list has %zu messages", list.count);
    free(list.entries);
}

static void do_step(struct box *box, enum step step, size_t round,
                    struct mg_store_delivery *delivery)
{
    double clock = seconds_of(CLOCK_MONOTONIC);
    double processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (step == LIST)
        list(box);
    else if (step == TAKE)
        take(box, delivery);
    else
        settle(box, delivery);
    box->processor[step] += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor;
    box->clock[step][round] = seconds_of(CLOCK_MONOTONIC) - clock;
}

/* By turns, so that whatever else the machine does hits both alike. */
static void measure(struct box boxes[2], size_t rounds)
{
    for (size_t round = 0; round < rounds; round++) {
        struct mg_store_delivery deliveries[2];
        for (int step = 0; step < STEPS; step++)
            for (size_t i = 0; i < 2; i++) {
                size_t which = (i + round) % 2;
                do_step(&boxes[which], (enum step)step, round, &deliveries[which]);
            }
        fill(&boxes[0], 1);
        fill(&boxes[1], 1);
    }
}

/* ---- the result ---- */

static int compare(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return difference < 0 ? -1 : difference > 0;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2] * 1e6;
}

static void print_result(struct box boxes[2], size_t waiting, size_t rounds, double opening)
{
    static const char *const names[] = {"list", "take", "settle"};
    double clock[2] = {0, 0}, processor[2] = {0, 0};
    printf("{\"waiting\": %zu, \"open_s\": %.2f, ", waiting, opening);
    for (int step = 0; step <= STEPS; step++) {
        double one[2], other[2];
        for (size_t i = 0; i < 2; i++) {
            bool sum = step == STEPS;
            one[i] = sum ? clock[i] : median(boxes[i].clock[step], rounds);
            other[i] = sum ? processor[i] : boxes[i].processor[step] / (double)rounds * 1e6;
            clock[i] += one[i];
            processor[i] += other[i];
        }
        printf("%s\"%s\": {\"few_us\": %.1f, \"many_us\": %.1f, \"ratio\": %.3f,"
               " \"few_cpu_us\": %.1f, \"many_cpu_us\": %.1f, \"cpu_ratio\": %.3f}",
               step ? ", " : "", step == STEPS ? "all" : names[step], one[0], one[1],
               one[1] / one[0], other[0], other[1], other[1] / other[0]);
    }
    printf("}\n");
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 2 || argument_count > 4)
        stock_give_up("usage: boxes FOLDER [WAITING [ROUNDS]]");
    size_t waiting = argument_count > 2 ? strtoul(arguments[2], NULL, 10) : 1000000;
    size_t rounds = argument_count > 3 ? strtoul(arguments[3], NULL, 10) : 2000;
    if (waiting < FEW || rounds < 1)
        stock_give_up("there must be at least %d messages, and a round", FEW);
    struct box boxes[2] = {{.time = 0}, {.time = 0}};
    open_box(&boxes[0], arguments[1], "few", rounds);
    open_box(&boxes[1], arguments[1], "many", rounds);
    fill(&boxes[0], FEW);
    fill(&boxes[1], waiting + TAKEN);
    struct mg_store_delivery delivery;
    for (size_t i = 0; i < TAKEN; i++)
        take(&boxes[1], &delivery);
    /* Both begin with an empty log; and it shows what a start costs that counts everything. */
    double opening = 0;
    for (size_t i = 0; i < 2; i++) {
        stock_close(&boxes[i].stock);
        opening = seconds_of(CLOCK_MONOTONIC);
        open_stock(&boxes[i]);
        opening = seconds_of(CLOCK_MONOTONIC) - opening;
    }
    measure(boxes, rounds);
    print_result(boxes, waiting, rounds, opening);
    close_box(&boxes[0]);
    close_box(&boxes[1]);
    return 0;
}
