/* What operators do reaches the lanes when it is committed, and nobody once the gateway ends: asked
 * for at the real socket, with the answer of the store held back until operate is gone. */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/intake/intake.h"
#include "gateway/operate/operate.h"
#include "gateway/store/act.h"
#include "tests/unit/dispatch_office.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOUR   3600000
#define LENGTH "\r\nContent-Length: "

/* Of two messages the first has been tried once, and is asked about. The second is due, but the
 * lane has not been told: it claims it as soon as it is woken for anything. */
enum { ASKED, BYSTANDER };

struct act {
    const char *name;
    const char *temper; /* of the adapter before it */
    const char *seen;   /* the state of the message; NULL: the act is about the destination */
    bool (*is_missing)(struct world *world); /* in the store */
    bool (*is_unheard)(struct world *world); /* by the dispatch */
};

struct scene {
    struct world world; /* first */
    struct mg_audit *audit;
    struct mg_intake *intake;
    struct mg_operate *operate;
    char path[64];
    int connection;
    char heard[4096];
    size_t length;
};

/* ---- what there is to see of an act ---- */

static bool is_not_due(struct world *world)
{
    return world_delivery(world, ASKED).next_attempt > mg_clock_now();
}

static bool is_not_cancelled(struct world *world)
{
    return world_delivery(world, ASKED).state != MG_DELIVERY_CANCELLED;
}

static bool is_dead(struct world *world)
{
    return world_delivery(world, ASKED).state == MG_DELIVERY_DEAD;
}

static bool is_noted_as_paused(struct world *world)
{
    struct mg_store_pause *pauses;
    size_t count;
    CU_ASSERT_FATAL(mg_store_pauses(world->store, &pauses, &count, NULL));
    free(pauses);
    return count > 0;
}

static bool is_not_noted_as_paused(struct world *world)
{
    return !is_noted_as_paused(world);
}

static bool is_untouched(struct world *world)
{
    return world_delivery(world, BYSTANDER).attempts == 0;
}

static void see(const struct mg_dispatch_facts *facts, void *context)
{
    *(bool *)context = facts->pause;
}

static bool is_paused(struct world *world)
{
    bool paused = false;
    mg_dispatch_each(world->dispatch, see, &paused);
    return paused;
}

static bool is_not_paused(struct world *world)
{
    return !is_paused(world);
}

static const struct act acts[] = {
    {"retry", "fails", "waiting", is_not_due, is_untouched},
    {"cancel", "fails", "waiting", is_not_cancelled, is_untouched},
    {"retry-dead", "refuses", NULL, is_dead, is_untouched},
    {"pause", "fails", NULL, is_not_noted_as_paused, is_not_paused},
    {"resume", "fails", NULL, is_noted_as_paused, is_paused}, /* of what has been paused */
};
#define ACTS (sizeof acts / sizeof *acts)

/* ---- asking ---- */

static void connect_to(struct scene *scene)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", scene->path);
    scene->connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(scene->connection, (struct sockaddr *)&address, sizeof address),
                          0);
}

static void say(struct scene *scene, const char *text)
{
    ssize_t length = (ssize_t)strlen(text);
    scene->length = 0;
    CU_ASSERT_EQUAL_FATAL(send(scene->connection, text, (size_t)length, MSG_NOSIGNAL), length);
}

static bool is_not_answered(struct world *world)
{
    struct scene *scene = (struct scene *)world;
    ssize_t count = recv(scene->connection, scene->heard + scene->length,
                         sizeof scene->heard - 1 - scene->length, MSG_DONTWAIT);
    scene->length += count > 0 ? (size_t)count : 0;
    scene->heard[scene->length] = '\0';
    const char *body = strstr(scene->heard, "\r\n\r\n");
    const char *announced = strstr(scene->heard, LENGTH);
    return !body || !announced || strlen(body + 4) < strtoul(announced + strlen(LENGTH), NULL, 10);
}

static void ask(struct scene *scene, const char *name, const char *seen)
{
    char id[MG_ID_TEXT_SIZE], path[100], body[300], request[600];
    mg_id_text(&scene->world.messages[ASKED], id);
    if (seen) {
        snprintf(path, sizeof path, "/messages/%s/%s", id, name);
        snprintf(body, sizeof body,
                 "{\"why\":\"The test wants it so.\",\"destination\":\"office\","
                 "\"seen\":{\"state\":\"%s\",\"attempts\":1}}",
                 seen);
    } else {
        snprintf(path, sizeof path, "/destinations/office/%s", name);
        snprintf(body, sizeof body, "{\"why\":\"The test wants it so.\"}");
    }
    snprintf(request, sizeof request,
             "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             path, strlen(body), body);
    say(scene, request);
}

/* ---- a scene ---- */

static bool is_untried(struct world *world)
{
    const struct mg_store_delivery delivery = world_delivery(world, ASKED);
    return delivery.attempts == 0 || delivery.state == MG_DELIVERY_RUNNING;
}

static void put_messages(struct world *world)
{
    world->destination.retry.first = world->destination.retry.longest = HOUR;
    world->destination.retry.give_up = 100 * HOUR;
    world_accept(world, mg_clock_now(), 3);
    mg_dispatch_begin(world->dispatch);
    CU_ASSERT_FATAL(world_run_while(world, is_untried));
    /* The store in memory has answered whatever the lane has asked it: so it comes to rest. */
    for (int i = 0; i < 10; i++)
        mg_handoff_drain(world->handoff);
    world_accept(world, mg_clock_now(), 3);
}

static void start_operate(struct scene *scene)
{
    struct world *world = &scene->world;
    struct mg_error error;
    const struct mg_audit_options audit = {.store = world->store, .background = world->background};
    scene->audit = mg_audit_new(&audit);
    const struct mg_intake_options intake = {
        .store = world->store, .workers = world->workers, .audit = scene->audit};
    scene->intake = mg_intake_new(&intake);
    const struct mg_operate_options operate = {
        .base = world->base,
        .store = world->store,
        .audit = scene->audit,
        .background = world->background,
        .host = world->host,
        .dispatch = world->dispatch,
        .intake = scene->intake,
    };
    snprintf(scene->path, sizeof scene->path, "/tmp/operate-acts-%ld", (long)getpid());
    world->snapshot->config.control.socket = scene->path;
    scene->operate = mg_operate_new(&operate);
    CU_ASSERT_FATAL(mg_operate_prepare(scene->operate, &world->snapshot->config, &error));
    mg_operate_commit(scene->operate, &world->snapshot->config);
}

/* Whoever asks is known by name on this connection, so that nothing but the store has to be heard
 * of what they ask for next. */
static void start(struct scene *scene, const struct act *act)
{
    office_start(&scene->world, MG_ISOLATION_NONE, OFFICE_ADAPTER, act->temper);
    put_messages(&scene->world);
    start_operate(scene);
    connect_to(scene);
    say(scene, "GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CU_ASSERT_FATAL(world_run_while(&scene->world, is_not_answered));
    if (strcmp(act->name, "resume") == 0) {
        ask(scene, "pause", NULL);
        CU_ASSERT_FATAL(world_run_while(&scene->world, is_not_answered));
    }
}

/* Has the act committed, and the answer of the store wait in the handoff. */
static void commit(struct scene *scene, const struct act *act)
{
    event_del(scene->world.ready);
    CU_ASSERT(act->is_missing(&scene->world));
    ask(scene, act->name, act->seen);
    CU_ASSERT_FATAL(world_run_while(&scene->world, act->is_missing));
}

static void stop(struct scene *scene)
{
    mg_operate_free(scene->operate);
    world_stop(&scene->world);
    mg_audit_free(scene->audit);
    mg_intake_free(scene->intake);
    close(scene->connection);
}

/* ---- tests ---- */

static void an_act_is_heard_by_its_lane_when_it_is_committed(void)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct scene scene;
        start(&scene, &acts[i]);
        commit(&scene, &acts[i]);
        CU_ASSERT(acts[i].is_unheard(&scene.world));
        event_add(scene.world.ready, NULL);
        CU_ASSERT(world_run_while(&scene.world, acts[i].is_unheard));
        CU_ASSERT(world_run_while(&scene.world, is_not_answered));
        CU_ASSERT_EQUAL(strncmp(scene.heard, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 ")), 0);
        stop(&scene);
    }
}

static void an_act_whose_commit_returns_after_operate_is_told_to_no_lane(void)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct scene scene;
        start(&scene, &acts[i]);
        commit(&scene, &acts[i]);
        mg_operate_free(scene.operate);
        scene.operate = NULL;
        mg_handoff_drain(scene.world.handoff);
        CU_ASSERT(acts[i].is_unheard(&scene.world));
        CU_ASSERT_FALSE(acts[i].is_missing(&scene.world));
        event_add(scene.world.ready, NULL);
        stop(&scene);
    }
}

/* In the order in which the gateway ends: what is left of the dispatch leans on adapters that are
 * closed. */
static void an_act_whose_commit_returns_last_touches_nothing_that_is_gone(void)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct scene scene;
        struct world *world = &scene.world;
        start(&scene, &acts[i]);
        mg_dispatch_stop(world->dispatch, 0, world_drained, world);
        commit(&scene, &acts[i]);
        CU_ASSERT_EQUAL(world->drained, 1);
        mg_operate_free(scene.operate);
        mg_host_free(world->host);
        scene.operate = NULL;
        world->host = NULL;
        mg_handoff_drain(world->handoff);
        CU_ASSERT_FALSE(acts[i].is_missing(world));
        mg_dispatch_free(world->dispatch);
        world->dispatch = NULL;
        stop(&scene);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_act_is_heard_by_its_lane_when_it_is_committed),
        UNIT_TEST(an_act_whose_commit_returns_after_operate_is_told_to_no_lane),
        UNIT_TEST(an_act_whose_commit_returns_last_touches_nothing_that_is_gone),
    };
    /* What is freed holds nothing that anybody could mistake for what was there. */
    mallopt(M_PERTURB, 0xa5);
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("operate acts", tests, sizeof tests / sizeof *tests);
}
