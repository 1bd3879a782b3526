#include "gateway/store/backup.h"

#include "gateway/base/clock.h"
#include "gateway/store/erase.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGES 5

/* A store with messages whose contents lie in the spool, and what was made of it. */
struct scene {
    struct fixture fixture;
    struct test_message messages[MESSAGES];
    char file[100];   /* the backup */
    char folder[100]; /* a store that is made of it */
    size_t held, lost, erased;
    int lost_attempts;
    char lost_deliveries[200]; /* "destination state, …" */
    struct mg_id first_held, first_lost, first_erased;
    struct mg_error error;
};

/* Lets the store take the message's content from the spool. */
static void spool_content(struct scene *scene, struct test_message *message)
{
    struct mg_store_part *part = &message->parts[0];
    struct mg_store_spool *spool = mg_store_spool_begin(scene->fixture.store, &scene->error);
    CU_ASSERT_FATAL(mg_store_spool_append(spool, part->bytes, part->length, &scene->error));
    CU_ASSERT_FATAL(mg_store_spool_finish(spool, &scene->error));
    part->spool = spool;
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){.held = 0};
    fixture_begin(&scene->fixture, mg_store_sqlite_open);
    fixture_close(&scene->fixture);
    scene->fixture.options.inline_limit = 64;
    CU_ASSERT_FATAL(fixture_open(&scene->fixture));
    for (unsigned i = 0; i < MESSAGES; i++) {
        message_make(&scene->messages[i], i + 1, "city");
        spool_content(scene, &scene->messages[i]);
        CU_ASSERT(accept_new(&scene->fixture, &scene->messages[i]));
    }
    snprintf(scene->file, sizeof scene->file, "%s.backup", scene->fixture.folder);
    snprintf(scene->folder, sizeof scene->folder, "%s/restored", scene->fixture.folder);
}

static void end(struct scene *scene)
{
    unlink(scene->file);
    for (size_t i = 0; i < MESSAGES; i++)
        message_free(&scene->messages[i]);
    fixture_end(&scene->fixture);
}

/* Makes a backup and writes it where scene->file says. */
static bool back_up(struct scene *scene)
{
    struct mg_store_backup backup = {.is_aborted = NULL};
    char block[4096];
    ssize_t length;
    int64_t size = 0;
    if (!mg_store_backup(scene->fixture.store, &backup, &scene->error))
        return false;
    FILE *file = fopen(scene->file, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while ((length = read(backup.file, block, sizeof block)) > 0)
        size += (int64_t)fwrite(block, 1, (size_t)length, file);
    fclose(file);
    close(backup.file);
    CU_ASSERT_EQUAL(size, backup.size);
    CU_ASSERT(backup.time <= mg_clock_now());
    return true;
}

static void note_held(const struct mg_store_restored *delivery, void *context)
{
    struct scene *scene = context;
    CU_ASSERT(delivery->destination[0]);
    CU_ASSERT(delivery->uuid[0] && delivery->partner[0] && delivery->received > 0);
    if (scene->held++ == 0)
        scene->first_held = delivery->message;
}

static void note_lost(const struct mg_store_restored *message, void *context)
{
    struct scene *scene = context;
    if (scene->lost++ == 0)
        scene->first_lost = message->message;
}

static void note_lost_delivery(const struct mg_store_restored *delivery, void *context)
{
    struct scene *scene = context;
    size_t used = strlen(scene->lost_deliveries);
    CU_ASSERT_EQUAL(memcmp(&delivery->message, &scene->first_lost, sizeof scene->first_lost), 0);
    CU_ASSERT(delivery->uuid[0] && delivery->partner[0] && delivery->received > 0);
    snprintf(scene->lost_deliveries + used, sizeof scene->lost_deliveries - used, "%s %d, ",
             delivery->destination, (int)delivery->state);
    scene->lost_attempts += delivery->attempts;
}

static void note_erased(const struct mg_store_restored *message, void *context)
{
    struct scene *scene = context;
    CU_ASSERT(message->uuid[0] && message->partner[0] && message->received > 0);
    if (scene->erased++ == 0)
        scene->first_erased = message->message;
}

static bool restore(struct scene *scene, const char *folder, bool replace,
                    struct mg_store_restore *done)
{
    scene->held = scene->lost = scene->erased = 0;
    scene->lost_attempts = 0;
    scene->lost_deliveries[0] = '\0';
    *done = (struct mg_store_restore){
        .file = scene->file,
        .folder = folder,
        .replace = replace,
        .now = mg_clock_now(),
        .line = "{\"act\":\"restored\"}",
        .held = note_held,
        .lost = note_lost,
        .lost_delivery = note_lost_delivery,
        .erased = note_erased,
        .context = scene,
    };
    return mg_store_restore(done, &scene->error);
}

/* Opens the store in another folder from now on. */
static bool open_in(struct scene *scene, const char *folder)
{
    static char path[100];
    snprintf(path, sizeof path, "%s", folder);
    fixture_close(&scene->fixture);
    scene->fixture.options.folder = path;
    return fixture_open(&scene->fixture);
}

static bool exists(const char *folder, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* ---- making ---- */

static void a_backup_has_every_message_with_every_part_of_it(void)
{
    struct scene scene;
    struct mg_store_restore done;
    begin(&scene);
    CU_ASSERT_FATAL(back_up(&scene));
    CU_ASSERT_FATAL(restore(&scene, scene.folder, false, &done));
    CU_ASSERT_EQUAL(done.messages, MESSAGES);
    CU_ASSERT_STRING_EQUAL(done.aside, "");
    CU_ASSERT_FATAL(open_in(&scene, scene.folder));
    for (size_t i = 0; i < MESSAGES; i++)
        CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[i]));
    CU_ASSERT(chain_is_whole(&scene.fixture));
    end(&scene);
}

struct traffic {
    struct fixture *fixture;
    atomic_bool over;
    size_t count;
};

/* Accepts and settles messages until the backup is made. */
static void *keep_busy(void *context)
{
    struct traffic *traffic = context;
    for (unsigned seed = 1000; !atomic_load(&traffic->over); seed++) {
        struct test_message message;
        struct mg_store_delivery delivery;
        int64_t now = mg_clock_now();
        message_make(&message, seed, "other");
        CU_ASSERT(accept_new(traffic->fixture, &message));
        if (claim_one(traffic->fixture, "other", now, now + 60000, &delivery)) {
            struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, now);
            CU_ASSERT(outcome_now(traffic->fixture, &outcome));
        }
        message_free(&message);
        traffic->count++;
    }
    return NULL;
}

static void a_backup_is_one_moment_while_messages_come_and_go(void)
{
    struct scene scene;
    struct mg_store_restore done;
    struct traffic traffic = {.fixture = &scene.fixture};
    pthread_t thread;
    begin(&scene);
    pthread_create(&thread, NULL, keep_busy, &traffic);
    bool made = true;
    for (size_t i = 0; i < unit_amount(8, 2) && made; i++)
        made = back_up(&scene);
    atomic_store(&traffic.over, true);
    pthread_join(thread, NULL);
    CU_ASSERT(made);
    CU_ASSERT(traffic.count > 0);
    CU_ASSERT(restore(&scene, scene.folder, false, &done));
    CU_ASSERT(done.messages >= MESSAGES);
    CU_ASSERT_FATAL(open_in(&scene, scene.folder));
    for (size_t i = 0; i < MESSAGES; i++)
        CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[i]));
    CU_ASSERT(chain_is_whole(&scene.fixture));
    end(&scene);
}

static bool no_more(void *context)
{
    (void)context;
    return true;
}

static void a_backup_that_nobody_waits_for_ends_and_leaves_nothing(void)
{
    struct scene scene;
    struct mg_store_backup backup = {.is_aborted = no_more};
    begin(&scene);
    CU_ASSERT_FALSE(mg_store_backup(scene.fixture.store, &backup, &scene.error));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.closed");
    CU_ASSERT_EQUAL(backup.file, -1);
    char command[200];
    snprintf(command, sizeof command, "ls %s | grep -q ^backup-", scene.fixture.folder);
    CU_ASSERT_NOT_EQUAL(system(command), 0);
    end(&scene);
}

static void a_backup_leaves_the_reserve_alone(void)
{
    struct scene scene;
    struct mg_store_backup backup = {.is_aborted = NULL};
    begin(&scene);
    fixture_close(&scene.fixture);
    scene.fixture.options.reserve = INT64_MAX / 2;
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    CU_ASSERT_FALSE(mg_store_backup(scene.fixture.store, &backup, &scene.error));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.full");
    end(&scene);
}

static void what_a_crash_left_of_a_backup_is_swept_at_the_start(void)
{
    struct scene scene;
    char path[200];
    begin(&scene);
    snprintf(path, sizeof path, "%s/backup-0", scene.fixture.folder);
    fclose(fopen(path, "w"));
    fixture_close(&scene.fixture);
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    end(&scene);
}

static void a_part_that_is_deleted_meanwhile_is_not_in_the_backup(void)
{
    struct scene scene;
    struct mg_store_restore done;
    char command[200];
    begin(&scene);
    snprintf(command, sizeof command, "rm %s/spool/*", scene.fixture.folder);
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT_FATAL(back_up(&scene));
    CU_ASSERT_FATAL(restore(&scene, scene.folder, false, &done));
    CU_ASSERT_FATAL(open_in(&scene, scene.folder));
    struct mg_store_part_facts part;
    CU_ASSERT(mg_store_part(scene.fixture.store, &scene.messages[0].accept.id, MG_PART_CONTENT,
                            &part, &scene.error));
    CU_ASSERT_EQUAL(part.size, -1);
    end(&scene);
}

static void a_store_in_memory_has_no_backup(void)
{
    struct fixture fixture;
    struct mg_store_backup backup = {.is_aborted = NULL};
    fixture_begin(&fixture, mg_store_memory_open);
    CU_ASSERT_FALSE(mg_store_backup(fixture.store, &backup, &fixture.error));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.failed");
    fixture_end(&fixture);
}

/* ---- restoring ---- */

static void nothing_that_is_restored_is_delivered_again_by_itself(void)
{
    struct scene scene;
    struct mg_store_restore done;
    struct mg_store_delivery running, delivered;
    int64_t now = mg_clock_now();
    begin(&scene);
    CU_ASSERT(claim_one(&scene.fixture, "city", now, now + 60000, &delivered));
    struct mg_store_outcome outcome = outcome_of(&delivered, MG_DELIVERY_DELIVERED, now);
    CU_ASSERT(outcome_now(&scene.fixture, &outcome));
    CU_ASSERT(claim_one(&scene.fixture, "city", now, now + 60000, &running));
    CU_ASSERT_FATAL(back_up(&scene));
    CU_ASSERT_FATAL(restore(&scene, scene.folder, false, &done));
    CU_ASSERT_EQUAL(scene.held, MESSAGES - 1);
    CU_ASSERT_EQUAL(memcmp(&scene.first_held, &running.message, sizeof running.message), 0);
    CU_ASSERT_FATAL(open_in(&scene, scene.folder));
    CU_ASSERT_FALSE(claim_one(&scene.fixture, "city", now + 3600000, now + 7200000, &delivered));
    CU_ASSERT_EQUAL(state_of(&scene.fixture, &running.message), MG_DELIVERY_HELD);
    CU_ASSERT_EQUAL(state_of(&scene.fixture, &outcome.message), MG_DELIVERY_DELIVERED);
    struct mg_store_event *events;
    size_t count;
    CU_ASSERT(
        mg_store_events(scene.fixture.store, &running.message, &events, &count, &scene.error));
    CU_ASSERT_STRING_EQUAL(events[count - 1].code, "restore.held");
    free(events);
    end(&scene);
}

static void the_journal_goes_on_and_says_that_there_was_a_restore(void)
{
    struct scene scene;
    struct mg_store_restore done;
    begin(&scene);
    CU_ASSERT(note_now(&scene.fixture, NULL, "{\"act\":\"before\"}"));
    size_t before = lines_of(&scene.fixture, NULL);
    CU_ASSERT_FATAL(back_up(&scene));
    CU_ASSERT(note_now(&scene.fixture, NULL, "{\"act\":\"lost\"}"));
    CU_ASSERT_FATAL(restore(&scene, scene.folder, false, &done));
    CU_ASSERT_FATAL(open_in(&scene, scene.folder));
    CU_ASSERT_EQUAL(lines_of(&scene.fixture, NULL), before + 1);
    CU_ASSERT(note_now(&scene.fixture, NULL, "{\"act\":\"after\"}"));
    CU_ASSERT(chain_is_whole(&scene.fixture));
    end(&scene);
}

static void the_store_before_is_moved_aside_and_tells_what_is_lost(void)
{
    struct scene scene;
    struct mg_store_restore done;
    struct test_message later;
    char *folder;
    begin(&scene);
    folder = strdup(scene.fixture.folder);
    CU_ASSERT_FATAL(back_up(&scene));
    message_make(&later, 77, "city");
    CU_ASSERT(accept_new(&scene.fixture, &later));
    CU_ASSERT_FALSE(restore(&scene, folder, true, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.in-use");
    fixture_close(&scene.fixture);
    CU_ASSERT_FALSE(restore(&scene, folder, false, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.exists");
    CU_ASSERT_FATAL(restore(&scene, folder, true, &done));
    CU_ASSERT(exists(folder, done.aside));
    CU_ASSERT(done.aside_read);
    CU_ASSERT_EQUAL(scene.lost, 1);
    CU_ASSERT_EQUAL(memcmp(&scene.first_lost, &later.accept.id, sizeof later.accept.id), 0);
    CU_ASSERT_FALSE(exists(folder, "restoring"));
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    for (size_t i = 0; i < MESSAGES; i++)
        CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[i]));
    CU_ASSERT_FALSE(message_is_stored(scene.fixture.store, &later));
    message_free(&later);
    free(folder);
    end(&scene);
}

static void of_what_is_lost_each_delivery_is_told_with_how_far_it_had_come(void)
{
    struct scene scene;
    struct mg_store_restore done;
    struct test_message later;
    struct mg_store_delivery delivered, running;
    int64_t now = mg_clock_now();
    char folder[sizeof scene.folder];
    begin(&scene);
    snprintf(folder, sizeof folder, "%s", scene.fixture.folder);
    CU_ASSERT_FATAL(back_up(&scene));
    message_make(&later, 78, "here");
    later.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "there"};
    later.plans[2] = (struct mg_store_delivery_plan){mg_id_new(), "nowhere"};
    later.accept.delivery_count = 3;
    CU_ASSERT(accept_new(&scene.fixture, &later));
    CU_ASSERT(claim_one(&scene.fixture, "here", now, now + 60000, &delivered));
    struct mg_store_outcome outcome = outcome_of(&delivered, MG_DELIVERY_DELIVERED, now);
    CU_ASSERT(outcome_now(&scene.fixture, &outcome));
    CU_ASSERT(claim_one(&scene.fixture, "there", now, now + 60000, &running));
    fixture_close(&scene.fixture);
    CU_ASSERT_FATAL(restore(&scene, folder, true, &done));
    CU_ASSERT_EQUAL(scene.lost, 1);
    CU_ASSERT_STRING_EQUAL(scene.lost_deliveries, "here 3, there 1, nowhere 0, ");
    CU_ASSERT_EQUAL(scene.lost_attempts, 2);
    message_free(&later);
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    end(&scene);
}

static bool erase(struct scene *scene, const struct mg_id *id)
{
    struct mg_store_erase erasure = {
        .message = *id, .cancel = true, .line = "{\"act\":\"erase\",\"by\":\"anna\"}"};
    return mg_store_erase(scene->fixture.store, &erasure, &scene->error);
}

static void what_was_erased_since_the_backup_and_is_back_is_told(void)
{
    struct scene scene;
    struct mg_store_restore done;
    char folder[sizeof scene.folder];
    begin(&scene);
    snprintf(folder, sizeof folder, "%s", scene.fixture.folder);
    CU_ASSERT(erase(&scene, &scene.messages[0].accept.id));
    CU_ASSERT_FATAL(back_up(&scene));
    CU_ASSERT(erase(&scene, &scene.messages[1].accept.id));
    fixture_close(&scene.fixture);
    CU_ASSERT_FATAL(restore(&scene, folder, true, &done));
    CU_ASSERT(done.aside_read);
    CU_ASSERT_EQUAL(scene.erased, 1);
    CU_ASSERT_EQUAL(memcmp(&scene.first_erased, &scene.messages[1].accept.id, sizeof(struct mg_id)),
                    0);
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    CU_ASSERT_FALSE(message_is_stored(scene.fixture.store, &scene.messages[0]));
    CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[1]));
    end(&scene);
}

static void a_restore_that_was_broken_off_lets_no_empty_store_begin(void)
{
    struct scene scene;
    struct mg_store_restore done;
    char path[200];
    begin(&scene);
    CU_ASSERT_FATAL(back_up(&scene));
    fixture_close(&scene.fixture);
    snprintf(path, sizeof path, "%s/restoring", scene.fixture.folder);
    fclose(fopen(path, "w"));
    CU_ASSERT_FALSE(fixture_open(&scene.fixture));
    CU_ASSERT_STRING_EQUAL(scene.fixture.error.code, "store.restoring");
    CU_ASSERT_FATAL(restore(&scene, scene.fixture.folder, false, &done));
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[0]));
    end(&scene);
}

static void damage(const char *file, long offset, const char *bytes, size_t length)
{
    FILE *stream = fopen(file, "r+b");
    fseek(stream, offset, SEEK_SET);
    fwrite(bytes, 1, length, stream);
    fclose(stream);
}

static void what_is_no_backup_changes_nothing(void)
{
    struct scene scene;
    struct mg_store_restore done;
    char noise[8192];
    memset(noise, 0x5a, sizeof noise);
    begin(&scene);
    CU_ASSERT_FATAL(back_up(&scene));
    fixture_close(&scene.fixture);
    struct stat facts;
    stat(scene.file, &facts);
    damage(scene.file, facts.st_size / 2 / 8192 * 8192, noise, sizeof noise);
    CU_ASSERT_FALSE(restore(&scene, scene.fixture.folder, true, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.unreadable");
    damage(scene.file, 0, noise, sizeof noise);
    CU_ASSERT_FALSE(restore(&scene, scene.fixture.folder, true, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.no-backup");
    unlink(scene.file);
    sqlite3 *other;
    sqlite3_open(scene.file, &other);
    sqlite3_exec(other, "CREATE TABLE messages (a); INSERT INTO messages VALUES (1);", NULL, NULL,
                 NULL);
    sqlite3_close(other);
    CU_ASSERT_FALSE(restore(&scene, scene.fixture.folder, true, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.no-backup");
    CU_ASSERT_FALSE(exists(scene.fixture.folder, "restored.db"));
    CU_ASSERT_FATAL(fixture_open(&scene.fixture));
    CU_ASSERT(message_is_stored(scene.fixture.store, &scene.messages[0]));
    end(&scene);
}

static void a_backup_with_more_than_a_store_has_is_none(void)
{
    struct scene scene;
    struct mg_store_restore done;
    sqlite3 *other;
    begin(&scene);
    CU_ASSERT_FATAL(back_up(&scene));
    sqlite3_open(scene.file, &other);
    CU_ASSERT_EQUAL(sqlite3_exec(other,
                                 "CREATE TRIGGER later AFTER INSERT ON journal"
                                 " BEGIN DELETE FROM journal WHERE number < new.number; END;",
                                 NULL, NULL, NULL),
                    SQLITE_OK);
    sqlite3_close(other);
    CU_ASSERT_FALSE(restore(&scene, scene.folder, false, &done));
    CU_ASSERT_STRING_EQUAL(scene.error.code, "store.no-backup");
    end(&scene);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static int64_t size_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? (int64_t)facts.st_size : -1;
}

/* Root restores in a folder that belongs to the gateway's user, who may have become somebody
 * else's.
 */
static void links_in_the_folder_lead_a_restore_nowhere(void)
{
    struct scene scene;
    struct mg_store_restore done;
    char foreign[140], kept[160], link[140];
    begin(&scene);
    CU_ASSERT_FATAL(back_up(&scene));
    snprintf(foreign, sizeof foreign, "%s/foreign", scene.fixture.folder);
    snprintf(kept, sizeof kept, "%s/kept", foreign);
    CU_ASSERT_FATAL(mkdir(scene.folder, 0700) == 0 && mkdir(foreign, 0700) == 0);
    write_file(kept, "kept");
    static const char *const refused[] = {"lock", "restoring"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(link, sizeof link, "%s/%s", scene.folder, refused[i]);
        CU_ASSERT_EQUAL(symlink(kept, link), 0);
        CU_ASSERT_FALSE(restore(&scene, scene.folder, true, &done));
        CU_ASSERT_STRING_EQUAL(scene.error.code, "store.failed");
        CU_ASSERT_EQUAL(unlink(link), 0);
    }
    snprintf(link, sizeof link, "%s/lock", scene.folder);
    unlink(link);
    CU_ASSERT_EQUAL(linkat(AT_FDCWD, kept, AT_FDCWD, link, 0), 0);
    CU_ASSERT_FALSE(restore(&scene, scene.folder, true, &done));
    CU_ASSERT_EQUAL(unlink(link), 0);
    snprintf(link, sizeof link, "%s/restored-spool", scene.folder);
    CU_ASSERT_EQUAL(symlink(foreign, link), 0);
    CU_ASSERT(restore(&scene, scene.folder, true, &done));
    CU_ASSERT_EQUAL(size_of(kept), 4);
    unlink(kept);
    CU_ASSERT_EQUAL(rmdir(foreign), 0); /* nothing has come into it either */
    end(&scene);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_backup_has_every_message_with_every_part_of_it),
        UNIT_TEST(a_backup_is_one_moment_while_messages_come_and_go),
        UNIT_TEST(a_backup_that_nobody_waits_for_ends_and_leaves_nothing),
        UNIT_TEST(a_backup_leaves_the_reserve_alone),
        UNIT_TEST(what_a_crash_left_of_a_backup_is_swept_at_the_start),
        UNIT_TEST(a_part_that_is_deleted_meanwhile_is_not_in_the_backup),
        UNIT_TEST(a_store_in_memory_has_no_backup),
        UNIT_TEST(nothing_that_is_restored_is_delivered_again_by_itself),
        UNIT_TEST(the_journal_goes_on_and_says_that_there_was_a_restore),
        UNIT_TEST(the_store_before_is_moved_aside_and_tells_what_is_lost),
        UNIT_TEST(of_what_is_lost_each_delivery_is_told_with_how_far_it_had_come),
        UNIT_TEST(what_was_erased_since_the_backup_and_is_back_is_told),
        UNIT_TEST(a_restore_that_was_broken_off_lets_no_empty_store_begin),
        UNIT_TEST(what_is_no_backup_changes_nothing),
        UNIT_TEST(a_backup_with_more_than_a_store_has_is_none),
        UNIT_TEST(links_in_the_folder_lead_a_restore_nowhere),
    };
    return unit_run("store_backup", tests, sizeof tests / sizeof *tests);
}
