/* The calls of operators' acts, and what the implementations share about them. */
#include "gateway/store/act.h"

#include "gateway/store/backend.h"

#include <assert.h>

void mg_store_run_act(struct mg_handoff_item *item)
{
    struct mg_store_act *act = (struct mg_store_act *)item;
    act->done(act);
}

void mg_store_run_revive(struct mg_handoff_item *item)
{
    struct mg_store_revive *revival = (struct mg_store_revive *)item;
    revival->done(revival);
}

void mg_store_run_pausing(struct mg_handoff_item *item)
{
    struct mg_store_pausing *pausing = (struct mg_store_pausing *)item;
    pausing->done(pausing);
}

void mg_store_act(struct mg_store *store, struct mg_store_act *act)
{
    assert(act->done && act->destination && act->code);
    assert((act->kind == MG_ACT_MOVE) == (act->to != NULL));
    act->item = (struct mg_handoff_item){.run = mg_store_run_act};
    act->ok = act->found = false;
    act->error = (struct mg_error){.code = ""};
    store->class->act(store, act);
}

void mg_store_revive(struct mg_store *store, struct mg_store_revive *revival)
{
    assert(revival->done && revival->destination && revival->code);
    revival->item = (struct mg_handoff_item){.run = mg_store_run_revive};
    revival->ok = revival->more = false;
    revival->next = revival->after;
    revival->revived = 0;
    revival->error = (struct mg_error){.code = ""};
    store->class->revive(store, revival);
}

void mg_store_pausing(struct mg_store *store, struct mg_store_pausing *pausing)
{
    assert(pausing->done && pausing->destination && pausing->by && pausing->why);
    pausing->item = (struct mg_handoff_item){.run = mg_store_run_pausing};
    pausing->ok = false;
    pausing->error = (struct mg_error){.code = ""};
    store->class->pausing(store, pausing);
}

bool mg_store_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                     struct mg_error *error)
{
    *pauses = NULL;
    *count = 0;
    return store->class->pauses(store, pauses, count, error);
}

/* ---- what the implementations share ---- */

bool mg_store_may_act(struct mg_store_act *act)
{
    if (!act->found)
        return mg_fail(&act->error, "act.unknown",
                       "The message has no delivery for this destination.");
    if (act->state == MG_DELIVERY_RUNNING)
        return mg_fail(&act->error, "act.running",
                       "The message is being delivered, or has been taken out of its box, at this "
                       "moment; look at it again.");
    if (act->state != act->seen_state || act->attempts != act->seen_attempts)
        return mg_fail(&act->error, "act.conflict",
                       "The delivery is no longer as you saw it; look at it again.");
    if (mg_store_is_end(act->state) && act->state != MG_DELIVERY_DEAD)
        return mg_fail(&act->error, "act.over", "The delivery is over.");
    return true;
}

bool mg_store_fail_gone(struct mg_error *error)
{
    return mg_fail(error, "act.gone",
                   "The content of the message is no longer stored; nothing of it can be "
                   "delivered. Ask its sender to send it again.");
}

bool mg_store_fail_there(struct mg_error *error)
{
    return mg_fail(error, "act.there",
                   "The message waits for the other destination already, or was delivered there.");
}

bool mg_store_fail_paused(bool resume, struct mg_error *error)
{
    return mg_fail(error, "act.conflict",
                   resume ? "No operator has paused this destination."
                          : "An operator has paused this destination already.");
}
