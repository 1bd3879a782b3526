/*
 * A system that answers a delivery at once with a message of its own: the reply enters the gateway
 * like any message, on behalf of the partner that the destination is bound to.
 *
 * The delivery is recorded only when the reply is on disk, or refused for good: a crash in between
 * repeats the delivery, the system answers again, and the reply is recognised by its UUID.
 */
#include "gateway/base/log.h"
#include "gateway/dispatch/lane.h"
#include "gateway/intake/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reply {
    struct mg_delivery *delivery;
    struct mg_config_source way; /* what the trip knows the destination by */
    char text[256];              /* of the delivery's outcome */
};

static void conclude(struct reply *reply, const struct mg_outcome *outcome)
{
    struct mg_delivery *delivery = reply->delivery;
    mg_delivery_conclude(delivery, outcome);
    free(reply);
}

static void refused(struct reply *reply, const struct mg_error *refusal)
{
    struct mg_delivery *delivery = reply->delivery;
    const struct mg_refusal_kind *kind = mg_refusal_kind(refusal->code);
    bool for_now = kind->status == 429 || kind->status >= 500;
    char text[256];
    snprintf(text, sizeof text, "%s (%.47s)",
             for_now ? "The reply of the system could not be taken for now"
                     : "The system has the message, but its reply was refused",
             refusal->code);
    mg_log(MG_LOG_WARNING, for_now ? "reply.postponed" : "reply.refused", "message",
           delivery->message_id, "destination", delivery->lane->name, "code", refusal->code,
           "place", refusal->place, "reason", refusal->text, NULL);
    const struct mg_outcome outcome = {
        .size = sizeof outcome,
        .kind = for_now ? MG_TEMPORARY : MG_DELIVERED,
        .code = "reply.postponed",
        .text = text,
        .retry_after = (int64_t)kind->retry_after * 1000,
    };
    conclude(reply, &outcome);
}

static void trip_done(const struct mg_trip_result *result, void *context)
{
    struct reply *reply = context;
    if (result->end == MG_TRIP_REFUSED) {
        refused(reply, result->refusal);
        return;
    }
    mg_log(MG_LOG_INFO, "reply.accepted", "message", reply->delivery->message_id, "destination",
           reply->delivery->lane->name, "reply", result->id, NULL);
    char text[300];
    snprintf(text, sizeof text, "%.160s The reply is the message %s.",
             *reply->text ? reply->text : "The destination has taken the message.", result->id);
    const struct mg_outcome outcome = {.size = sizeof outcome, .kind = MG_DELIVERED, .text = text};
    conclude(reply, &outcome);
}

void mg_delivery_hand_in_reply(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    const struct mg_instance *instance = delivery->instance;
    struct mg_error error;
    struct reply *reply = mg_allocate_zeroed(1, sizeof *reply);
    reply->delivery = delivery;
    reply->way = (struct mg_config_source){.place = instance->end.place,
                                           .name = instance->name,
                                           .adapter = instance->adapter->name,
                                           .partner = instance->end.partner};
    snprintf(reply->text, sizeof reply->text, "%s", outcome->text ? outcome->text : "");
    const struct mg_entry entry = {
        .config = instance->config,
        .source = &reply->way,
        .partner = instance->end.partner,
        .media_type = outcome->reply_media_type,
        .length = (int64_t)outcome->reply_length,
    };
    if (!entry.partner) {
        mg_fail(
            &error, "permission.reply",
            "The system replies, but its destination has no attribute partner that would say on "
            "whose behalf.");
        refused(reply, &error);
        return;
    }
    struct mg_trip *trip =
        mg_intake_begin(instance->host->options.intake, &entry, trip_done, reply, &error);
    if (!trip)
        refused(reply, &error);
    else if (mg_intake_append(trip, outcome->reply, outcome->reply_length))
        mg_intake_finish(trip);
}
