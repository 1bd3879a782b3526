#include "adapters/common/bring.h"

#include "adapters/common/problem.h"

#include <assert.h>
#include <time.h>

#define FIRST_PAUSE   1000 /* milliseconds */
#define LONGEST_PAUSE 60000

void mg_bring_open(struct mg_bringing *bringing)
{
    const struct mg_gateway *gateway = bringing->gateway;
    bringing->arrivals = NULL;
    bringing->pause = 0;
    bringing->taken = gateway->counter(bringing->instance, "messages_taken",
                                       "Messages handed in and acknowledged.");
    bringing->refused =
        gateway->counter(bringing->instance, "messages_refused", "Messages refused for good.");
    bringing->postponed = gateway->counter(bringing->instance, "messages_postponed",
                                           "Times a message was left to come again.");
}

void mg_bring_end(struct mg_bringing *bringing)
{
    while (bringing->arrivals) {
        struct mg_arrival *arrival = bringing->arrivals;
        mg_bring_abort(arrival);
        mg_bring_forget(arrival);
        bringing->free(arrival);
    }
}

void mg_bring_forget(struct mg_arrival *arrival)
{
    assert(!arrival->submission);
    *arrival->link = arrival->next;
    if (arrival->next)
        arrival->next->link = arrival->link;
}

static void settle(struct mg_arrival *arrival, enum mg_verdict verdict, int64_t pause)
{
    struct mg_bringing *bringing = arrival->bringing;
    struct mg_counter *const counters[] = {bringing->taken, bringing->refused, bringing->postponed};
    arrival->settled = true;
    bringing->gateway->counter_add(counters[verdict], 1);
    bringing->settled(arrival, verdict, pause);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Grows when a pause is over and was in vain, not with each of many that are refused at once. */
static int64_t next_pause(struct mg_bringing *bringing)
{
    int64_t time = now();
    if (bringing->pause == 0)
        bringing->pause = FIRST_PAUSE;
    else if (time >= bringing->paused + bringing->pause)
        bringing->pause = bringing->pause < LONGEST_PAUSE / 2 ? bringing->pause * 2 : LONGEST_PAUSE;
    else
        return bringing->pause;
    bringing->paused = time;
    return bringing->pause;
}

static void refuse(struct mg_arrival *arrival, const struct mg_refusal *refusal)
{
    struct mg_bringing *bringing = arrival->bringing;
    if (!mg_problem_may_pass(refusal)) {
        settle(arrival, MG_VERDICT_REFUSED, 0);
        return;
    }
    int64_t pause = next_pause(bringing);
    if (refusal->retry_after > pause / 1000)
        pause = refusal->retry_after < LONGEST_PAUSE / 1000 ? refusal->retry_after * 1000
                                                            : LONGEST_PAUSE;
    settle(arrival, MG_VERDICT_LATER, pause);
}

static void submission_end(const struct mg_submission_end *end, void *context)
{
    struct mg_arrival *arrival = context;
    arrival->submission = NULL;
    if (end->result == MG_REFUSED) {
        refuse(arrival, end->refusal);
    } else {
        arrival->bringing->pause = 0;
        settle(arrival, MG_VERDICT_TAKEN, 0);
    }
}

void mg_bring_begin(struct mg_bringing *bringing, struct mg_arrival *arrival,
                    const char *media_type, const char *encoding, int64_t length)
{
    struct mg_refusal refusal = {.size = sizeof refusal};
    const struct mg_submission_spec spec = {
        .size = sizeof spec,
        .media_type = media_type && *media_type ? media_type : "application/xml",
        .content_encoding = encoding && *encoding ? encoding : NULL,
        .length = length,
    };
    *arrival = (struct mg_arrival){
        .bringing = bringing, .next = bringing->arrivals, .link = &bringing->arrivals};
    if (arrival->next)
        arrival->next->link = &arrival->next;
    bringing->arrivals = arrival;
    arrival->submission = bringing->gateway->submit_begin(bringing->instance, &spec, submission_end,
                                                          arrival, &refusal);
    if (!arrival->submission)
        refuse(arrival, &refusal);
}

void mg_bring_add(struct mg_arrival *arrival, const void *bytes, size_t length)
{
    /* Once the gateway has refused it wants no more, and says so by the end. */
    if (arrival->submission && !arrival->unwanted)
        arrival->unwanted =
            !arrival->bringing->gateway->submit_append(arrival->submission, bytes, length);
}

void mg_bring_finish(struct mg_arrival *arrival)
{
    if (arrival->submission && !arrival->unwanted)
        arrival->bringing->gateway->submit_finish(arrival->submission);
}

void mg_bring_abort(struct mg_arrival *arrival)
{
    if (arrival->submission)
        arrival->bringing->gateway->submit_abort(arrival->submission);
    arrival->submission = NULL;
}
