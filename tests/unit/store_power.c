/* Power loss: the store runs on a disk that forgets whatever was not synced, the power fails at
 * random moments, and afterwards everything that was promised is there. */
#include "tests/unit/lossy_vfs.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_ON_ONE_DISK 6
#define MESSAGES           400 /* on one disk at most */
#define READERS            4   /* of the box, at once */
#define BOX                "buergeramt-box"

/* What the world outside knows of a message. */
struct witness {
    struct test_message message;
    struct mg_store_outcome outcome;
    bool asked;    /* the outcome */
    bool recorded; /* the outcome's completion said ok */
    bool outcome_done;
    int running; /* calls underway */
    /* Its delivery to the box. */
    struct mg_store_settle settle;
    bool taken;     /* a taking completed, and was not settled since */
    bool settling;  /* asked, and not completed */
    bool asked_for; /* somebody asked to have it collected */
    bool collected; /* and was told that it is */
    int attempt;
    int64_t lease;
};

struct world {
    struct fixture fixture;
    struct witness witnesses[MESSAGES];
    size_t count;
    struct mg_store_claim claim;
    bool claiming;
    struct mg_store_take takes[READERS];
    bool taking[READERS];
    unsigned seed;
    int64_t now;
    size_t promises; /* kept, as far as was checked */
    size_t losses;
    size_t takings;     /* that a power loss met, and that held */
    size_t settlements; /* the same */
};

static struct world world;

static unsigned chance(unsigned below)
{
    world.seed = world.seed * 1103515245 + 12345;
    return (world.seed >> 16) % below;
}

/* Whether one promise was kept. Counted and not asserted, since a disk that lies has to break some.
 */
static void expect(bool kept)
{
    world.promises += kept;
    world.losses += !kept;
}

static void recorded(struct mg_store_outcome *outcome)
{
    struct witness *witness = outcome->context;
    witness->recorded = outcome->ok;
    witness->outcome_done = true;
}

static struct witness *witness_of(const struct mg_id *message)
{
    for (size_t i = 0; i < world.count; i++)
        if (memcmp(&world.witnesses[i].message.accept.id, message, sizeof *message) == 0)
            return &world.witnesses[i];
    return NULL;
}

static void claimed(struct mg_store_claim *claim)
{
    world.claiming = false;
    /* The store may be gone by the time its last completions are drained. */
    size_t count = claim->ok && world.fixture.store ? claim->count : 0;
    for (size_t i = 0; i < count; i++) {
        struct witness *witness = witness_of(&claim->deliveries[i].message);
        /* Nothing is delivered that was not accepted. */
        expect(witness);
        if (!witness || (witness->asked && !witness->outcome_done))
            continue;
        witness->outcome = outcome_of(&claim->deliveries[i], MG_DELIVERY_DELIVERED, world.now);
        witness->outcome.done = recorded;
        witness->outcome.context = witness;
        witness->outcome.line = "delivered";
        witness->asked = true;
        witness->outcome_done = false;
        mg_store_outcome(world.fixture.store, &witness->outcome);
    }
    free(claim->deliveries);
    claim->deliveries = NULL;
}

static void settled(struct mg_store_settle *settle)
{
    struct witness *witness = settle->context;
    witness->settling = false;
    witness->collected = settle->ok && settle->state == MG_DELIVERY_COLLECTED;
}

static void ask_for_settlement(struct witness *witness)
{
    enum mg_delivery_state state = chance(4) ? MG_DELIVERY_COLLECTED : MG_DELIVERY_WAITING;
    witness->settle =
        (struct mg_store_settle){.destination = BOX,
                                 .message = witness->message.accept.id,
                                 .attempt = witness->attempt,
                                 .state = state,
                                 .now = world.now,
                                 .code = "settled",
                                 .line = state == MG_DELIVERY_COLLECTED ? "collected" : NULL,
                                 .done = settled,
                                 .context = witness};
    witness->settling = true;
    witness->taken = false;
    witness->asked_for = witness->asked_for || state == MG_DELIVERY_COLLECTED;
    mg_store_settle(world.fixture.store, &witness->settle);
}

static void taken(struct mg_store_take *take)
{
    *(bool *)take->context = false;
    if (!take->ok || !take->found)
        return;
    struct witness *witness = witness_of(&take->delivery.message);
    expect(witness);
    if (!witness)
        return;
    /* Two readers never have it at once, and what was collected does not come back. */
    expect(!(witness->taken && witness->lease > take->now) && !witness->collected);
    witness->taken = true;
    witness->attempt = take->delivery.attempts;
    witness->lease = take->lease;
    if (world.fixture.store && !witness->settling && chance(3))
        ask_for_settlement(witness);
}

static void ask_for_taking(void)
{
    for (size_t i = 0; i < READERS; i++) {
        if (world.taking[i])
            continue;
        world.taking[i] = true;
        world.takes[i] = (struct mg_store_take){.destination = BOX,
                                                .now = world.now,
                                                .lease = world.now + 1 + chance(3),
                                                .done = taken,
                                                .context = &world.taking[i]};
        mg_store_take(world.fixture.store, &world.takes[i]);
        return;
    }
}

static void ask_for_claim(void)
{
    if (world.claiming)
        return;
    world.claiming = true;
    world.claim = (struct mg_store_claim){.destination = "remscheid",
                                          .limit = 1 + chance(8),
                                          .now = world.now,
                                          .lease = world.now + 1000000,
                                          .done = claimed};
    mg_store_claim(world.fixture.store, &world.claim);
}

static void ask_for_accept(void)
{
    if (world.count == MESSAGES)
        return;
    struct witness *witness = &world.witnesses[world.count++];
    *witness = (struct witness){0};
    message_make(&witness->message, world.seed + (unsigned)world.count, "remscheid");
    witness->message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), BOX};
    witness->message.accept.delivery_count = 2;
    witness->message.accept.line = "accepted";
    mg_store_accept(world.fixture.store, &witness->message.accept);
}

/* Calls of all kinds until the power is gone, or for some steps. An expiry empties the log, so that
 * failures also hit checkpoints. */
static void live(int steps)
{
    for (int i = 0; i < steps && !lossy_vfs_is_dark(); i++) {
        unsigned what = chance(26);
        struct mg_store_expiry expiry = {.now = 0};
        if (what < 10)
            ask_for_accept();
        else if (what < 16)
            ask_for_claim();
        else if (what == 16)
            mg_store_expire(world.fixture.store, &expiry, NULL);
        else if (what < 21)
            ask_for_taking();
        else
            mg_handoff_wait(world.fixture.handoff, 1);
    }
}

static bool was_promised(const struct witness *witness)
{
    return witness->message.done && witness->message.accept.ok;
}

/* A delivery goes on unless its outcome was recorded; one whose outcome was recorded does not. */
static void check_state(struct witness *witness)
{
    int state = state_of(&world.fixture, &witness->message.accept.id);
    bool over = state == MG_DELIVERY_DELIVERED;
    expect(witness->recorded ? over : state == MG_DELIVERY_WAITING || (witness->asked && over));
    witness->recorded = over;
}

static bool read_boxed(const struct witness *witness, struct mg_store_delivery *boxed)
{
    struct mg_store_delivery *deliveries;
    size_t count;
    bool found = mg_store_deliveries(world.fixture.store, &witness->message.accept.id, &deliveries,
                                     &count, NULL) &&
                 count == 2;
    if (found)
        *boxed = deliveries[1];
    free(deliveries);
    return found;
}

/* A taking that completed holds until its lease ends. A settlement that did not complete happened
 * or did not, and can be asked for again. */
static void check_box(struct witness *witness)
{
    struct mg_store_delivery boxed = {0};
    expect(read_boxed(witness, &boxed));
    bool over = boxed.state == MG_DELIVERY_COLLECTED;
    bool runs = boxed.state == MG_DELIVERY_RUNNING;
    world.settlements += witness->collected && over;
    world.takings += witness->taken && witness->lease > world.now && runs;
    if (witness->collected)
        expect(over);
    else if (witness->taken && witness->lease > world.now)
        expect(runs && boxed.attempts == witness->attempt);
    else
        expect(runs || boxed.state == MG_DELIVERY_WAITING || (over && witness->asked_for));
    if (over)
        expect(settle_now(&world.fixture, &witness->settle));
    witness->collected = over;
    witness->taken = witness->taken && runs;
    witness->settling = false;
}

/* The journal says of a message what happened to it, and nothing else. */
static void check_lines(const struct witness *witness, bool found)
{
    char subject[MG_ID_TEXT_SIZE];
    size_t lines = lines_of(&world.fixture, mg_id_text(&witness->message.accept.id, subject));
    expect(lines == (size_t)found + (found && witness->recorded) + (found && witness->collected));
}

static void check_witness(struct witness *witness)
{
    struct mg_store_message known;
    bool found = false;
    expect(mg_store_find(world.fixture.store, &witness->message.accept.id, &known, &found, NULL));
    /* Of what was not promised it may be there whole, though nobody was told, but never half. */
    if (was_promised(witness) || found)
        expect(found && message_is_stored(world.fixture.store, &witness->message));
    if (found) {
        check_state(witness);
        check_box(witness);
    }
    check_lines(witness, found);
    /* What the world learns from looking counts from now on. */
    witness->message.done = witness->message.accept.ok = found;
}

static bool is_intact(void)
{
    char path[128];
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    snprintf(path, sizeof path, "%s/store.db", world.fixture.folder);
    bool intact =
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, LOSSY_VFS) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return intact;
}

/* Everything in the store is something that somebody asked for. */
static bool holds_nothing_else(void)
{
    struct mg_store_totals totals;
    int64_t known = 0;
    for (size_t i = 0; i < world.count; i++) {
        struct mg_store_message message;
        bool found = false;
        mg_store_find(world.fixture.store, &world.witnesses[i].message.accept.id, &message, &found,
                      NULL);
        known += found;
    }
    return mg_store_totals(world.fixture.store, &totals, NULL) && totals.messages == known;
}

static void lose_power(void)
{
    lossy_vfs_fail_after(1);
    fixture_close(&world.fixture);
    lossy_vfs_restore();
}

/* The store is not opened yet: the power may already fail while it is made. */
static void begin_world(unsigned seed)
{
    world.seed = seed;
    world.count = 0;
    world.claiming = false;
    memset(world.taking, 0, sizeof world.taking);
    world.now = 10000;
    lossy_vfs_reset(seed);
    fixture_begin(&world.fixture, mg_store_memory_open);
    fixture_close(&world.fixture);
    world.fixture.open = mg_store_sqlite_open;
    world.fixture.options.sqlite_vfs = LOSSY_VFS;
}

static void end_world(void)
{
    for (size_t i = 0; i < world.count; i++)
        message_free(&world.witnesses[i].message);
    fixture_end(&world.fixture);
}

/* One failure. It may also come while the store opens, for the first time or again. */
static void fail_once(void)
{
    lossy_vfs_fail_after(1 + (long)chance(chance(2) ? 60 : 400));
    if (fixture_open(&world.fixture))
        live(60 + (int)chance(100));
    lose_power();
}

static void check_world(void)
{
    bool opened = fixture_open(&world.fixture);
    expect(opened);
    if (!opened)
        return;
    expect(holds_nothing_else());
    expect(chain_is_whole(&world.fixture));
    for (size_t i = 0; i < world.count; i++)
        check_witness(&world.witnesses[i]);
    world.now++;
    fixture_close(&world.fixture);
    expect(is_intact());
}

static void what_was_promised_survives_every_power_loss(void)
{
    const unsigned rounds = (unsigned)unit_amount(50, 8) * ROUNDS_ON_ONE_DISK;
    world.promises = world.losses = world.takings = world.settlements = 0;
    for (unsigned round = 0; round < rounds; round++) {
        if (round % ROUNDS_ON_ONE_DISK == 0)
            begin_world(round + 1);
        fail_once();
        check_world();
        if (round % ROUNDS_ON_ONE_DISK == ROUNDS_ON_ONE_DISK - 1)
            end_world();
    }
    CU_ASSERT_EQUAL(world.losses, 0);
    /* Otherwise the failures came before anything was promised. */
    CU_ASSERT(world.promises > rounds);
    CU_ASSERT(world.takings > 0 && world.settlements > 0);
    printf("# %zu promises kept in %u failures, among them %zu times a taking and %zu times a "
           "settlement\n",
           world.promises, rounds, world.takings, world.settlements);
}

/* The same on a disk that only claims to sync: if this test found nothing missing, the one above
 * would prove nothing. */
static void a_disk_that_lies_about_syncs_is_found_out(void)
{
    world.promises = world.losses = 0;
    for (unsigned round = 0; round < 30 && world.losses == 0; round++) {
        begin_world(round + 1);
        if (fixture_open(&world.fixture)) {
            lossy_vfs_lie(true);
            live(100);
            mg_handoff_wait(world.fixture.handoff, 20);
        }
        lose_power();
        check_world();
        end_world();
    }
    CU_ASSERT(world.losses > 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_was_promised_survives_every_power_loss),
        UNIT_TEST(a_disk_that_lies_about_syncs_is_found_out),
    };
    return unit_run("store-power", tests, sizeof tests / sizeof *tests);
}
