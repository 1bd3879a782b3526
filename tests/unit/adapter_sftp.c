#include "adapters/common/name.h"
#include "adapters/sftp/known_hosts.h"
#include "adapters/sftp/sftp_in.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key as a server shows it, and two as a file has them; what they are does not matter here. */
#define KEY       "\0\0\0\013ssh-ed25519 the one"
#define KEY_64    "AAAAC3NzaC1lZDI1NTE5IHRoZSBvbmU="
#define OTHER_64  "AAAAC3NzaC1lZDI1NTE5IGFub3RoZXI="
#define LENGTH_OF (sizeof KEY - 1)

static enum mg_host_judgement judge(const char *text, const char *name, int port)
{
    return mg_known_hosts_judge(text, name, port, KEY, LENGTH_OF);
}

/* ---- known hosts ---- */

static void a_host_key_is_known_if_this_very_key_is_written_down_for_the_host(void)
{
    const char *text = "# ours\n\nsftp.example ssh-ed25519 " KEY_64 " comment\n";
    CU_ASSERT_EQUAL(judge(text, "sftp.example", 22), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "SFTP.example", 22), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "other.example", 22), MG_HOST_UNKNOWN);
    CU_ASSERT_EQUAL(judge(text, "sftp.example", 2222), MG_HOST_UNKNOWN);
    CU_ASSERT_EQUAL(judge("", "sftp.example", 22), MG_HOST_UNKNOWN);
}

static void another_key_than_the_one_written_down_is_a_changed_one(void)
{
    CU_ASSERT_EQUAL(judge("a ssh-ed25519 " OTHER_64 "\n", "a", 22), MG_HOST_CHANGED);
    CU_ASSERT_EQUAL(judge("a ssh-rsa " OTHER_64 "\n", "a", 22), MG_HOST_CHANGED);
    /* A host may have several. */
    CU_ASSERT_EQUAL(judge("a ssh-rsa " OTHER_64 "\na ssh-ed25519 " KEY_64 "\n", "a", 22),
                    MG_HOST_KNOWN);
}

static void a_port_of_its_own_stands_beside_the_name_in_brackets(void)
{
    const char *text = "[a.example]:2222 ssh-ed25519 " KEY_64;
    CU_ASSERT_EQUAL(judge(text, "a.example", 2222), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "a.example", 2223), MG_HOST_UNKNOWN);
    CU_ASSERT_EQUAL(judge(text, "a.example", 22), MG_HOST_UNKNOWN);
}

static void names_may_be_lists_and_patterns_and_exclude_others(void)
{
    const char *text = "a,*.city.example,!bad.city.example,10.0.?.1 ssh-ed25519 " KEY_64 "\r\n";
    CU_ASSERT_EQUAL(judge(text, "a", 22), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "x.city.example", 22), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "bad.city.example", 22), MG_HOST_UNKNOWN);
    CU_ASSERT_EQUAL(judge(text, "10.0.7.1", 22), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "10.0.77.1", 22), MG_HOST_UNKNOWN);
    CU_ASSERT_EQUAL(judge(text, "city.example", 22), MG_HOST_UNKNOWN);
}

static void hashed_names_are_recognised(void)
{
    const char *text = "|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|hF8ikujoR3eUkeqmFZd9udA+CcA= "
                       "ssh-ed25519 " KEY_64 "\n";
    CU_ASSERT_EQUAL(judge(text, "hidden.example", 2022), MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge(text, "hidden.example", 22), MG_HOST_UNKNOWN);
}

static void a_key_marked_as_revoked_is_refused_wherever_the_mark_stands(void)
{
    CU_ASSERT_EQUAL(judge("a ssh-ed25519 " KEY_64 "\n@revoked * ssh-ed25519 " KEY_64 "\n", "a", 22),
                    MG_HOST_REVOKED);
    CU_ASSERT_EQUAL(
        judge("@revoked a ssh-ed25519 " OTHER_64 "\na ssh-ed25519 " KEY_64 "\n", "a", 22),
        MG_HOST_KNOWN);
    CU_ASSERT_EQUAL(judge("@cert-authority * ssh-ed25519 " KEY_64 "\n", "a", 22), MG_HOST_UNKNOWN);
}

static void what_cannot_be_read_in_the_file_refuses_and_does_no_harm(void)
{
    static const char *const texts[] = {"a",
                                        "a ssh-ed25519",
                                        "a ssh-ed25519 \n",
                                        "a ssh-ed25519 =*==",
                                        "|1| ssh-ed25519 " KEY_64,
                                        "|1|| ssh-ed25519 " KEY_64,
                                        "|1|a|b ssh-ed25519 " KEY_64,
                                        ",,,!, ssh-ed25519 " KEY_64,
                                        "@revoked",
                                        "@unknown a ssh-ed25519 " KEY_64,
                                        "\r\n\t \n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_NOT_EQUAL(judge(texts[i], "a", 22), MG_HOST_KNOWN);
}

static void the_server_is_asked_for_a_known_key_first_and_never_with_sha1(void)
{
    char methods[512];
    mg_known_hosts_methods("a ecdsa-sha2-nistp384 AAAA\nb ssh-rsa AAAA\n", "a", 22, methods,
                           sizeof methods);
    CU_ASSERT_STRING_EQUAL(methods, "ecdsa-sha2-nistp384,ssh-ed25519,ecdsa-sha2-nistp256,"
                                    "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256");
    mg_known_hosts_methods("a ssh-rsa AAAA\n", "a", 22, methods, sizeof methods);
    CU_ASSERT_PTR_NULL(strstr(methods, "ssh-rsa"));
    CU_ASSERT_EQUAL(strncmp(methods, "rsa-sha2-512,", 13), 0);
}

/* ---- what is picked up ---- */

static void only_visible_xml_files_are_picked_up(void)
{
    static const char *const wanted[] = {"a.xml", "a.xml.gz", "\xc3\xa4.xml"};
    static const char *const others[] = {".a.xml",   ".xml",    "a.txt",      "a.gz",
                                         "../a.xml", "b/a.xml", "a.xml.part", ""};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        CU_ASSERT(mg_name_is_wanted(wanted[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CU_ASSERT_FALSE(mg_name_is_wanted(others[i]));
}

static void a_file_is_settled_when_it_has_not_changed_for_the_time_of_settle(void)
{
    struct mg_sftp_seen seen = {.name = "a.xml", .size = 5, .changed = 7, .since = 1000};
    struct mg_sftp_seen file = {.name = "a.xml", .size = 5, .changed = 7};
    int64_t wait = 0;
    CU_ASSERT_FALSE(mg_sftp_is_settled(&seen, 1, &file, 2000, 1500, &wait));
    CU_ASSERT_EQUAL(file.since, 1000);
    CU_ASSERT_EQUAL(wait, 1500);
    CU_ASSERT(mg_sftp_is_settled(&seen, 1, &file, 2000, 3000, &wait));
    file.size = 6;
    CU_ASSERT_FALSE(mg_sftp_is_settled(&seen, 1, &file, 2000, 3000, NULL));
    CU_ASSERT_EQUAL(file.since, 3000);
    file.size = 5;
    file.changed = 8;
    CU_ASSERT_FALSE(mg_sftp_is_settled(&seen, 1, &file, 2000, 3000, NULL));
    CU_ASSERT(mg_sftp_is_settled(NULL, 0, &file, 0, 3000, NULL));
}

/* ---- an instance ---- */

static char folder[64], key[128], hosts[128];

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
}

static void start(mode_t mode_of_key, const char *port)
{
    snprintf(folder, sizeof folder, "/tmp/adapter-sftp-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(hosts, sizeof hosts, "%s/hosts", folder);
    put(key, "no key\n", mode_of_key);
    put(hosts, "", 0600);
    host_start();
    host_parameter("host", "127.0.0.1");
    host_parameter("port", port);
    host_parameter("user", "nobody");
    host_parameter("folder", "inbox");
    host_parameter("key", key);
    host_parameter("known-hosts", hosts);
}

static void stop(void)
{
    host_stop();
    unlink(key);
    unlink(hosts);
    rmdir(folder);
}

static void a_key_that_others_can_read_is_refused_at_open(void)
{
    start(0640, "22");
    CU_ASSERT_PTR_NULL(host_open(false));
    CU_ASSERT_STRING_EQUAL(host.failure.bytes, "sftp.parameter");
    stop();
}

static void a_server_that_is_not_there_is_a_temporary_failure(void)
{
    char port[8];
    int descriptor = host_silent_port(false, port);
    start(0600, port);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    struct mg_delivery *delivery = host_delivery("<a/>", "<seal/>");
    host_deliver(delivery);
    host_run();
    CU_ASSERT_FATAL(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "sftp.connect");
    host_delivery_free(delivery);
    stop();
    close(descriptor);
}

static void a_server_that_says_nothing_is_left_when_the_step_has_lasted_too_long(void)
{
    char port[8];
    int descriptor = host_silent_port(true, port);
    start(0600, port);
    host_parameter("step-timeout", "1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    host_run();
    CU_ASSERT_FATAL(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "sftp.timeout");
    host_delivery_free(delivery);
    stop();
    close(descriptor);
}

static void a_delivery_that_waits_for_room_is_cancelled_at_once(void)
{
    start(0600, "1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    host.full = 1;
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    host_cancel(delivery);
    CU_ASSERT_FATAL(delivery->done);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "sftp.cancelled");
    host_delivery_free(delivery);
    stop();
}

static struct mg_delivery *underway;

static void cancel_it(void)
{
    host_cancel(underway);
}

static void a_delivery_on_the_other_thread_comes_back_soon_after_it_is_cancelled(void)
{
    char port[8];
    int descriptor = host_silent_port(true, port);
    start(0600, port);
    host_parameter("step-timeout", "600");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    underway = host_delivery("<a/>", NULL);
    host.before_work = cancel_it;
    host_deliver(underway);
    host_run();
    CU_ASSERT_FATAL(underway->done);
    CU_ASSERT_EQUAL(underway->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(underway->code.bytes, "sftp.cancelled");
    host_delivery_free(underway);
    stop();
    close(descriptor);
}

static void a_source_asks_less_often_the_longer_its_server_is_gone(void)
{
    char port[8];
    int descriptor = host_silent_port(false, port);
    start(0600, port);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(true));
    host_run();
    CU_ASSERT_EQUAL(host_next_timer(), 1000);
    host_advance(1000);
    CU_ASSERT_EQUAL(host_next_timer(), 2000);
    CU_ASSERT_EQUAL(host.log_count, 1); /* and says so once */
    for (int i = 0; i < 10; i++)
        host_advance(60000);
    CU_ASSERT_EQUAL(host_next_timer(), 60000);
    CU_ASSERT_EQUAL(host.log_count, 1);
    stop();
    close(descriptor);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_host_key_is_known_if_this_very_key_is_written_down_for_the_host),
        UNIT_TEST(another_key_than_the_one_written_down_is_a_changed_one),
        UNIT_TEST(a_port_of_its_own_stands_beside_the_name_in_brackets),
        UNIT_TEST(names_may_be_lists_and_patterns_and_exclude_others),
        UNIT_TEST(hashed_names_are_recognised),
        UNIT_TEST(a_key_marked_as_revoked_is_refused_wherever_the_mark_stands),
        UNIT_TEST(what_cannot_be_read_in_the_file_refuses_and_does_no_harm),
        UNIT_TEST(the_server_is_asked_for_a_known_key_first_and_never_with_sha1),
        UNIT_TEST(only_visible_xml_files_are_picked_up),
        UNIT_TEST(a_file_is_settled_when_it_has_not_changed_for_the_time_of_settle),
        UNIT_TEST(a_key_that_others_can_read_is_refused_at_open),
        UNIT_TEST(a_server_that_is_not_there_is_a_temporary_failure),
        UNIT_TEST(a_server_that_says_nothing_is_left_when_the_step_has_lasted_too_long),
        UNIT_TEST(a_delivery_that_waits_for_room_is_cancelled_at_once),
        UNIT_TEST(a_delivery_on_the_other_thread_comes_back_soon_after_it_is_cancelled),
        UNIT_TEST(a_source_asks_less_often_the_longer_its_server_is_gone),
    };
    return unit_run("adapter_sftp", tests, sizeof tests / sizeof *tests);
}
