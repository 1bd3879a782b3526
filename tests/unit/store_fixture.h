/*
 * store_fixture: a store in a folder of its own, and calls that wait for their completion, so that
 * a test of the store reads as what it proves.
 */
#ifndef MUENGSTEN_TESTS_STORE_FIXTURE_H
#define MUENGSTEN_TESTS_STORE_FIXTURE_H

#include "gateway/store/journal.h"
#include "gateway/store/store.h"

typedef struct mg_store *(*store_opener)(const struct mg_store_options *options,
                                         struct mg_handoff *handoff, struct mg_error *error);

struct fixture {
    char folder[64];
    store_opener open;
    struct mg_store_options options;
    struct mg_handoff *handoff;
    struct mg_store *store;
    struct mg_error error;
};

/* Makes the folder and opens the store in it; ends the program if that fails. */
void fixture_begin(struct fixture *fixture, store_opener open);
/* Closes, drains, and opens again; store is NULL and error is filled if it does not open. */
void fixture_close(struct fixture *fixture);
bool fixture_open(struct fixture *fixture);
/* Closes, and deletes the folder. */
void fixture_end(struct fixture *fixture);

#define FIXTURE_PARTS        6
#define FIXTURE_DESTINATIONS 3

/* A message with everything a call needs. Its parts' bytes follow from its seed. */
struct test_message {
    struct mg_store_accept accept;
    struct mg_store_part parts[FIXTURE_PARTS];
    struct mg_store_delivery_plan plans[FIXTURE_DESTINATIONS];
    char uuid[MG_ID_TEXT_SIZE];
    char *bytes;
    bool done;
};

/* A message with content, original, receipt and header, for one destination. */
void message_make(struct test_message *message, unsigned seed, const char *destination);
void message_free(struct test_message *message);
/* True if the store holds the message with every part of it byte for byte. */
bool message_is_stored(struct mg_store *store, const struct test_message *message);
/* True if the store knows that there was such a message, with or without its parts. */
bool message_is_known(struct mg_store *store, const struct mg_id *id);

/* Asks, and waits for the completion; the result is in the call. */
void accept_now(struct fixture *fixture, struct test_message *message);
bool accept_new(struct fixture *fixture, struct test_message *message);
/* The caller frees claim->deliveries. */
void claim_now(struct fixture *fixture, struct mg_store_claim *claim);
/* Claims one that is due now, until the lease; false if there is none. */
bool claim_one(struct fixture *fixture, const char *destination, int64_t now, int64_t lease,
               struct mg_store_delivery *delivery);
struct mg_store_outcome outcome_of(const struct mg_store_delivery *delivery,
                                   enum mg_delivery_state state, int64_t now);
bool outcome_now(struct fixture *fixture, struct mg_store_outcome *outcome);
bool expire_all(struct fixture *fixture, int64_t now);

/* Takes the oldest, or the given one; false, and the error in the call, if there is none. */
bool take_now(struct fixture *fixture, struct mg_store_take *take);
bool take_one(struct fixture *fixture, const char *destination, int64_t now, int64_t lease,
              struct mg_store_delivery *delivery);
struct mg_store_settle settle_of(const struct mg_store_delivery *delivery,
                                 enum mg_delivery_state state, int64_t now);
bool settle_now(struct fixture *fixture, struct mg_store_settle *settle);

bool note_now(struct fixture *fixture, const char *subject, const char *line);
/* How many lines the journal has about a subject (NULL: at all). */
size_t lines_of(struct fixture *fixture, const char *subject);
/* Computes every hash of the journal anew: true if all are right and no number is missing. */
bool chain_is_whole(struct fixture *fixture);

/* The state of a message's first delivery, or -1. */
int state_of(struct fixture *fixture, const struct mg_id *message);

/* ---- a table of tests that the durable store and the one in memory both have to pass ---- */

void run_in(store_opener open, void (*test)(struct fixture *fixture));

#define IN_BOTH(test)                                                                              \
    static void sqlite_##test(void)                                                                \
    {                                                                                              \
        run_in(mg_store_sqlite_open, test);                                                        \
    }                                                                                              \
    static void memory_##test(void)                                                                \
    {                                                                                              \
        run_in(mg_store_memory_open, test);                                                        \
    }

#define ENTRIES(test) UNIT_TEST(sqlite_##test), UNIT_TEST(memory_##test),

#endif
