/* What operators do with deliveries: whole or not at all, and never against what somebody else has
 * done meanwhile. The durable store and the one in memory behave the same. */
#include "gateway/store/act.h"
#include "gateway/store/search.h"
#include "tests/unit/lossy_vfs.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 50000

/* ---- calls ---- */

static void acted(struct mg_store_act *act)
{
    *(bool *)act->context = true;
}

static bool act_now(struct fixture *fixture, struct mg_store_act *act)
{
    bool done = false;
    act->done = acted;
    act->context = &done;
    mg_store_act(fixture->store, act);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return act->ok;
}

static struct mg_store_act act_of(enum mg_store_act_kind kind, const struct test_message *message,
                                  enum mg_delivery_state state, int attempts)
{
    static const char *const codes[] = {
        [MG_ACT_RETRY] = "operator.retry",
        [MG_ACT_CANCEL] = "operator.cancel",
        [MG_ACT_MOVE] = "operator.move",
    };
    return (struct mg_store_act){
        .kind = kind,
        .message = message->accept.id,
        .destination = "remscheid",
        .to = kind == MG_ACT_MOVE ? "solingen" : NULL,
        .seen_state = state,
        .seen_attempts = attempts,
        .now = NOW,
        .code = codes[kind],
        .text = "anna: because",
        .line = "{}",
    };
}

static void revived(struct mg_store_revive *revival)
{
    *(bool *)revival->context = true;
}

static bool revive_now(struct fixture *fixture, struct mg_store_revive *revival)
{
    bool done = false;
    revival->done = revived;
    revival->context = &done;
    mg_store_revive(fixture->store, revival);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return revival->ok;
}

static void has_paused(struct mg_store_pausing *pausing)
{
    *(bool *)pausing->context = true;
}

static bool pause_now(struct fixture *fixture, struct mg_store_pausing *pausing)
{
    bool done = false;
    pausing->done = has_paused;
    pausing->context = &done;
    mg_store_pausing(fixture->store, pausing);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return pausing->ok;
}

/* ---- what there is ---- */

static void accept_message(struct fixture *fixture, struct test_message *message, unsigned seed)
{
    message_make(message, seed, "remscheid");
    CU_ASSERT_FATAL(accept_new(fixture, message));
}

/* Delivered to one destination, once, with this end. */
static void end_one(struct fixture *fixture, const char *destination, enum mg_delivery_state state,
                    bool blocks, int64_t now)
{
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, destination, now, now + 1000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, state, now);
    outcome.blocks = blocks;
    CU_ASSERT_FATAL(outcome_now(fixture, &outcome));
}

static void make_dead(struct fixture *fixture, struct test_message *message, unsigned seed)
{
    accept_message(fixture, message, seed);
    end_one(fixture, "remscheid", MG_DELIVERY_DEAD, false, 20000);
}

/* The delivery of a message for a destination; attempts -1 if there is none. */
static struct mg_store_delivery
delivery_for(struct fixture *fixture, const struct test_message *message, const char *destination)
{
    struct mg_store_delivery *deliveries, found = {.attempts = -1};
    size_t count;
    CU_ASSERT(mg_store_deliveries(fixture->store, &message->accept.id, &deliveries, &count, NULL));
    for (size_t i = 0; i < count; i++)
        if (strcmp(deliveries[i].destination, destination) == 0)
            found = deliveries[i];
    free(deliveries);
    return found;
}

static bool last_event_is(struct fixture *fixture, const struct test_message *message,
                          const char *code, const char *destination)
{
    struct mg_store_event *events;
    size_t count;
    CU_ASSERT(mg_store_events(fixture->store, &message->accept.id, &events, &count, NULL));
    bool is = count > 0 && strcmp(events[count - 1].code, code) == 0 &&
              strcmp(events[count - 1].destination, destination) == 0 &&
              strcmp(events[count - 1].text, "anna: because") == 0;
    free(events);
    return is;
}

static size_t lines_about(struct fixture *fixture, const struct test_message *message)
{
    char subject[MG_ID_TEXT_SIZE];
    return lines_of(fixture, mg_id_text(&message->accept.id, subject));
}

static bool queue_is(struct fixture *fixture, const char *destination, int64_t waiting,
                     int64_t dead)
{
    struct mg_store_queue queue;
    mg_store_queue(fixture->store, destination, &queue);
    return queue.waiting == waiting && queue.dead == dead;
}

/* The same after the store has counted anew. */
static bool queue_stays(struct fixture *fixture, const char *destination, int64_t waiting,
                        int64_t dead)
{
    bool is = queue_is(fixture, destination, waiting, dead);
    struct mg_store_queue before, after;
    mg_store_queue(fixture->store, destination, &before);
    if (fixture->open != mg_store_sqlite_open)
        return is;
    fixture_close(fixture);
    CU_ASSERT_FATAL(fixture_open(fixture));
    mg_store_queue(fixture->store, destination, &after);
    return is && before.waiting == after.waiting && before.dead == after.dead &&
           before.bytes == after.bytes && before.running == after.running &&
           before.oldest == after.oldest;
}

/* ---- retry ---- */

static void what_is_dead_waits_again_and_is_delivered(struct fixture *fixture)
{
    struct test_message message;
    make_dead(fixture, &message, 1);
    CU_ASSERT(queue_is(fixture, "remscheid", 0, 1));
    struct mg_store_act act = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT(queue_stays(fixture, "remscheid", 1, 0));
    CU_ASSERT(last_event_is(fixture, &message, "operator.retry", "remscheid"));
    CU_ASSERT_EQUAL(lines_about(fixture, &message), 1);
    end_one(fixture, "remscheid", MG_DELIVERY_DELIVERED, false, NOW);
    CU_ASSERT(queue_stays(fixture, "remscheid", 0, 0));
    message_free(&message);
}

static void the_time_to_give_up_begins_anew_with_a_retry(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    make_dead(fixture, &message, 1);
    struct mg_store_act act = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT_EQUAL(delivery.received, 10000);
    CU_ASSERT_EQUAL(delivery.since, NOW);
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    CU_ASSERT_EQUAL(delivery.tried, 1);
    message_free(&message);
}

static void what_nobody_revived_waits_since_it_was_accepted(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    accept_message(fixture, &message, 1);
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT_EQUAL(delivery.since, 10000);
    CU_ASSERT_EQUAL(delivery.tried, 0);
    CU_ASSERT_EQUAL(delivery_for(fixture, &message, "remscheid").since, 10000);
    message_free(&message);
}

static void what_waits_for_later_is_due_now(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    accept_message(fixture, &message, 1);
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 21000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_WAITING, 20000);
    outcome.next_attempt = 99000;
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    struct mg_store_act act = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_WAITING, 1);
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT_EQUAL(delivery.since, 10000);
    message_free(&message);
}

static void what_was_revived_goes_before_those_that_came_later(struct fixture *fixture)
{
    struct test_message first, second;
    struct mg_store_queue queue;
    make_dead(fixture, &first, 1);
    accept_message(fixture, &second, 2);
    struct mg_store_act act = act_of(MG_ACT_RETRY, &first, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &act));
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT_EQUAL(queue.oldest, 10000);
    struct mg_store_claim claim = {
        .destination = "remscheid", .limit = 1, .now = NOW, .lease = NOW + 1000, .ordered = true};
    claim_now(fixture, &claim);
    CU_ASSERT_FATAL(claim.ok && claim.count == 1);
    CU_ASSERT(memcmp(&claim.deliveries[0].message, &first.accept.id, sizeof(struct mg_id)) == 0);
    free(claim.deliveries);
    message_free(&first);
    message_free(&second);
}

static void a_dead_one_that_stood_in_the_way_no_longer_does(struct fixture *fixture)
{
    for (int kind = MG_ACT_RETRY; kind <= MG_ACT_MOVE; kind++) {
        struct test_message first, second;
        accept_message(fixture, &first, 2 * (unsigned)kind + 1);
        end_one(fixture, "remscheid", MG_DELIVERY_DEAD, true, 20000);
        accept_message(fixture, &second, 2 * (unsigned)kind + 2);
        struct mg_store_claim claim = {.destination = "remscheid",
                                       .limit = 1,
                                       .now = NOW,
                                       .lease = NOW + 1000,
                                       .ordered = true};
        claim_now(fixture, &claim);
        CU_ASSERT(claim.blocked);
        struct mg_store_act act = act_of((enum mg_store_act_kind)kind, &first, MG_DELIVERY_DEAD, 1);
        CU_ASSERT(act_now(fixture, &act));
        claim_now(fixture, &claim);
        CU_ASSERT_FATAL(!claim.blocked && claim.count == 1);
        const struct test_message *next = kind == MG_ACT_RETRY ? &first : &second;
        CU_ASSERT(memcmp(&claim.deliveries[0].message, &next->accept.id, sizeof(struct mg_id)) ==
                  0);
        struct mg_store_outcome outcome =
            outcome_of(&claim.deliveries[0], MG_DELIVERY_DELIVERED, NOW);
        CU_ASSERT(outcome_now(fixture, &outcome));
        free(claim.deliveries);
        if (kind == MG_ACT_RETRY)
            end_one(fixture, "remscheid", MG_DELIVERY_DELIVERED, false, NOW);
        message_free(&first);
        message_free(&second);
    }
}

/* ---- cancel and move ---- */

static void what_is_cancelled_is_over(struct fixture *fixture)
{
    struct test_message waiting, dead;
    struct mg_store_delivery delivery;
    make_dead(fixture, &dead, 1);
    accept_message(fixture, &waiting, 2);
    struct mg_store_act one = act_of(MG_ACT_CANCEL, &waiting, MG_DELIVERY_WAITING, 0);
    struct mg_store_act other = act_of(MG_ACT_CANCEL, &dead, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &one));
    CU_ASSERT(act_now(fixture, &other));
    CU_ASSERT_EQUAL(state_of(fixture, &waiting.accept.id), MG_DELIVERY_CANCELLED);
    CU_ASSERT_EQUAL(state_of(fixture, &dead.accept.id), MG_DELIVERY_CANCELLED);
    CU_ASSERT_EQUAL(delivery_for(fixture, &waiting, "remscheid").ended, NOW);
    CU_ASSERT(last_event_is(fixture, &waiting, "operator.cancel", "remscheid"));
    CU_ASSERT(queue_stays(fixture, "remscheid", 0, 0));
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    message_free(&waiting);
    message_free(&dead);
}

static void what_is_moved_waits_at_the_other_destination_alone(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    make_dead(fixture, &message, 1);
    struct mg_store_act act = act_of(MG_ACT_MOVE, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT(queue_stays(fixture, "remscheid", 0, 0));
    CU_ASSERT(queue_stays(fixture, "solingen", 1, 0));
    CU_ASSERT_EQUAL(delivery_for(fixture, &message, "remscheid").state, MG_DELIVERY_CANCELLED);
    CU_ASSERT_EQUAL(lines_about(fixture, &message), 1);
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT_FATAL(claim_one(fixture, "solingen", NOW, NOW + 1000, &delivery));
    CU_ASSERT(memcmp(&delivery.message, &message.accept.id, sizeof delivery.message) == 0);
    CU_ASSERT_EQUAL(delivery.since, NOW);
    CU_ASSERT_EQUAL(delivery.received, 10000);
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, NOW);
    CU_ASSERT(outcome_now(fixture, &outcome));
    message_free(&message);
}

static void what_is_moved_back_revives_what_it_left(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery *deliveries;
    size_t count;
    make_dead(fixture, &message, 1);
    struct mg_store_act there = act_of(MG_ACT_MOVE, &message, MG_DELIVERY_DEAD, 1);
    struct mg_store_act back = act_of(MG_ACT_MOVE, &message, MG_DELIVERY_WAITING, 0);
    back.destination = "solingen";
    back.to = "remscheid";
    CU_ASSERT(act_now(fixture, &there));
    CU_ASSERT(act_now(fixture, &back));
    CU_ASSERT(mg_store_deliveries(fixture->store, &message.accept.id, &deliveries, &count, NULL));
    CU_ASSERT_EQUAL(count, 2);
    free(deliveries);
    CU_ASSERT(queue_stays(fixture, "remscheid", 1, 0));
    CU_ASSERT(queue_stays(fixture, "solingen", 0, 0));
    message_free(&message);
}

static void nothing_is_moved_to_where_it_is_or_was_delivered(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "solingen"};
    message.accept.delivery_count = 2;
    CU_ASSERT_FATAL(accept_new(fixture, &message));
    end_one(fixture, "remscheid", MG_DELIVERY_DEAD, false, 20000);
    struct mg_store_act act = act_of(MG_ACT_MOVE, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT_FALSE(act_now(fixture, &act));
    CU_ASSERT_STRING_EQUAL(act.error.code, "act.there");
    end_one(fixture, "solingen", MG_DELIVERY_DELIVERED, false, 20000);
    CU_ASSERT_FALSE(act_now(fixture, &act));
    CU_ASSERT_STRING_EQUAL(act.error.code, "act.there");
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_DEAD);
    CU_ASSERT_EQUAL(lines_about(fixture, &message), 0);
    message_free(&message);
}

/* ---- refusals ---- */

static void of_two_who_act_on_the_same_sight_one_wins(struct fixture *fixture)
{
    struct test_message message;
    bool one_done = false, other_done = false;
    make_dead(fixture, &message, 1);
    struct mg_store_act one = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_DEAD, 1);
    struct mg_store_act other = act_of(MG_ACT_CANCEL, &message, MG_DELIVERY_DEAD, 1);
    one.done = other.done = acted;
    one.context = &one_done;
    other.context = &other_done;
    mg_store_act(fixture->store, &one);
    mg_store_act(fixture->store, &other);
    while (!one_done || !other_done)
        mg_handoff_wait(fixture->handoff, -1);
    CU_ASSERT(one.ok);
    CU_ASSERT_FALSE(other.ok);
    CU_ASSERT_STRING_EQUAL(other.error.code, "act.conflict");
    CU_ASSERT(other.found);
    CU_ASSERT_EQUAL(other.state, MG_DELIVERY_WAITING);
    CU_ASSERT_EQUAL(other.attempts, 1);
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_WAITING);
    CU_ASSERT_EQUAL(lines_about(fixture, &message), 1);
    message_free(&message);
}

static void refuse_each(struct fixture *fixture, const struct test_message *message,
                        enum mg_delivery_state state, int attempts, const char *code)
{
    for (int kind = MG_ACT_RETRY; kind <= MG_ACT_MOVE; kind++) {
        struct mg_store_act act = act_of((enum mg_store_act_kind)kind, message, state, attempts);
        CU_ASSERT_FALSE(act_now(fixture, &act));
        CU_ASSERT_STRING_EQUAL(act.error.code, code);
    }
}

static void an_act_on_what_is_not_so_changes_nothing(struct fixture *fixture)
{
    struct test_message message, never;
    struct mg_store_delivery delivery;
    accept_message(fixture, &message, 1);
    message_make(&never, 2, "remscheid");
    refuse_each(fixture, &never, MG_DELIVERY_DEAD, 1, "act.unknown");
    refuse_each(fixture, &message, MG_DELIVERY_DEAD, 0, "act.conflict");
    refuse_each(fixture, &message, MG_DELIVERY_WAITING, 1, "act.conflict");
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", NOW, NOW + 1000, &delivery));
    refuse_each(fixture, &message, MG_DELIVERY_RUNNING, 1, "act.running");
    refuse_each(fixture, &message, MG_DELIVERY_WAITING, 0, "act.running");
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, NOW);
    CU_ASSERT(outcome_now(fixture, &outcome));
    refuse_each(fixture, &message, MG_DELIVERY_DELIVERED, 1, "act.over");
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_DELIVERED);
    CU_ASSERT(queue_stays(fixture, "remscheid", 0, 0));
    CU_ASSERT(queue_stays(fixture, "solingen", 0, 0));
    CU_ASSERT_EQUAL(lines_about(fixture, &message), 0);
    message_free(&message);
    message_free(&never);
}

static void what_was_taken_and_not_settled_in_time_may_be_acted_on(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    accept_message(fixture, &message, 1);
    CU_ASSERT_FATAL(take_one(fixture, "remscheid", 20000, NOW + 1, &delivery));
    struct mg_store_act act = act_of(MG_ACT_CANCEL, &message, MG_DELIVERY_WAITING, 1);
    CU_ASSERT_FALSE(act_now(fixture, &act));
    act.now = NOW + 2;
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT(queue_stays(fixture, "remscheid", 0, 0));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, NOW + 3);
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    message_free(&message);
}

/* ---- what is held, as a restore leaves it ---- */

static void hold_everything(struct fixture *fixture)
{
    char path[128];
    sqlite3 *database;
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    CU_ASSERT_FATAL(sqlite3_open(path, &database) == SQLITE_OK);
    CU_ASSERT(sqlite3_exec(database, "UPDATE deliveries SET state = 2 WHERE ended = 0", NULL, NULL,
                           NULL) == SQLITE_OK);
    sqlite3_close(database);
    CU_ASSERT_FATAL(fixture_open(fixture));
}

static size_t count_held(struct fixture *fixture)
{
    const struct mg_store_query query = {.state = MG_DELIVERY_HELD, .limit = 10};
    struct mg_store_hits hits;
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    size_t count = hits.count;
    mg_store_hits_free(&hits);
    return count;
}

static int64_t held_of(struct fixture *fixture)
{
    struct mg_store_queue queue;
    mg_store_queue(fixture->store, "remscheid", &queue);
    return queue.held;
}

static void what_is_held_waits_for_an_operator(void)
{
    struct fixture fixture;
    struct test_message messages[3];
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    for (unsigned i = 0; i < 3; i++)
        accept_message(&fixture, &messages[i], i + 1);
    hold_everything(&fixture);
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT_EQUAL(count_held(&fixture), 3);
    CU_ASSERT_EQUAL(held_of(&fixture), 3);
    struct mg_store_act retry = act_of(MG_ACT_RETRY, &messages[0], MG_DELIVERY_HELD, 0);
    struct mg_store_act cancel = act_of(MG_ACT_CANCEL, &messages[1], MG_DELIVERY_HELD, 0);
    struct mg_store_act move = act_of(MG_ACT_MOVE, &messages[2], MG_DELIVERY_HELD, 0);
    CU_ASSERT(act_now(&fixture, &retry));
    CU_ASSERT_EQUAL(held_of(&fixture), 2);
    CU_ASSERT(act_now(&fixture, &cancel));
    CU_ASSERT_EQUAL(held_of(&fixture), 1);
    CU_ASSERT(act_now(&fixture, &move));
    CU_ASSERT_EQUAL(held_of(&fixture), 0);
    CU_ASSERT_EQUAL(count_held(&fixture), 0);
    CU_ASSERT(queue_stays(&fixture, "remscheid", 1, 0));
    CU_ASSERT(queue_stays(&fixture, "solingen", 1, 0));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", NOW, NOW + 1000, &delivery));
    CU_ASSERT(memcmp(&delivery.message, &messages[0].accept.id, sizeof delivery.message) == 0);
    CU_ASSERT_EQUAL(delivery.since, NOW);
    for (size_t i = 0; i < 3; i++)
        message_free(&messages[i]);
    fixture_end(&fixture);
}

/* ---- retention ---- */

static void what_was_revived_is_kept_until_it_has_ended_anew(struct fixture *fixture)
{
    struct test_message message;
    fixture->options.keep_content = 1000;
    fixture->options.keep_trace = 5000;
    mg_store_set_retention(fixture->store, 1000, 5000);
    make_dead(fixture, &message, 1); /* at 20000 */
    struct mg_store_act act = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT(act_now(fixture, &act));
    CU_ASSERT(expire_all(fixture, 90000));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    end_one(fixture, "remscheid", MG_DELIVERY_DELIVERED, false, 100000);
    CU_ASSERT(expire_all(fixture, 100900));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    CU_ASSERT(expire_all(fixture, 101001));
    CU_ASSERT_FALSE(message_is_stored(fixture->store, &message));
    CU_ASSERT(expire_all(fixture, 104900));
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_DELIVERED);
    CU_ASSERT(expire_all(fixture, 105001));
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), -1);
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL));
    CU_ASSERT_EQUAL(totals.messages, 0);
    message_free(&message);
}

static void what_has_no_content_any_more_is_not_revived(struct fixture *fixture)
{
    struct test_message message;
    mg_store_set_retention(fixture->store, 1000, 900000);
    make_dead(fixture, &message, 1);
    CU_ASSERT(expire_all(fixture, 30000));
    struct mg_store_act retry = act_of(MG_ACT_RETRY, &message, MG_DELIVERY_DEAD, 1);
    struct mg_store_act move = act_of(MG_ACT_MOVE, &message, MG_DELIVERY_DEAD, 1);
    struct mg_store_act cancel = act_of(MG_ACT_CANCEL, &message, MG_DELIVERY_DEAD, 1);
    CU_ASSERT_FALSE(act_now(fixture, &retry));
    CU_ASSERT_STRING_EQUAL(retry.error.code, "act.gone");
    CU_ASSERT_FALSE(act_now(fixture, &move));
    CU_ASSERT_STRING_EQUAL(move.error.code, "act.gone");
    CU_ASSERT(act_now(fixture, &cancel));
    message_free(&message);
}

/* ---- all of a destination ---- */

static void all_that_are_dead_are_revived_in_batches(struct fixture *fixture)
{
    const size_t count = MG_STORE_REVIVE_LIMIT + 10;
    struct test_message *messages = calloc(count, sizeof *messages);
    for (size_t i = 0; i < count; i++)
        make_dead(fixture, &messages[i], (unsigned)i + 1);
    struct mg_store_revive revival = {.destination = "remscheid",
                                      .died_by = 30000,
                                      .now = NOW,
                                      .code = "operator.retry",
                                      .text = "anna: because"};
    size_t revived_ones = 0, calls = 0;
    do {
        CU_ASSERT_FATAL(revive_now(fixture, &revival));
        CU_ASSERT(revival.revived <= MG_STORE_REVIVE_LIMIT);
        revived_ones += revival.revived;
        revival.after = revival.next;
    } while (revival.more && ++calls < 10);
    CU_ASSERT_EQUAL(revived_ones, count);
    CU_ASSERT(queue_stays(fixture, "remscheid", (int64_t)count, 0));
    CU_ASSERT(last_event_is(fixture, &messages[count - 1], "operator.retry", "remscheid"));
    for (size_t i = 0; i < count; i++)
        message_free(&messages[i]);
    free(messages);
}

static void what_died_after_the_act_began_stays_dead(struct fixture *fixture)
{
    struct test_message before, after, elsewhere;
    make_dead(fixture, &before, 1);
    accept_message(fixture, &after, 2);
    end_one(fixture, "remscheid", MG_DELIVERY_DEAD, false, 40000);
    message_make(&elsewhere, 3, "wuppertal");
    CU_ASSERT_FATAL(accept_new(fixture, &elsewhere));
    end_one(fixture, "wuppertal", MG_DELIVERY_DEAD, false, 20000);
    struct mg_store_revive revival = {.destination = "remscheid",
                                      .died_by = 30000,
                                      .now = NOW,
                                      .code = "operator.retry",
                                      .text = "anna: because"};
    CU_ASSERT(revive_now(fixture, &revival));
    CU_ASSERT_EQUAL(revival.revived, 1);
    CU_ASSERT_EQUAL(state_of(fixture, &before.accept.id), MG_DELIVERY_WAITING);
    CU_ASSERT_EQUAL(state_of(fixture, &after.accept.id), MG_DELIVERY_DEAD);
    CU_ASSERT_EQUAL(state_of(fixture, &elsewhere.accept.id), MG_DELIVERY_DEAD);
    message_free(&before);
    message_free(&after);
    message_free(&elsewhere);
}

/* ---- pauses ---- */

static bool is_paused(struct fixture *fixture, const char *by)
{
    struct mg_store_pause *pauses;
    size_t count;
    CU_ASSERT(mg_store_pauses(fixture->store, &pauses, &count, NULL));
    bool is = count == 1 && strcmp(pauses[0].destination, "remscheid") == 0 &&
              strcmp(pauses[0].by, by) == 0 && strcmp(pauses[0].why, "maintenance") == 0 &&
              pauses[0].since == NOW;
    free(pauses);
    return is;
}

static void a_pause_is_remembered_until_it_is_lifted(struct fixture *fixture)
{
    struct mg_store_pausing pausing = {
        .destination = "remscheid", .now = NOW, .by = "anna", .why = "maintenance", .line = "{}"};
    CU_ASSERT(pause_now(fixture, &pausing));
    CU_ASSERT(is_paused(fixture, "anna"));
    pausing.by = "bert";
    CU_ASSERT_FALSE(pause_now(fixture, &pausing));
    CU_ASSERT_STRING_EQUAL(pausing.error.code, "act.conflict");
    if (fixture->open == mg_store_sqlite_open) {
        fixture_close(fixture);
        CU_ASSERT_FATAL(fixture_open(fixture));
    }
    CU_ASSERT(is_paused(fixture, "anna"));
    pausing.resume = true;
    CU_ASSERT(pause_now(fixture, &pausing));
    CU_ASSERT_FALSE(pause_now(fixture, &pausing));
    CU_ASSERT_FALSE(is_paused(fixture, "anna"));
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 2);
}

/* ---- power loss ---- */

#define VICTIMS 8

static struct fixture lossy;
static struct test_message victims[VICTIMS];
static struct mg_store_act acts[VICTIMS];
static bool done[VICTIMS];

static void begin_lossy(unsigned seed)
{
    lossy_vfs_reset(seed);
    fixture_begin(&lossy, mg_store_memory_open);
    fixture_close(&lossy);
    lossy.open = mg_store_sqlite_open;
    lossy.options.sqlite_vfs = LOSSY_VFS;
    CU_ASSERT_FATAL(fixture_open(&lossy));
    for (size_t i = 0; i < VICTIMS; i++) {
        make_dead(&lossy, &victims[i], (unsigned)i + 1);
        acts[i] = act_of((enum mg_store_act_kind)(i % 3), &victims[i], MG_DELIVERY_DEAD, 1);
        acts[i].done = acted;
        acts[i].context = &done[i];
        done[i] = false;
    }
}

/* Whether the act happened; it happened whole, or not at all. */
static bool check_victim(size_t i)
{
    struct mg_store_delivery here = delivery_for(&lossy, &victims[i], "remscheid");
    struct mg_store_delivery there = delivery_for(&lossy, &victims[i], "solingen");
    bool happened = here.state != MG_DELIVERY_DEAD;
    CU_ASSERT_EQUAL(lines_about(&lossy, &victims[i]), happened);
    CU_ASSERT_EQUAL(there.attempts == 0, happened && acts[i].kind == MG_ACT_MOVE);
    CU_ASSERT(!happened || last_event_is(&lossy, &victims[i], acts[i].code, "remscheid"));
    CU_ASSERT(happened || !(done[i] && acts[i].ok));
    return happened;
}

static void an_act_survives_a_power_loss_whole_or_did_not_happen(void)
{
    size_t happened = 0, promised = 0, rounds = unit_amount(60, 10);
    for (unsigned round = 0; round < rounds; round++) {
        begin_lossy(round + 1);
        lossy_vfs_fail_after(1 + round * 13 % 61);
        for (size_t i = 0; i < VICTIMS; i++) {
            mg_store_act(lossy.store, &acts[i]);
            mg_handoff_wait(lossy.handoff, round % 2 ? 1 : 0);
        }
        fixture_close(&lossy);
        lossy_vfs_restore();
        CU_ASSERT_FATAL(fixture_open(&lossy));
        CU_ASSERT(chain_is_whole(&lossy));
        for (size_t i = 0; i < VICTIMS; i++) {
            happened += check_victim(i);
            promised += acts[i].ok;
            message_free(&victims[i]);
        }
        fixture_end(&lossy);
    }
    /* Otherwise the failures came too early or too late. */
    CU_ASSERT(promised > 0 && happened >= promised && happened < rounds * VICTIMS);
    printf("# %zu acts of %zu happened, %zu were promised\n", happened, rounds * VICTIMS, promised);
}

/* ---- the table ---- */

#define FOR_EACH_TEST(DO)                                                                          \
    DO(what_is_dead_waits_again_and_is_delivered)                                                  \
    DO(the_time_to_give_up_begins_anew_with_a_retry)                                               \
    DO(what_nobody_revived_waits_since_it_was_accepted)                                            \
    DO(what_waits_for_later_is_due_now)                                                            \
    DO(what_was_revived_goes_before_those_that_came_later)                                         \
    DO(a_dead_one_that_stood_in_the_way_no_longer_does)                                            \
    DO(what_is_cancelled_is_over)                                                                  \
    DO(what_is_moved_waits_at_the_other_destination_alone)                                         \
    DO(what_is_moved_back_revives_what_it_left)                                                    \
    DO(nothing_is_moved_to_where_it_is_or_was_delivered)                                           \
    DO(of_two_who_act_on_the_same_sight_one_wins)                                                  \
    DO(an_act_on_what_is_not_so_changes_nothing)                                                   \
    DO(what_was_taken_and_not_settled_in_time_may_be_acted_on)                                     \
    DO(what_was_revived_is_kept_until_it_has_ended_anew)                                           \
    DO(what_has_no_content_any_more_is_not_revived)                                                \
    DO(all_that_are_dead_are_revived_in_batches)                                                   \
    DO(what_died_after_the_act_began_stays_dead)                                                   \
    DO(a_pause_is_remembered_until_it_is_lifted)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(what_is_held_waits_for_an_operator),
        UNIT_TEST(an_act_survives_a_power_loss_whole_or_did_not_happen)};
    return unit_run("store-acts", tests, sizeof tests / sizeof *tests);
}
