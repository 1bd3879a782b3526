/* Addresses to listen at, as the configuration writes them, and paths of sockets. */
#include "gateway/net/address.h"
#include "gateway/net/local.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct mg_address first(const char *text)
{
    struct mg_address addresses[2];
    CU_ASSERT_FATAL(mg_address_read(text, addresses) > 0);
    return addresses[0];
}

static void an_address_of_either_family_is_read_with_its_port(void)
{
    struct mg_address four = first("192.0.2.1:8443"), six = first("[2001:db8::1]:0");
    const struct sockaddr_in *one = (const struct sockaddr_in *)&four.storage;
    const struct sockaddr_in6 *other = (const struct sockaddr_in6 *)&six.storage;
    CU_ASSERT_EQUAL(one->sin_family, AF_INET);
    CU_ASSERT_EQUAL(ntohs(one->sin_port), 8443);
    CU_ASSERT_EQUAL(ntohl(one->sin_addr.s_addr), 0xc0000201);
    CU_ASSERT_EQUAL(other->sin6_family, AF_INET6);
    CU_ASSERT_EQUAL(other->sin6_port, 0);
    CU_ASSERT_EQUAL(other->sin6_addr.s6_addr[15], 1);
    CU_ASSERT_EQUAL(six.length, sizeof *other);
}

static void a_star_is_every_address_of_both_families(void)
{
    struct mg_address addresses[2];
    CU_ASSERT_EQUAL_FATAL(mg_address_read("*:65535", addresses), 2);
    struct mg_address six = first("[::]:65535"), four = first("0.0.0.0:65535");
    CU_ASSERT(mg_address_equal(&addresses[0], &six));
    CU_ASSERT(mg_address_equal(&addresses[1], &four));
}

static void what_is_no_address_is_not_read_as_one(void)
{
    static const char *const texts[] = {"",
                                        ":",
                                        ":80",
                                        "localhost:80",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:080000",
                                        "127.0.0.1:8x",
                                        "127.0.0.256:80",
                                        "[]:80",
                                        "[::1]80",
                                        "[127.0.0.1]:80",
                                        "**:80",
                                        "[2001:0db8:0000:0000:0000:0000:0000:0000:0000:0001]:80"};
    struct mg_address addresses[2];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_EQUAL(mg_address_read(texts[i], addresses), 0);
}

static void addresses_are_equal_if_family_host_and_port_are(void)
{
    static const char *const different[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80",
                                            "[::1]:80",     "[::1]:81",     "[::2]:80"};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            struct mg_address left = first(different[i]), right = first(different[j]);
            CU_ASSERT_EQUAL(mg_address_equal(&left, &right), i == j);
        }
    struct mg_address written = first("[0:0::0:1]:80"), usual = first("[::1]:80");
    CU_ASSERT(mg_address_equal(&written, &usual));
}

/* ---- sockets ---- */

static int bind_socket(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int made = socket(AF_UNIX, type, 0);
    CU_ASSERT_EQUAL_FATAL(bind(made, (const struct sockaddr *)&address, sizeof address), 0);
    return made;
}

static void only_a_socket_that_was_left_behind_is_taken_over(void)
{
    char folder[] = "/tmp/muengsten-local-XXXXXX", path[64];
    struct mg_local local = {.socket = -1};
    struct mg_error error;
    struct stat before, after;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/control", folder);
    int datagrams = bind_socket(path, SOCK_DGRAM);
    CU_ASSERT_EQUAL_FATAL(stat(path, &before), 0);
    CU_ASSERT_FALSE(mg_local_listen(&local, path, 0600, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "net.listen");
    CU_ASSERT(stat(path, &after) == 0 && after.st_ino == before.st_ino);
    close(datagrams);
    unlink(path);
    close(bind_socket(path, SOCK_STREAM));
    CU_ASSERT_FATAL(mg_local_listen(&local, path, 0600, &error));
    CU_ASSERT(stat(path, &after) == 0 && (after.st_mode & 0777) == 0600);
    mg_local_remove(&local, path);
    close(local.socket);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_address_of_either_family_is_read_with_its_port),
        UNIT_TEST(a_star_is_every_address_of_both_families),
        UNIT_TEST(what_is_no_address_is_not_read_as_one),
        UNIT_TEST(addresses_are_equal_if_family_host_and_port_are),
        UNIT_TEST(only_a_socket_that_was_left_behind_is_taken_over),
    };
    return unit_run("net_address", tests, sizeof tests / sizeof *tests);
}
