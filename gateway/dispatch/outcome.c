/* What becomes of a delivery: decides, and records it. */
#include "gateway/audit/lines.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/lane.h"
#include "gateway/dispatch/retry.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- recording what became of a delivery ---- */

static void record_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    mg_delivery_record(context);
}

/* Told when it is recorded: whoever reads the line finds the same in the store. */
static void log_outcome(const struct mg_delivery *delivery)
{
    static const char *const events[] = {[MG_DELIVERY_WAITING] = "delivery.postponed",
                                         [MG_DELIVERY_DELIVERED] = "delivery.delivered",
                                         [MG_DELIVERY_DEAD] = "delivery.dead"};
    static const enum mg_log_level levels[] = {[MG_DELIVERY_WAITING] = MG_LOG_NOTICE,
                                               [MG_DELIVERY_DELIVERED] = MG_LOG_INFO,
                                               [MG_DELIVERY_DEAD] = MG_LOG_ERROR};
    enum mg_delivery_state state = delivery->outcome.state;
    mg_log(levels[state], events[state], "message", delivery->message_id, "destination",
           delivery->lane->name, "attempt", MG_LOG_NUMBER(delivery->claim.attempts), "microseconds",
           MG_LOG_NUMBER(delivery->outcome.duration), "code", delivery->outcome_code, "reason",
           state == MG_DELIVERY_DELIVERED ? NULL : delivery->outcome_text, NULL);
}

static void recorded(struct mg_store_outcome *outcome)
{
    struct mg_delivery *delivery = outcome->context;
    struct mg_lane *lane = delivery->lane;
    bool lost = !outcome->ok && strcmp(outcome->error.code, "store.lost-claim") == 0;
    if (!outcome->ok) {
        mg_log(MG_LOG_ERROR, "delivery.not-recorded", "message", delivery->message_id,
               "destination", lane->name, "code", outcome->error.code, "reason",
               outcome->error.text, NULL);
        /* After a stop the claim ends by itself, and the delivery is repeated: at least once. */
        if (!lost && !lane->dispatch->stopping) {
            if (delivery->timeout)
                event_free(delivery->timeout);
            delivery->timeout = evtimer_new(lane->dispatch->options.base, record_again, delivery);
            mg_lane_start_timer(delivery->timeout, MG_LANE_PAUSE);
            return;
        }
    } else {
        log_outcome(delivery);
        if (outcome->attempt_counts || outcome->state != MG_DELIVERY_WAITING)
            mg_lane_count(lane, outcome->state, outcome->duration);
    }
    if (outcome->state == MG_DELIVERY_WAITING) {
        int64_t wait = outcome->next_attempt - mg_clock_now();
        struct timeval due;
        /* The timer is set to the earliest of what waits. */
        if (!evtimer_pending(lane->timer, &due) || wait <= 0)
            mg_lane_pump_in(lane, wait);
        else
            lane->more = true;
    }
    mg_lane_leave(delivery);
}

/* Only what has ended stands in the audit trail; every attempt stands in the message's own trace.
 */
static void write_line(struct mg_delivery *delivery)
{
    struct mg_store_outcome *outcome = &delivery->outcome;
    outcome->line = NULL;
    if (outcome->state == MG_DELIVERY_WAITING)
        return;
    mg_buffer_clear(&delivery->line);
    mg_audit_write_ended(&delivery->line, outcome->state, &delivery->claim.message,
                         delivery->lane->name, delivery->claim.attempts,
                         delivery->cause[0] ? delivery->cause : delivery->outcome_code);
    outcome->line = delivery->line.data;
}

void mg_delivery_record(struct mg_delivery *delivery)
{
    struct mg_store_outcome *outcome = &delivery->outcome;
    write_line(delivery);
    outcome->delivery = delivery->claim.id;
    outcome->message = delivery->claim.message;
    outcome->code = delivery->outcome_code;
    outcome->text = delivery->outcome_text;
    outcome->done = recorded;
    outcome->context = delivery;
    mg_store_outcome(delivery->store, outcome);
}

/* Gives a claimed delivery back as if it had not been claimed, to be claimed again after a pause.
 */
void mg_delivery_give_back(struct mg_delivery *delivery, int64_t pause, const char *code,
                           const char *text)
{
    delivery->completed = true;
    delivery->outcome.state = MG_DELIVERY_WAITING;
    delivery->outcome.attempt_counts = false;
    delivery->outcome.now = mg_clock_now();
    delivery->outcome.next_attempt = delivery->outcome.now + pause;
    snprintf(delivery->outcome_code, sizeof delivery->outcome_code, "%s", code);
    snprintf(delivery->outcome_text, sizeof delivery->outcome_text, "%s", text);
    mg_delivery_record(delivery);
}

/* ---- deciding what becomes of it ---- */

static double chance(void)
{
    uint32_t number = 0;
    if (RAND_bytes((unsigned char *)&number, sizeof number) != 1)
        mg_die("OpenSSL has no random bytes");
    return number / 4294967296.0;
}

static void decide_retry(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    const struct mg_retry_facts facts = {
        /* What an operator has revived is tried like one that has just come. */
        .attempts = delivery->claim.attempts - delivery->claim.tried,
        .accepted = delivery->claim.since,
        .now = delivery->outcome.now,
        .retry_after = outcome->retry_after,
        .chance = chance(),
    };
    bool again =
        mg_retry_next(&delivery->lane->destination->retry, &facts, &delivery->outcome.next_attempt);
    delivery->outcome.state = again ? MG_DELIVERY_WAITING : MG_DELIVERY_DEAD;
    /* What only the stop has cancelled is not given up for it, and goes on with the next start. */
    if (delivery->kept) {
        delivery->outcome.state = MG_DELIVERY_WAITING;
        delivery->outcome.next_attempt = delivery->outcome.now;
    }
}

static void work_breaker(struct mg_lane *lane, enum mg_outcome_kind kind)
{
    const char *name = lane->name;
    if (kind == MG_TEMPORARY) {
        if (mg_breaker_fail(&lane->breaker, &lane->destination->retry, mg_clock_monotonic()))
            mg_log(MG_LOG_WARNING, "destination.breaker-open", "destination", name, "failures",
                   MG_LOG_NUMBER(lane->breaker.failures), NULL);
    } else if (mg_breaker_succeed(&lane->breaker)) {
        mg_log(MG_LOG_NOTICE, "destination.breaker-closed", "destination", name, NULL);
    }
}

static void describe_outcome(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    const char *code = outcome->code ? outcome->code : "delivered";
    const char *text = outcome->text ? outcome->text : "";
    bool dead = delivery->outcome.state == MG_DELIVERY_DEAD;
    bool delivered = delivery->outcome.state == MG_DELIVERY_DELIVERED;
    snprintf(delivery->cause, sizeof delivery->cause, "%s", code);
    snprintf(delivery->outcome_code, sizeof delivery->outcome_code, "%s",
             dead        ? "dead"
             : delivered ? "delivered"
                         : code);
    if (dead)
        snprintf(delivery->outcome_text, sizeof delivery->outcome_text,
                 "Given up after attempt %d (%s): %.180s", delivery->claim.attempts, code, text);
    else
        snprintf(delivery->outcome_text, sizeof delivery->outcome_text, "%.250s",
                 delivered && !*text ? "The destination has taken the message." : text);
}

/* In an order the next may not overtake one that is dead, unless the configuration lets it. */
static bool blocks(const struct mg_delivery *delivery)
{
    const struct mg_config_destination *destination = delivery->lane->destination;
    return delivery->outcome.state == MG_DELIVERY_DEAD && destination->ordered &&
           !destination->pass_dead;
}

void mg_delivery_conclude(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    struct mg_store_outcome *stored = &delivery->outcome;
    stored->attempt_counts = true;
    stored->now = mg_clock_now();
    switch (outcome->kind) {
    case MG_DELIVERED:
        stored->state = MG_DELIVERY_DELIVERED;
        break;
    case MG_TEMPORARY:
        decide_retry(delivery, outcome);
        break;
    case MG_PERMANENT:
    default:
        stored->state = MG_DELIVERY_DEAD;
        break;
    }
    /* What never left the house, or was called back, says nothing of the destination. */
    if (delivery->loaded && !delivery->kept) {
        work_breaker(delivery->lane, outcome->kind);
        mg_lane_note(delivery->lane, outcome);
    }
    describe_outcome(delivery, outcome);
    stored->blocks = blocks(delivery);
    mg_delivery_record(delivery);
}

/* Adapters of ABI 1 know no replies. */
static bool has_reply(const struct mg_outcome *outcome)
{
    return outcome->kind == MG_DELIVERED &&
           outcome->size >= offsetof(struct mg_outcome, reply_media_type) + sizeof(char *) &&
           outcome->reply && outcome->reply_length > 0;
}

/* What stands in traces, in reports and in the audit trail for what the gateway itself has done or
 * found: whoever gives it another such word adds it here. */
static bool is_the_gateways(const char *code)
{
    static const char *const words[] = {"accepted", "cancelled", "collected",
                                        "dead",     "delivered", "mailbox.not-collected",
                                        "returned"};
    static const char *const beginnings[] = {"destination.", "gateway.", "operator.",
                                             "reply.",       "restore.", "store."};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(code, words[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* What the adapter calls its outcome, or that it may not be called so. What it has said of the
 * message counts all the same: a wrong name must not repeat a delivery, nor lose one. */
static const char *name_outcome(const struct mg_delivery *delivery,
                                const struct mg_outcome *outcome)
{
    static const char refused[] = "adapter.code";
    const char *code = outcome->code;
    bool delivered = outcome->kind == MG_DELIVERED, is_code = code && mg_error_is_code(code);
    if (delivered && (!code || strcmp(code, "delivered") == 0))
        return NULL;
    if (is_code && !is_the_gateways(code))
        return code;
    mg_log(MG_LOG_WARNING, refused, "message", delivery->message_id, "destination",
           delivery->lane->name, "given", is_code ? code : NULL, "reason",
           is_code ? "the code of the outcome stands for what the gateway itself does"
           : code  ? "the code of the outcome is no word of letters, digits, '.', '-' and '_'"
                   : "the outcome has no code",
           NULL);
    return refused;
}

void mg_delivery_completed(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    /* What is taken from a box is settled instead. */
    assert(!delivery->completed && delivery->lane);
    delivery->completed = true;
    if (delivery->timeout)
        evtimer_del(delivery->timeout);
    delivery->outcome.duration = mg_clock_monotonic() - delivery->begun;
    const struct mg_outcome named = {
        .size = sizeof named,
        .kind = outcome->kind,
        .code = name_outcome(delivery, outcome),
        .text = outcome->text,
        .retry_after = outcome->retry_after,
    };
    if (has_reply(outcome))
        mg_delivery_hand_in_reply(delivery, outcome);
    else
        mg_delivery_conclude(delivery, &named);
}
