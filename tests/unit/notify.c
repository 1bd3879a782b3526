/* notify: what a service manager hears, at real sockets. */
#include "gateway/notify.h"

#include "gateway/base/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager with its socket, and one who speaks to it. */
struct scene {
    char name[96];
    int socket;
    struct event_base *base;
    struct mg_notify *notify;
    char heard[1024];
};

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length + 1);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(
        bind(descriptor, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'))) == 0);
    return descriptor;
}

static void begin(struct scene *scene, char kind)
{
    *scene = (struct scene){.socket = -1};
    snprintf(scene->name, sizeof scene->name,
             kind == '@' ? "@muengsten-notify-%ld" : "/tmp/notify-%ld", (long)getpid());
    scene->socket = listen_at(scene->name);
    setenv("NOTIFY_SOCKET", scene->name, 1);
    scene->base = event_base_new();
}

static void speak(struct scene *scene)
{
    scene->notify = mg_notify_new(scene->base);
}

static void end(struct scene *scene)
{
    mg_notify_free(scene->notify);
    event_base_free(scene->base);
    close(scene->socket);
    if (scene->name[0] == '/')
        unlink(scene->name);
}

/* The next datagram, or "" if none is there, while the loop turns. */
static const char *hear(struct scene *scene, int64_t milliseconds)
{
    int64_t until = mg_clock_monotonic() + milliseconds * 1000;
    ssize_t length;
    do {
        event_base_loop(scene->base, EVLOOP_NONBLOCK);
        struct pollfd poller = {.fd = scene->socket, .events = POLLIN};
        poll(&poller, 1, 1);
        length = recv(scene->socket, scene->heard, sizeof scene->heard - 1, MSG_DONTWAIT);
    } while (length < 0 && mg_clock_monotonic() < until);
    scene->heard[length > 0 ? length : 0] = '\0';
    return scene->heard;
}

static const char *hear_soon(struct scene *scene)
{
    return hear(scene, unit_patience(5000));
}

static void the_manager_hears_that_messages_are_taken(void)
{
    struct scene scene;
    begin(&scene, '/');
    speak(&scene);
    CU_ASSERT_STRING_EQUAL(hear(&scene, 0), "");
    mg_notify_ready(scene.notify, "Takes messages.");
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "READY=1\nSTATUS=Takes messages.");
    end(&scene);
}

static void a_socket_may_have_an_abstract_name(void)
{
    struct scene scene;
    begin(&scene, '@');
    speak(&scene);
    mg_notify_ready(scene.notify, "Takes messages.");
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "READY=1\nSTATUS=Takes messages.");
    end(&scene);
}

static void a_reload_is_told_with_its_time_and_its_end(void)
{
    struct scene scene;
    int64_t time = 0;
    begin(&scene, '/');
    speak(&scene);
    int64_t before = mg_clock_monotonic();
    mg_notify_reloading(scene.notify);
    hear_soon(&scene);
    CU_ASSERT_EQUAL_FATAL(
        sscanf(scene.heard, "RELOADING=1\nMONOTONIC_USEC=%" SCNd64 "\nSTATUS=", &time), 1);
    CU_ASSERT(time >= before && time <= mg_clock_monotonic());
    mg_notify_ready(scene.notify, "Takes messages.");
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "READY=1\nSTATUS=Takes messages.");
    end(&scene);
}

static void the_stop_is_told(void)
{
    struct scene scene;
    begin(&scene, '/');
    speak(&scene);
    mg_notify_stopping(scene.notify);
    CU_ASSERT(strncmp(hear_soon(&scene), "STOPPING=1\nSTATUS=", 18) == 0);
    end(&scene);
}

static void a_status_stays_one_line_of_whole_characters(void)
{
    struct scene scene;
    char status[1000] = "a\nREADY=0\t";
    begin(&scene, '/');
    speak(&scene);
    mg_notify_ready(scene.notify, status);
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "READY=1\nSTATUS=a READY=0 ");
    strcpy(status, "M");
    for (int i = 0; i < 300; i++)
        strcat(status, "ü");
    mg_notify_ready(scene.notify, status);
    hear_soon(&scene);
    /* The 300th byte is the first half of a letter. */
    CU_ASSERT_EQUAL(strlen(scene.heard), strlen("READY=1\nSTATUS=") + 299);
    CU_ASSERT(strncmp(scene.heard + 15, status, 299) == 0);
    end(&scene);
}

static void signs_of_life_come_twice_in_the_managers_time(void)
{
    struct scene scene;
    begin(&scene, '/');
    setenv("WATCHDOG_USEC", "400000", 1);
    int64_t before = mg_clock_monotonic();
    speak(&scene);
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "WATCHDOG=1");
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "WATCHDOG=1");
    CU_ASSERT(mg_clock_monotonic() - before >= 390000);
    end(&scene);
}

static void a_loop_that_hangs_gives_no_sign_of_life(void)
{
    struct scene scene;
    begin(&scene, '/');
    setenv("WATCHDOG_USEC", "20000", 1);
    speak(&scene);
    struct pollfd poller = {.fd = scene.socket, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&poller, 1, 200), 0);
    CU_ASSERT_STRING_EQUAL(hear_soon(&scene), "WATCHDOG=1");
    end(&scene);
}

static void the_watchdog_of_another_process_is_not_ours(void)
{
    struct scene scene;
    begin(&scene, '/');
    setenv("WATCHDOG_USEC", "20000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    speak(&scene);
    CU_ASSERT_STRING_EQUAL(hear(&scene, 200), "");
    end(&scene);
}

static void what_finds_no_room_is_said_later_and_the_newest_counts(void)
{
    struct scene scene;
    int count = 0;
    begin(&scene, '/');
    speak(&scene);
    /* More than any queue of the kernel holds; what is not said at once is overtaken. */
    for (int i = 0; i < 20000; i++)
        mg_notify_ready(scene.notify, i % 2 ? "odd" : "even");
    mg_notify_stopping(scene.notify);
    while (hear_soon(&scene)[0] == 'R')
        count++;
    CU_ASSERT(count > 0 && count < 20000);
    CU_ASSERT(strncmp(scene.heard, "STOPPING=1\n", 11) == 0);
    CU_ASSERT_STRING_EQUAL(hear(&scene, 0), "");
    end(&scene);
}

static void the_environment_is_clean_afterwards(void)
{
    struct scene scene;
    begin(&scene, '/');
    setenv("WATCHDOG_USEC", "1000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    speak(&scene);
    CU_ASSERT_PTR_NULL(getenv("NOTIFY_SOCKET"));
    CU_ASSERT_PTR_NULL(getenv("WATCHDOG_USEC"));
    CU_ASSERT_PTR_NULL(getenv("WATCHDOG_PID"));
    end(&scene);
}

static void without_a_manager_nothing_is_said_and_nothing_fails(void)
{
    static const char *const names[] = {NULL, "", "@", "relative", "vsock:2:1", "/tmp/nobody/here"};
    struct scene scene;
    char too_long[200] = "/";
    memset(too_long + 1, 'a', 150);
    begin(&scene, '/');
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        const char *name = i < sizeof names / sizeof *names ? names[i] : too_long;
        unsetenv("NOTIFY_SOCKET");
        if (name)
            setenv("NOTIFY_SOCKET", name, 1);
        speak(&scene);
        mg_notify_ready(scene.notify, "Takes messages.");
        mg_notify_stopping(scene.notify);
        CU_ASSERT_STRING_EQUAL(hear(&scene, 0), "");
        mg_notify_free(scene.notify);
    }
    scene.notify = NULL;
    end(&scene);
}

static void a_manager_that_opens_its_socket_anew_is_heard_again(void)
{
    struct scene scene;
    begin(&scene, '/');
    speak(&scene);
    close(scene.socket);
    unlink(scene.name);
    mg_notify_ready(scene.notify, "Takes messages.");
    scene.socket = listen_at(scene.name);
    mg_notify_stopping(scene.notify);
    CU_ASSERT(strncmp(hear_soon(&scene), "STOPPING=1\n", 11) == 0);
    end(&scene);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_manager_hears_that_messages_are_taken),
        UNIT_TEST(a_socket_may_have_an_abstract_name),
        UNIT_TEST(a_reload_is_told_with_its_time_and_its_end),
        UNIT_TEST(the_stop_is_told),
        UNIT_TEST(a_status_stays_one_line_of_whole_characters),
        UNIT_TEST(signs_of_life_come_twice_in_the_managers_time),
        UNIT_TEST(a_loop_that_hangs_gives_no_sign_of_life),
        UNIT_TEST(the_watchdog_of_another_process_is_not_ours),
        UNIT_TEST(what_finds_no_room_is_said_later_and_the_newest_counts),
        UNIT_TEST(the_environment_is_clean_afterwards),
        UNIT_TEST(without_a_manager_nothing_is_said_and_nothing_fails),
        UNIT_TEST(a_manager_that_opens_its_socket_anew_is_heard_again),
    };
    return unit_run("notify", tests, sizeof tests / sizeof *tests);
}
