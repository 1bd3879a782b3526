#include "adapters/folder/place.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static const char *path(const char *name)
{
    static char paths[8][512];
    static unsigned turn;
    char *text = paths[turn++ % 8];
    snprintf(text, sizeof paths[0], "%s/%s", folder, name);
    return text;
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/adapter-folder-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

/* Removes a tree two levels deep: all that these tests make. */
static void remove_folder(const char *name)
{
    DIR *entries = opendir(name);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        char below[1024];
        snprintf(below, sizeof below, "%s/%s", name, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(below) < 0)
            remove_folder(below);
    }
    if (entries)
        closedir(entries);
    rmdir(name);
}

static void put(const char *name, const char *content)
{
    FILE *file = fopen(path(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
}

/* As a well-behaved writer does it. */
static void move_in(const char *name, const char *content)
{
    put(".writing", content);
    CU_ASSERT_EQUAL_FATAL(rename(path(".writing"), path(name)), 0);
}

static struct timespec changed(const char *name)
{
    struct stat facts;
    CU_ASSERT_FATAL(stat(path(name), &facts) == 0);
    return facts.st_ctim;
}

static double seconds_since(const struct timespec *moment)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)(now.tv_sec - moment->tv_sec) + (double)(now.tv_nsec - moment->tv_nsec) / 1e9;
}

static bool exists(const char *name)
{
    struct stat facts;
    return lstat(path(name), &facts) == 0;
}

static const char *content(const char *name)
{
    static char bytes[4096];
    memset(bytes, 0, sizeof bytes);
    FILE *file = fopen(path(name), "r");
    if (!file)
        return "(missing)";
    size_t length = fread(bytes, 1, sizeof bytes - 1, file);
    bytes[length] = '\0';
    fclose(file);
    return bytes;
}

static size_t entries_of(const char *name)
{
    size_t count = 0;
    DIR *entries = opendir(path(name));
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (entries)
        closedir(entries);
    return count;
}

static void open_source(const char *settle)
{
    host_start();
    host_parameter("folder", folder);
    host_parameter("settle", settle);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(true));
}

static void start_source(void)
{
    make_folder();
    open_source("0");
}

static void open_destination(void)
{
    make_folder();
    host_start();
    host_parameter("folder", folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
}

static void stop(void)
{
    host_stop();
    remove_folder(folder);
}

/* ---- the way in ---- */

static void a_file_that_is_moved_in_is_handed_in_and_gets_its_receipt(void)
{
    start_source();
    host_run();
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_EQUAL_FATAL(host.submission_count, 1);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->body.bytes, "<a/>");
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->media_type.bytes, "application/xml");
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->encoding.bytes, "");
    CU_ASSERT_EQUAL(host.submissions[0]->length, 4);
    CU_ASSERT_STRING_EQUAL(content("receipts/a.xml.receipt.xml"), "<receipt/>");
    CU_ASSERT_EQUAL(entries_of("receipts"), 1);
    CU_ASSERT_EQUAL(entries_of("in-progress"), 0);
    CU_ASSERT_FALSE(exists("a.xml"));
    stop();
}

static void a_file_that_was_there_before_is_found_at_open(void)
{
    make_folder();
    put("a.xml", "<a/>");
    open_source("0");
    CU_ASSERT_EQUAL(host.submission_count, 0);
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 1);
    stop();
}

static void a_file_that_no_notice_told_of_is_found_at_the_interval(void)
{
    start_source();
    host_run();
    /* A hard link is made without a notice that is watched for. */
    put(".hidden", "<a/>");
    CU_ASSERT_EQUAL_FATAL(link(path(".hidden"), path("a.xml")), 0);
    host_run();
    CU_ASSERT_EQUAL(host_next_timer(), 5000);
    host_advance(5000);
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT_EQUAL(host_next_timer(), 5000);
    stop();
}

static void a_packed_file_is_handed_in_as_gzip(void)
{
    start_source();
    move_in("a.xml.gz", "packed");
    host_run();
    CU_ASSERT_EQUAL_FATAL(host.submission_count, 1);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->encoding.bytes, "gzip");
    CU_ASSERT(exists("receipts/a.xml.gz.receipt.xml"));
    stop();
}

static void dot_files_and_other_names_are_left_alone(void)
{
    static const char *const names[] = {".a.xml", "a.xml.tmp", "a.txt", ".xml", "xml", "a.gz"};
    start_source();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(names[i], "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CU_ASSERT(exists(names[i]));
    stop();
}

static void a_file_longer_than_a_block_arrives_whole(void)
{
    enum { length = 200001 };
    char *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('a' + i % 23);
    bytes[length] = '\0';
    start_source();
    move_in("a.xml", bytes);
    host_run();
    CU_ASSERT_EQUAL_FATAL(host.submission_count, 1);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->body.bytes, bytes);
    free(bytes);
    stop();
}

static void a_refused_file_lies_in_rejected_with_the_reason_beside_it(void)
{
    start_source();
    host.result = MG_REFUSED;
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_STRING_EQUAL(content("rejected/a.xml"), "<a/>");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(content("rejected/a.xml.reason.json"), "\"code\": \"schema.invalid\""));
    CU_ASSERT_EQUAL(entries_of("rejected"), 2);
    CU_ASSERT_EQUAL(entries_of("in-progress"), 0);
    stop();
}

static void a_second_rejected_file_of_the_same_name_does_not_replace_the_first(void)
{
    start_source();
    host.result = MG_REFUSED;
    move_in("a.xml", "<a/>");
    host_run();
    move_in("a.xml", "<b/>");
    host_run();
    CU_ASSERT_STRING_EQUAL(content("rejected/a.xml"), "<a/>");
    CU_ASSERT_STRING_EQUAL(content("rejected/a.xml.2"), "<b/>");
    CU_ASSERT(exists("rejected/a.xml.2.reason.json"));
    stop();
}

static void what_is_refused_by_its_length_is_rejected_unread(void)
{
    start_source();
    host.refuses_begin = true;
    host.refusal.status = 413;
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    CU_ASSERT_STRING_EQUAL(content("rejected/a.xml"), "<a/>");
    stop();
}

static void what_is_refused_while_it_is_read_is_rejected_once(void)
{
    start_source();
    host.refuses_at = 2;
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT(exists("rejected/a.xml"));
    CU_ASSERT_EQUAL(entries_of("rejected"), 2);
    stop();
}

static void a_refusal_that_passes_is_tried_again_with_growing_pauses(void)
{
    start_source();
    host.result = MG_REFUSED;
    host.refusal.status = 503;
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT(exists("in-progress/a.xml"));
    host_advance(999);
    CU_ASSERT_EQUAL(host.submission_count, 1);
    host_advance(1);
    CU_ASSERT_EQUAL(host.submission_count, 2);
    host_advance(1999);
    CU_ASSERT_EQUAL(host.submission_count, 2);
    host_advance(1);
    CU_ASSERT_EQUAL(host.submission_count, 3);
    host.refusal.retry_after = 60;
    host_advance(4000);
    CU_ASSERT_EQUAL(host.submission_count, 4);
    host.result = MG_ACCEPTED;
    host_advance(59000);
    CU_ASSERT_EQUAL(host.submission_count, 4);
    host_advance(1000);
    CU_ASSERT_EQUAL(host.submission_count, 5);
    CU_ASSERT(exists("receipts/a.xml.receipt.xml"));
    CU_ASSERT_EQUAL(entries_of("in-progress"), 0);
    CU_ASSERT_EQUAL(entries_of("rejected"), 0);
    stop();
}

static void no_more_files_than_permitted_are_underway_and_all_come_in_the_end(void)
{
    char name[16];
    start_source();
    host.waits = true;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%d.xml", i);
        move_in(name, "<a/>");
    }
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 4);
    CU_ASSERT_EQUAL(entries_of("in-progress"), 4);
    for (size_t i = 0; i < 20; i++) {
        CU_ASSERT_FATAL(i < host.submission_count);
        host_submission_end(host.submissions[i]);
        host_run();
        CU_ASSERT(host.submission_count <= i + 5);
    }
    CU_ASSERT_EQUAL(host.submission_count, 20);
    CU_ASSERT_EQUAL(entries_of("receipts"), 20);
    stop();
}

static void what_lay_in_progress_at_a_stop_is_handed_in_again_after_the_start(void)
{
    start_source();
    host.waits = true;
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 1);
    host_stop();
    CU_ASSERT(exists("in-progress/a.xml"));
    open_source("0");
    host.result = MG_REPEATED;
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT_STRING_EQUAL(content("receipts/a.xml.receipt.xml"), "<receipt/>");
    CU_ASSERT_FALSE(exists("in-progress/a.xml"));
    stop();
}

static void closing_with_work_underway_waits_for_it_and_leaks_nothing(void)
{
    start_source();
    move_in("a.xml", "<a/>");
    host.holds_work = true;
    host_run();
    host_close();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    stop();

    start_source();
    move_in("a.xml", "<a/>");
    host.full = 1000;
    host_run();
    stop();
}

static void a_full_queue_of_the_gateway_delays_and_loses_nothing(void)
{
    start_source();
    move_in("a.xml", "<a/>");
    host.full = 3;
    host_advance(100);
    CU_ASSERT_EQUAL(host.submission_count, 0);
    host_advance(100);
    host_advance(100);
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT(exists("receipts/a.xml.receipt.xml"));
    stop();
}

static void links_folders_and_pipes_are_not_followed_but_rejected(void)
{
    make_folder();
    put("secret", "<secret/>");
    CU_ASSERT_EQUAL(symlink(path("secret"), path("link.xml")), 0);
    CU_ASSERT_EQUAL(mkdir(path("folder.xml"), 0700), 0);
    CU_ASSERT_EQUAL(mkfifo(path("pipe.xml"), 0600), 0);
    open_source("0");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(content("rejected/link.xml.reason.json"), "folder.not-a-file"));
    CU_ASSERT(exists("rejected/folder.xml"));
    CU_ASSERT(exists("rejected/pipe.xml"));
    CU_ASSERT_STRING_EQUAL(content("secret"), "<secret/>");
    stop();
}

static void names_that_are_any_bytes_stay_in_their_folder(void)
{
    static const char *const names[] = {"a\\..\\b.xml", "a\n\"b.xml", "\xff\xfe.xml",
                                        "%2f.xml",      "-rf.xml",    "a b;$(c).xml"};
    start_source();
    host.result = MG_REFUSED;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char rejected[128];
        snprintf(rejected, sizeof rejected, "rejected/%s", names[i]);
        move_in(names[i], "<a/>");
        host_run();
        CU_ASSERT(exists(rejected));
    }
    CU_ASSERT_EQUAL(entries_of("rejected"), 2 * sizeof names / sizeof *names);
    stop();
}

static void a_name_too_long_for_its_receipt_is_rejected_under_a_shorter_one(void)
{
    char name[256] = {0};
    memset(name, 'x', 251);
    memcpy(name + 251, ".xml", 4);
    start_source();
    move_in(name, "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    CU_ASSERT_EQUAL(entries_of("rejected"), 2);
    CU_ASSERT_EQUAL(entries_of("in-progress"), 0);
    stop();
}

static void a_file_that_is_written_in_place_has_to_settle_first(void)
{
    const size_t settle = unit_amount(1, 4);
    char seconds[8];
    snprintf(seconds, sizeof seconds, "%zu", settle);
    make_folder();
    open_source(seconds);
    host_run();
    put("slow.xml", "<a");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 0);
    CU_ASSERT(host_next_timer() <= (int64_t)settle * 1000);
    host_wait(200);
    put("slow.xml", "<a/>");
    const struct timespec written = changed("slow.xml");
    for (int64_t i = unit_patience(1000); i > 0 && host.submission_count == 0; i--)
        host_wait(10);
    CU_ASSERT_EQUAL_FATAL(host.submission_count, 1);
    CU_ASSERT(seconds_since(&written) >= (double)settle);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->body.bytes, "<a/>");
    /* What is moved in is complete and does not wait. */
    move_in("fast.xml", "<b/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 2);
    stop();
}

static void write_on_once_it_is_handed_in(void)
{
    if (host.submission_count == 1)
        put("in-progress/a.xml", "<a>longer</a>");
}

static void cut_once_it_is_handed_in(void)
{
    if (host.submission_count == 1)
        put("in-progress/a.xml", "<");
}

static void a_file_that_changes_while_it_is_read_is_left_for_later(void)
{
    void (*const changes[])(void) = {write_on_once_it_is_handed_in, cut_once_it_is_handed_in};
    for (size_t i = 0; i < 2; i++) {
        start_source();
        host.before_work = changes[i];
        move_in("a.xml", "<a/>");
        host_run();
        CU_ASSERT_EQUAL_FATAL(host.submission_count, 1);
        CU_ASSERT(host.submissions[0]->aborted);
        CU_ASSERT(exists("in-progress/a.xml"));
        host_advance(1000);
        CU_ASSERT_EQUAL_FATAL(host.submission_count, 2);
        CU_ASSERT(host.submissions[1]->ended);
        CU_ASSERT(exists("receipts/a.xml.receipt.xml"));
        stop();
    }
}

static void a_folder_that_is_made_anew_is_watched_again(void)
{
    start_source();
    host_run();
    remove_folder(folder);
    host_advance(5000);
    CU_ASSERT_EQUAL(host.log_count, 1);
    host_advance(5000);
    CU_ASSERT_EQUAL(host.log_count, 1);
    CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0700), 0);
    host_advance(5000);
    move_in("a.xml", "<a/>");
    host_run();
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT(exists("receipts/a.xml.receipt.xml"));
    stop();
}

/* Files that wait hold no folder: were they in the way, none would ever be put away again. */
static void folders_made_anew_while_files_wait_are_found(void)
{
    static const char *const names[] = {"a.xml", "b.xml", "c.xml", "d.xml", "e.xml"};
    start_source();
    host.result = MG_REFUSED;
    host.refusal.status = 503;
    for (size_t i = 0; i < 5; i++)
        move_in(names[i], "<a/>");
    host_run();
    CU_ASSERT_EQUAL(entries_of("in-progress"), 4);
    remove_folder(path("receipts"));
    host.result = MG_ACCEPTED;
    for (int i = 0; i < 10; i++)
        host_advance(1000);
    for (size_t i = 0; i < 5; i++) {
        char receipt[64];
        snprintf(receipt, sizeof receipt, "receipts/%s.receipt.xml", names[i]);
        CU_ASSERT(exists(receipt));
    }
    CU_ASSERT_EQUAL(entries_of("in-progress"), 0);
    stop();
}

static void a_source_without_its_folder_does_not_open(void)
{
    host_start();
    host_parameter("folder", "/nowhere/at/all");
    CU_ASSERT_PTR_NULL(host_open(true));
    CU_ASSERT_STRING_EQUAL(host.failure.bytes, "folder.missing");
    host_stop();
}

static void an_idle_source_looks_once_an_interval_and_no_more(void)
{
    start_source();
    host_run();
    size_t before = host.works;
    for (int i = 0; i < 10; i++)
        host_advance(5000);
    CU_ASSERT_EQUAL(host.works, before + 10);
    stop();
}

/* ---- the way out ---- */

static void a_message_is_written_with_its_seal_beside_it(void)
{
    open_destination();
    struct mg_delivery *delivery = host_delivery("<document/>", "<seal/>");
    host_attach(delivery, "../../plan", "attached");
    host.read_at_most = 3;
    host_deliver(delivery);
    CU_ASSERT_FALSE(delivery->done);
    host_run();
    CU_ASSERT(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
    CU_ASSERT_STRING_EQUAL(content("0193-id.xml"), "<document/>");
    CU_ASSERT_STRING_EQUAL(content("0193-id.seal.xml"), "<seal/>");
    CU_ASSERT_STRING_EQUAL(content("0193-id.attachment-1"), "attached");
    CU_ASSERT_EQUAL(entries_of("."), 3);
    host_delivery_free(delivery);
    stop();
}

static void the_seal_is_there_before_the_document_is(void)
{
    open_destination();
    /* Where the document's name is taken by a folder, the document fails, the seal does not. */
    CU_ASSERT_EQUAL(mkdir(path("0193-id.xml"), 0700), 0);
    struct mg_delivery *delivery = host_delivery("<document/>", "<seal/>");
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT(exists("0193-id.seal.xml"));
    CU_ASSERT_EQUAL(entries_of("."), 2);
    host_delivery_free(delivery);
    stop();
}

static void an_enveloped_seal_leaves_one_file(void)
{
    open_destination();
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
    CU_ASSERT_EQUAL(entries_of("."), 1);
    host_delivery_free(delivery);
    stop();
}

static void what_a_crash_left_half_written_is_replaced(void)
{
    open_destination();
    put(".0193-id.xml.part", "<docum");
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
    CU_ASSERT_STRING_EQUAL(content("0193-id.xml"), "<document/>");
    CU_ASSERT_EQUAL(entries_of("."), 1);
    host_delivery_free(delivery);
    stop();
}

static void a_repetition_leaves_the_same_files(void)
{
    open_destination();
    for (int i = 0; i < 2; i++) {
        struct mg_delivery *delivery = host_delivery("<document/>", "<seal/>");
        host_deliver(delivery);
        host_run();
        CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
        host_delivery_free(delivery);
    }
    CU_ASSERT_EQUAL(entries_of("."), 2);
    CU_ASSERT_STRING_EQUAL(content("0193-id.xml"), "<document/>");
    stop();
}

static void a_temporary_name_that_is_a_link_is_not_written_through(void)
{
    open_destination();
    put("victim", "untouched");
    CU_ASSERT_EQUAL(symlink(path("victim"), path(".0193-id.xml.part")), 0);
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
    CU_ASSERT_STRING_EQUAL(content("victim"), "untouched");
    CU_ASSERT_STRING_EQUAL(content("0193-id.xml"), "<document/>");
    host_delivery_free(delivery);
    stop();
}

static void a_folder_that_is_gone_is_a_temporary_failure_with_a_precise_text(void)
{
    open_destination();
    rmdir(folder);
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "folder.missing");
    CU_ASSERT_PTR_NOT_NULL(strstr(delivery->text.bytes, folder));
    host_delivery_free(delivery);
    stop();
}

static void content_that_cannot_be_read_leaves_no_file(void)
{
    open_destination();
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    delivery->contents[0] = NULL;
    host_deliver(delivery);
    host_run();
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "folder.content");
    CU_ASSERT_EQUAL(entries_of("."), 0);
    host_delivery_free(delivery);
    stop();
}

static void a_full_disk_is_told_as_one_and_leaves_nothing_half(void)
{
    char text[256];
    make_folder();
    CU_ASSERT_STRING_EQUAL(mg_place_reason(ENOSPC, "/x", text, sizeof text), "folder.full");
    CU_ASSERT_STRING_EQUAL(text, "The file system of /x is full: make room.");
    int directory = open(folder, O_RDONLY | O_DIRECTORY);
    struct mg_place_file file;
    CU_ASSERT_FATAL(mg_place_begin(&file, directory, "a.xml"));
    close(file.descriptor);
    file.descriptor = open("/dev/full", O_WRONLY);
    CU_ASSERT_FALSE(mg_place_append(&file, "x", 1));
    CU_ASSERT_EQUAL(errno, ENOSPC);
    mg_place_discard(&file);
    CU_ASSERT_EQUAL(errno, ENOSPC);
    CU_ASSERT_EQUAL(entries_of("."), 0);
    close(directory);
    remove_folder(folder);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_file_that_is_moved_in_is_handed_in_and_gets_its_receipt),
        UNIT_TEST(a_file_that_was_there_before_is_found_at_open),
        UNIT_TEST(a_file_that_no_notice_told_of_is_found_at_the_interval),
        UNIT_TEST(a_packed_file_is_handed_in_as_gzip),
        UNIT_TEST(dot_files_and_other_names_are_left_alone),
        UNIT_TEST(a_file_longer_than_a_block_arrives_whole),
        UNIT_TEST(a_refused_file_lies_in_rejected_with_the_reason_beside_it),
        UNIT_TEST(a_second_rejected_file_of_the_same_name_does_not_replace_the_first),
        UNIT_TEST(what_is_refused_by_its_length_is_rejected_unread),
        UNIT_TEST(what_is_refused_while_it_is_read_is_rejected_once),
        UNIT_TEST(a_refusal_that_passes_is_tried_again_with_growing_pauses),
        UNIT_TEST(no_more_files_than_permitted_are_underway_and_all_come_in_the_end),
        UNIT_TEST(what_lay_in_progress_at_a_stop_is_handed_in_again_after_the_start),
        UNIT_TEST(closing_with_work_underway_waits_for_it_and_leaks_nothing),
        UNIT_TEST(a_full_queue_of_the_gateway_delays_and_loses_nothing),
        UNIT_TEST(links_folders_and_pipes_are_not_followed_but_rejected),
        UNIT_TEST(names_that_are_any_bytes_stay_in_their_folder),
        UNIT_TEST(a_name_too_long_for_its_receipt_is_rejected_under_a_shorter_one),
        UNIT_TEST(a_file_that_is_written_in_place_has_to_settle_first),
        UNIT_TEST(a_file_that_changes_while_it_is_read_is_left_for_later),
        UNIT_TEST(a_folder_that_is_made_anew_is_watched_again),
        UNIT_TEST(folders_made_anew_while_files_wait_are_found),
        UNIT_TEST(a_source_without_its_folder_does_not_open),
        UNIT_TEST(an_idle_source_looks_once_an_interval_and_no_more),
        UNIT_TEST(a_message_is_written_with_its_seal_beside_it),
        UNIT_TEST(the_seal_is_there_before_the_document_is),
        UNIT_TEST(an_enveloped_seal_leaves_one_file),
        UNIT_TEST(what_a_crash_left_half_written_is_replaced),
        UNIT_TEST(a_repetition_leaves_the_same_files),
        UNIT_TEST(a_temporary_name_that_is_a_link_is_not_written_through),
        UNIT_TEST(a_folder_that_is_gone_is_a_temporary_failure_with_a_precise_text),
        UNIT_TEST(content_that_cannot_be_read_leaves_no_file),
        UNIT_TEST(a_full_disk_is_told_as_one_and_leaves_nothing_half),
    };
    return unit_run("adapter_folder", tests, sizeof tests / sizeof *tests);
}
