#include "tests/unit/store_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *position)
{
    (void)facts, (void)type, (void)position;
    return remove(path);
}

void fixture_begin(struct fixture *fixture, store_opener open)
{
    *fixture = (struct fixture){.open = open};
    const char *place = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%s/muengsten-store-XXXXXX",
             place && strlen(place) < 32 ? place : "/tmp");
    fixture->handoff = mg_handoff_new(&fixture->error);
    if (!fixture->handoff || !mkdtemp(fixture->folder))
        mg_die("the test gets no folder of its own");
    fixture->options = (struct mg_store_options){
        .folder = fixture->folder,
        .node = "here",
        .inline_limit = 10000,
        .keep_content = 1000,
        .keep_trace = 5000,
    };
    if (!fixture_open(fixture))
        mg_die("the test's store does not open: %s", fixture->error.text);
}

bool fixture_open(struct fixture *fixture)
{
    fixture->store = fixture->open(&fixture->options, fixture->handoff, &fixture->error);
    return fixture->store;
}

void fixture_close(struct fixture *fixture)
{
    mg_store_close(fixture->store);
    fixture->store = NULL;
    mg_handoff_drain(fixture->handoff);
}

void fixture_end(struct fixture *fixture)
{
    fixture_close(fixture);
    mg_handoff_free(fixture->handoff);
    nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- messages ---- */

static void accepted(struct mg_store_accept *accept)
{
    ((struct test_message *)accept->context)->done = true;
}

void message_make(struct test_message *message, unsigned seed, const char *destination)
{
    static const struct {
        int kind;
        size_t length;
    } plan[] = {{MG_PART_CONTENT, 3000},
                {MG_PART_ORIGINAL, 9000},
                {MG_PART_RECEIPT, 1200},
                {MG_PART_HEADER, 300}};
    *message = (struct test_message){.plans[0] = {mg_id_new(), destination}};
    message->bytes = mg_allocate(16384);
    for (size_t i = 0; i < 16384; i++) {
        seed = seed * 1103515245 + 12345;
        message->bytes[i] = (char)(seed >> 16);
    }
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++)
        message->parts[i] = (struct mg_store_part){
            .kind = plan[i].kind, .bytes = message->bytes + 1000 * i, .length = plan[i].length};
    struct mg_id uuid = mg_id_new();
    mg_id_text(&uuid, message->uuid);
    message->accept = (struct mg_store_accept){
        .id = mg_id_new(),
        .partner = "wuppertal-portal",
        .way = "submission",
        .uuid = message->uuid,
        .digest = {(uint8_t)seed, 1, 2, 3},
        .profile = "service",
        .type = "service:0401",
        .author = "ags:05124000",
        .reader = "ags:05120000",
        .received = 10000,
        .remembered_until = INT64_MAX,
        .parts = message->parts,
        .part_count = sizeof plan / sizeof *plan,
        .deliveries = message->plans,
        .delivery_count = 1,
        .done = accepted,
        .context = message,
    };
}

void message_free(struct test_message *message)
{
    free(message->bytes);
    message->bytes = NULL;
}

static bool part_is_stored(struct mg_store *store, const struct mg_id *id,
                           const struct mg_store_part *part)
{
    struct mg_store_part_facts facts;
    char bytes[16384];
    size_t length = 0;
    if (!mg_store_part(store, id, part->kind, &facts, NULL) || facts.size != (int64_t)part->length)
        return false;
    for (ssize_t got; (got = mg_store_read(store, id, part->kind, (int64_t)length, bytes + length,
                                           997, NULL)) != 0;
         length += (size_t)got)
        if (got < 0 || length + (size_t)got + 997 > sizeof bytes)
            return false;
    return length == part->length && memcmp(bytes, part->bytes, length) == 0;
}

bool message_is_stored(struct mg_store *store, const struct test_message *message)
{
    struct mg_store_message known;
    bool found, same = mg_store_find(store, &message->accept.id, &known, &found, NULL) && found &&
                       strcmp(known.uuid, message->uuid) == 0;
    for (size_t i = 0; same && i < message->accept.part_count; i++)
        same = part_is_stored(store, &message->accept.id, &message->parts[i]);
    return same;
}

bool message_is_known(struct mg_store *store, const struct mg_id *id)
{
    struct mg_store_message message;
    bool found;
    if (!mg_store_find(store, id, &message, &found, NULL))
        mg_die("the store cannot be asked for a message");
    return found;
}

/* ---- calls ---- */

void accept_now(struct fixture *fixture, struct test_message *message)
{
    message->done = false;
    mg_store_accept(fixture->store, &message->accept);
    while (!message->done)
        mg_handoff_wait(fixture->handoff, -1);
}

bool accept_new(struct fixture *fixture, struct test_message *message)
{
    accept_now(fixture, message);
    return message->accept.ok && message->accept.result == MG_ACCEPT_NEW;
}

static void claimed(struct mg_store_claim *claim)
{
    *(bool *)claim->context = true;
}

void claim_now(struct fixture *fixture, struct mg_store_claim *claim)
{
    bool done = false;
    claim->done = claimed;
    claim->context = &done;
    mg_store_claim(fixture->store, claim);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
}

bool claim_one(struct fixture *fixture, const char *destination, int64_t now, int64_t lease,
               struct mg_store_delivery *delivery)
{
    struct mg_store_claim claim = {
        .destination = destination, .limit = 1, .now = now, .lease = lease};
    claim_now(fixture, &claim);
    bool found = claim.ok && claim.count == 1;
    if (found)
        *delivery = claim.deliveries[0];
    free(claim.deliveries);
    return found;
}

static void recorded(struct mg_store_outcome *outcome)
{
    *(bool *)outcome->context = true;
}

struct mg_store_outcome outcome_of(const struct mg_store_delivery *delivery,
                                   enum mg_delivery_state state, int64_t now)
{
    return (struct mg_store_outcome){
        .delivery = delivery->id,
        .message = delivery->message,
        .state = state,
        .attempt_counts = true,
        .now = now,
        .code = state == MG_DELIVERY_DELIVERED ? "delivered" : "destination.unreachable",
        .text = "nobody answers",
        .duration = 77,
    };
}

bool outcome_now(struct fixture *fixture, struct mg_store_outcome *outcome)
{
    bool done = false;
    outcome->done = recorded;
    outcome->context = &done;
    mg_store_outcome(fixture->store, outcome);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return outcome->ok;
}

bool expire_all(struct fixture *fixture, int64_t now)
{
    struct mg_store_expiry expiry = {.now = now, .more = true};
    bool passed = true;
    for (int i = 0; i < 100 && expiry.more && passed; i++)
        passed = mg_store_expire(fixture->store, &expiry, &fixture->error);
    return passed && !expiry.more;
}

static void taken(struct mg_store_take *take)
{
    *(bool *)take->context = true;
}

bool take_now(struct fixture *fixture, struct mg_store_take *take)
{
    bool done = false;
    take->done = taken;
    take->context = &done;
    mg_store_take(fixture->store, take);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return take->ok && take->found;
}

bool take_one(struct fixture *fixture, const char *destination, int64_t now, int64_t lease,
              struct mg_store_delivery *delivery)
{
    struct mg_store_take take = {.destination = destination, .now = now, .lease = lease};
    bool found = take_now(fixture, &take);
    if (found)
        *delivery = take.delivery;
    return found;
}

static void settled(struct mg_store_settle *settle)
{
    *(bool *)settle->context = true;
}

struct mg_store_settle settle_of(const struct mg_store_delivery *delivery,
                                 enum mg_delivery_state state, int64_t now)
{
    return (struct mg_store_settle){
        .destination = delivery->destination,
        .message = delivery->message,
        .attempt = delivery->attempts,
        .state = state,
        .now = now,
        .code = state == MG_DELIVERY_COLLECTED ? "collected" : "returned",
    };
}

bool settle_now(struct fixture *fixture, struct mg_store_settle *settle)
{
    bool done = false;
    settle->done = settled;
    settle->context = &done;
    mg_store_settle(fixture->store, settle);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return settle->ok;
}

void run_in(store_opener open, void (*test)(struct fixture *fixture))
{
    struct fixture fixture;
    fixture_begin(&fixture, open);
    test(&fixture);
    fixture_end(&fixture);
}

static void noted(struct mg_store_note *note)
{
    *(bool *)note->context = true;
}

bool note_now(struct fixture *fixture, const char *subject, const char *line)
{
    bool done = false;
    struct mg_store_note note = {.subject = subject, .line = line, .done = noted, .context = &done};
    mg_store_note(fixture->store, &note);
    while (!done)
        mg_handoff_wait(fixture->handoff, -1);
    return note.ok;
}

size_t lines_of(struct fixture *fixture, const char *subject)
{
    struct mg_store_journal_query query = {.subject = subject, .from = 1, .limit = 7};
    struct mg_store_lines lines;
    size_t count = 0;
    while (mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count > 0) {
        count += lines.count;
        query.from = lines.lines[lines.count - 1].number + 1;
        mg_store_lines_free(&lines);
    }
    return count;
}

bool chain_is_whole(struct fixture *fixture)
{
    struct mg_store_chain *chain = mg_store_chain_new();
    struct mg_store_journal_query query = {.from = 1, .limit = 7};
    struct mg_store_lines lines;
    uint8_t before[MG_STORE_HASH_SIZE] = {0}, hash[MG_STORE_HASH_SIZE];
    bool whole = true;
    while (mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count > 0) {
        for (size_t i = 0; i < lines.count; i++) {
            const struct mg_store_line *line = &lines.lines[i];
            mg_store_chain_hash(chain, before, line->number, line->time, line->subject, line->text,
                                line->length, hash);
            whole = whole && line->number == query.from + (int64_t)i &&
                    memcmp(hash, line->hash, sizeof hash) == 0;
            memcpy(before, line->hash, sizeof before);
        }
        query.from += (int64_t)lines.count;
        mg_store_lines_free(&lines);
    }
    mg_store_chain_free(chain);
    return whole && mg_store_journal_last(fixture->store) == query.from - 1;
}

int state_of(struct fixture *fixture, const struct mg_id *message)
{
    struct mg_store_delivery *deliveries;
    size_t count;
    if (!mg_store_deliveries(fixture->store, message, &deliveries, &count, NULL))
        return -1;
    int state = count > 0 ? (int)deliveries[0].state : -1;
    free(deliveries);
    return state;
}
