/* The store that keeps nothing: the floor of what intake costs. */
#include "gateway/store/backend.h"

#include <stdlib.h>

static void null_accept(struct mg_store *store, struct mg_store_accept *accept)
{
    mg_store_drop_spools(accept);
    accept->ok = true;
    mg_handoff_post(store->handoff, &accept->item);
}

static void null_claim(struct mg_store *store, struct mg_store_claim *claim)
{
    claim->ok = true;
    mg_handoff_post(store->handoff, &claim->item);
}

static void null_outcome(struct mg_store *store, struct mg_store_outcome *outcome)
{
    mg_store_fail_lost_claim(&outcome->error);
    mg_handoff_post(store->handoff, &outcome->item);
}

static void null_take(struct mg_store *store, struct mg_store_take *take)
{
    take->ok = !take->message || mg_store_fail_unknown(&take->error);
    mg_handoff_post(store->handoff, &take->item);
}

static void null_settle(struct mg_store *store, struct mg_store_settle *settle)
{
    mg_store_fail_unknown(&settle->error);
    mg_handoff_post(store->handoff, &settle->item);
}

static void null_note(struct mg_store *store, struct mg_store_note *note)
{
    note->ok = true;
    mg_handoff_post(store->handoff, &note->item);
}

static bool null_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                         struct mg_store_lines *lines, struct mg_error *error)
{
    (void)store, (void)query, (void)lines, (void)error;
    return true;
}

static bool null_erase(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error)
{
    (void)store, (void)erase;
    return mg_store_fail_no_message(error);
}

static bool null_remains(struct mg_store *store, const struct mg_id *id, const char *partner,
                         const char *uuid, struct mg_store_remains *remains, struct mg_error *error)
{
    (void)store, (void)id, (void)partner, (void)uuid, (void)remains, (void)error;
    return true;
}

static bool null_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                              struct mg_error *error)
{
    (void)store, (void)through, (void)kept, (void)more, (void)error;
    return true;
}

static int64_t null_journal_last(struct mg_store *store)
{
    (void)store;
    return 0;
}

static void null_act(struct mg_store *store, struct mg_store_act *act)
{
    mg_store_may_act(act);
    mg_handoff_post(store->handoff, &act->item);
}

static void null_revive(struct mg_store *store, struct mg_store_revive *revival)
{
    revival->ok = true;
    mg_handoff_post(store->handoff, &revival->item);
}

static void null_pausing(struct mg_store *store, struct mg_store_pausing *pausing)
{
    pausing->ok = true;
    mg_handoff_post(store->handoff, &pausing->item);
}

static bool null_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                        struct mg_error *error)
{
    (void)store, (void)pauses, (void)count, (void)error;
    return true;
}

static bool null_search(struct mg_store *store, const struct mg_store_query *query,
                        struct mg_store_hits *hits, struct mg_error *error)
{
    (void)store, (void)query, (void)hits, (void)error;
    return true;
}

/* store.c has already said zero, and empty, in every result. */
static void null_queue(struct mg_store *store, struct mg_store_queue *queue)
{
    (void)store, (void)queue;
}

static void null_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count)
{
    (void)store, (void)queues, (void)count;
}

static bool null_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                      size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error)
{
    (void)store, (void)destination, (void)after, (void)limit, (void)now, (void)list, (void)error;
    return true;
}

/* store.c has already said "not found" in every result. */
static bool null_find(struct mg_store *store, const struct mg_id *id,
                      struct mg_store_message *message, bool *found, struct mg_error *error)
{
    (void)store, (void)id, (void)message, (void)found, (void)error;
    return true;
}

static bool null_look_up(struct mg_store *store, const char *partner, const char *uuid,
                         const uint8_t digest[32], enum mg_accept_result *result,
                         struct mg_id *known_id, struct mg_error *error)
{
    (void)store, (void)partner, (void)uuid, (void)digest, (void)result, (void)known_id, (void)error;
    return true;
}

static bool null_part(struct mg_store *store, const struct mg_id *id, int kind,
                      struct mg_store_part_facts *facts, struct mg_error *error)
{
    (void)store, (void)id, (void)kind, (void)facts, (void)error;
    return true;
}

static ssize_t null_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                         void *bytes, size_t size, struct mg_error *error)
{
    (void)store, (void)id, (void)kind, (void)offset, (void)bytes, (void)size;
    mg_store_fail_no_part(error);
    return -1;
}

static int null_descriptor(struct mg_store *store, const struct mg_id *id, int kind)
{
    (void)store, (void)id, (void)kind;
    return -1;
}

static bool null_deliveries(struct mg_store *store, const struct mg_id *id,
                            struct mg_store_delivery **deliveries, size_t *count,
                            struct mg_error *error)
{
    (void)store, (void)id, (void)deliveries, (void)count, (void)error;
    return true;
}

static bool null_events(struct mg_store *store, const struct mg_id *id,
                        struct mg_store_event **events, size_t *count, struct mg_error *error)
{
    (void)store, (void)id, (void)events, (void)count, (void)error;
    return true;
}

static bool null_totals(struct mg_store *store, struct mg_store_totals *totals,
                        struct mg_error *error)
{
    (void)store, (void)totals, (void)error;
    return true;
}

static bool null_expire(struct mg_store *store, struct mg_store_expiry *expiry,
                        struct mg_error *error)
{
    (void)store, (void)expiry, (void)error;
    return true;
}

static bool null_ready(struct mg_store *store)
{
    (void)store;
    return true;
}

static void null_close(struct mg_store *store)
{
    free(store);
}

static const struct mg_store_class null_class = {
    .accept = null_accept,
    .claim = null_claim,
    .outcome = null_outcome,
    .take = null_take,
    .settle = null_settle,
    .note = null_note,
    .journal = null_journal,
    .trim_journal = null_trim_journal,
    .erase = null_erase,
    .remains = null_remains,
    .journal_last = null_journal_last,
    .queue = null_queue,
    .queues = null_queues,
    .list = null_list,
    .act = null_act,
    .revive = null_revive,
    .pausing = null_pausing,
    .pauses = null_pauses,
    .search = null_search,
    .find = null_find,
    .look_up = null_look_up,
    .part = null_part,
    .read = null_read,
    .descriptor = null_descriptor,
    .deliveries = null_deliveries,
    .events = null_events,
    .totals = null_totals,
    .expire = null_expire,
    .ready = null_ready,
    .can_record = null_ready,
    .close = null_close,
};

struct mg_store *mg_store_null_open(const struct mg_store_options *options,
                                    struct mg_handoff *handoff, struct mg_error *error)
{
    (void)options, (void)error;
    struct mg_store *store = mg_allocate_zeroed(1, sizeof *store);
    *store = (struct mg_store){.class = &null_class, .handoff = handoff, .spool_folder = -1};
    return store;
}
