/* What is written of a state: the right figures in the right format, whatever adapters say. */
#include "gateway/base/text.h"
#include "gateway/config/snapshot.h"
#include "gateway/operate/access.h"
#include "gateway/operate/metrics.h"
#include "gateway/operate/status.h"
#include "gateway/store/act.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW INT64_C(1800000000000)

/* A text that no format survives unescaped: quotes, line ends, an end of a comment, markup, bytes
 * that are no UTF-8, half a character at the end. */
#define HOSTILE "a\"b\\c\n# TYPE x counter\r\x01<script>\xff\xc3\xa4 \xc3"
#define SHOWN   "a\"b\\c\n# TYPE x counter\r\xEF\xBF\xBD<script>\xEF\xBF\xBD\xc3\xa4 \xEF\xBF\xBD"

static struct mg_overview_destination destinations[] = {
    {
        .state = MG_DESTINATION_DOWN,
        .facts =
            {
                .name = "office",
                .concurrency = 8,
                .instance = {.name = "office",
                             .adapter = "far-away",
                             .down = true,
                             .code = "adapter.died",
                             .text = HOSTILE},
                .breaker = MG_BREAKER_OPEN,
                .failures = 7,
                .next_attempt = NOW + 5000,
                .counts = {.delivered = 11, .collected = 12, .postponed = 13, .dead = 14},
                .last_success = NOW - 60000,
                .last_failure = NOW - 1000,
                .failure_code = "test.down",
                .failure_text = HOSTILE,
                .pause = &(const struct mg_store_pause){.by = "anna.beispiel",
                                                        .why = HOSTILE,
                                                        .since = NOW - 5000},
            },
        .queue = {.destination = "office",
                  .waiting = 3,
                  .running = 1,
                  .held = 1,
                  .dead = 2,
                  .bytes = 4096,
                  .oldest = NOW - 90500},
    },
    {
        .state = MG_DESTINATION_REMOVED,
        .facts = {.name = "shelf", .removed = true, .failure_code = "", .failure_text = ""},
        .queue = {.destination = "shelf", .dead = 1},
    },
};

static struct mg_host_facts instances[] = {
    {.name = "office",
     .adapter = "far-away",
     .version = HOSTILE,
     .abi = 2,
     .down = true,
     .code = "adapter.died",
     .text = HOSTILE,
     .is_process = true,
     .restarts = 5},
    {.name = "in", .adapter = "rest", .abi = 2, .is_source = true, .code = "", .text = ""},
};

static struct mg_host_counter counters[] = {
    {.adapter = "rest", .instance = "office", .name = "sent", .help = "Sent.", .value = 1},
    {.adapter = "far-away", .instance = "office", .name = "sent", .help = HOSTILE, .value = 40},
    {.adapter = "rest", .instance = "in", .is_source = true, .name = "sent", .value = 3},
    {.adapter = "far", .instance = "office", .name = "away_sent", .help = "Other.", .value = 2},
    {.adapter = "far-away", .instance = "other", .name = "sent", .help = "", .value = 5},
    {.adapter = "rest", .instance = "office", .name = "bytes_total", .help = "Bytes.", .value = 6},
};

static const char *const problems[] = {"gateway.xml:3: wrong", HOSTILE};

static struct mg_config_site sites[] = {
    {.name = "solingen",
     .title = "Solingen " HOSTILE,
     .latitude = "51.17",
     .longitude = "-7.1",
     .authorities = (const char *[]){"ags:05122*"},
     .authority_count = 1},
};

static struct mg_config_destination configured[] = {
    {.name = "office", .title = "Town office", .site = &sites[0], .retry = {.give_up = 100000}},
};

static struct mg_config_partner partners[] = {
    {.name = "portal", .title = "", .site = &sites[0]},
    {.name = "silent", .title = "Silent one"},
};

static struct mg_config_source sources[] = {
    {.name = "in", .adapter = "rest", .listener = "cities", .partner = &partners[0]},
};

static struct mg_route routes[] = {
    {.type = "xbau:*",
     .reader = "ags:05122000",
     .destinations = (const size_t[]){0},
     .destination_count = 1},
    {.type = "*", .reader = "*"},
};

#define DAY INT64_C(86400000)

static struct mg_config_certificate certificates[] = {
    {.role = "tls",
     .subject = "CN=" HOSTILE,
     .serial = "0a",
     .fingerprint = "ff",
     .file = "tls.pem",
     .not_before = NOW - 300 * DAY,
     .not_after = NOW + 29 * DAY},
    {.role = "partner.tls",
     .owner = "portal",
     .subject = "CN=portal",
     .serial = "0c",
     .fingerprint = "fd",
     .file = "portal.pem",
     .not_before = NOW - 300 * DAY,
     .not_after = NOW - 1},
};

static struct mg_overview_listener listeners[] = {
    {.name = "cities", .address = "*:8443", .port = 8443, .connections = 17},
};

static struct mg_list_facts lists[] = {
    {.issuer = "CN=old", .last_update = NOW - 9 * DAY, .next_update = NOW - 2 * DAY - 1},
    {.issuer = "CN=endless", .last_update = NOW},
};

static struct mg_name names[] = {{.name = "office"}};

static struct mg_config_snapshot snapshot = {
    .config = {.sites = sites,
               .site_count = 1,
               .destinations = configured,
               .destination_count = 1,
               .partners = partners,
               .partner_count = 2,
               .sources = sources,
               .source_count = 1,
               .routes = routes,
               .route_count = 2,
               .certificates = certificates,
               .certificate_count = sizeof certificates / sizeof *certificates},
    .destinations = {.list = names, .count = 1},
};

static struct mg_tally *tally;
static struct mg_dispatch_totals totals;

static struct mg_overview an_overview(void)
{
    return (struct mg_overview){
        .config = &snapshot.config,
        .tally = tally,
        .deliveries = &totals,
        .listeners = listeners,
        .listener_count = 1,
        .lists = lists,
        .list_count = sizeof lists / sizeof *lists,
        .measures = {.backlog = 4, .free_bytes = 3 << 20, .reserve = 2 << 20},
        .audit = {.entries = 77, .closed = "2027-01-14", .unknown_callers = 3},
        .version = "1.2.3",
        .name = "gateway.example",
        .now = NOW,
        .started = NOW - 3600500,
        .file = "/etc/muengsten.xml",
        .hash = "00ff",
        .loaded = NOW - 7000,
        .reloads = {.applied = 4,
                    .refused = 2,
                    .last_refused = NOW - 500,
                    .problems = problems,
                    .problem_count = 2},
        .store = {.messages = 9,
                  .waiting = 3,
                  .dead = 3,
                  .bytes = 8192,
                  .measured = NOW - 1,
                  .accepts = true},
        .process = {.processor = 1500, .resident = 1 << 20},
        .destinations = destinations,
        .destination_count = sizeof destinations / sizeof *destinations,
        .instances = instances,
        .instance_count = sizeof instances / sizeof *instances,
        .counters = counters,
        .counter_count = sizeof counters / sizeof *counters,
    };
}

static char *metrics_of(const struct mg_overview *overview)
{
    struct mg_buffer text = {0};
    mg_metrics_write(overview, &text);
    return mg_buffer_take(&text);
}

static json_t *status_of(const struct mg_overview *overview)
{
    struct mg_buffer text = {0};
    mg_status_write(overview, &text);
    json_t *status = json_loadb(text.data, text.length, 0, NULL);
    mg_buffer_free(&text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(status);
    return status;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(no text)";
}

static json_int_t number_at(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* Whether the text has the line, as a whole. */
static bool has_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++)
        if ((at == text || at[-1] == '\n') && at[length] == '\n')
            return true;
    printf("# missing: %s\n", line);
    return false;
}

/* ---- status ---- */

static void the_status_tells_the_whole_state(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    CU_ASSERT_STRING_EQUAL(text_at(status, "version"), "1.2.3");
    CU_ASSERT_STRING_EQUAL(text_at(status, "started"), "2027-01-15T06:59:59.500Z");
    CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(status, "uptime_seconds")), 3600.5, 0);
    const json_t *configuration = json_object_get(status, "configuration");
    CU_ASSERT_STRING_EQUAL(text_at(configuration, "hash"), "00ff");
    const json_t *refused = json_object_get(configuration, "last_refused");
    CU_ASSERT_EQUAL(json_array_size(json_object_get(refused, "problems")), 2);
    const json_t *store = json_object_get(status, "store");
    CU_ASSERT(number_at(store, "messages") == 9 && number_at(store, "bytes") == 8192);
    CU_ASSERT(json_is_true(json_object_get(store, "accepts")));
    CU_ASSERT(json_is_false(json_object_get(store, "records")));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(status, "sources")), 1);
    json_decref(status);
}

static void a_destination_tells_state_queue_breaker_and_history(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    const json_t *list = json_object_get(status, "destinations");
    const json_t *office = json_array_get(list, 0), *shelf = json_array_get(list, 1);
    const json_t *queue = json_object_get(office, "queue");
    CU_ASSERT_STRING_EQUAL(text_at(office, "state"), "down");
    CU_ASSERT_STRING_EQUAL(text_at(office, "code"), "adapter.died");
    CU_ASSERT(number_at(queue, "waiting") == 3 && number_at(queue, "running") == 1 &&
              number_at(queue, "held") == 1 && number_at(queue, "dead") == 2 &&
              number_at(queue, "bytes") == 4096);
    CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(queue, "oldest_seconds")), 90.5, 0);
    CU_ASSERT_STRING_EQUAL(text_at(json_object_get(office, "breaker"), "state"), "open");
    CU_ASSERT_STRING_EQUAL(text_at(office, "next_attempt"), "2027-01-15T08:00:05.000Z");
    CU_ASSERT_STRING_EQUAL(text_at(json_object_get(office, "last_error"), "code"), "test.down");
    const json_t *counts = json_object_get(office, "deliveries");
    CU_ASSERT(number_at(counts, "delivered") == 11 && number_at(counts, "collected") == 12 &&
              number_at(counts, "postponed") == 13 && number_at(counts, "dead") == 14);
    const json_t *pause = json_object_get(office, "paused_by");
    CU_ASSERT_STRING_EQUAL(text_at(pause, "by"), "anna.beispiel");
    CU_ASSERT_STRING_EQUAL(text_at(pause, "why"), SHOWN);
    CU_ASSERT_STRING_EQUAL(text_at(pause, "since"), "2027-01-15T07:59:55.000Z");
    CU_ASSERT(json_is_null(json_object_get(shelf, "paused_by")));
    CU_ASSERT_STRING_EQUAL(text_at(shelf, "state"), "removed");
    CU_ASSERT(json_is_null(json_object_get(shelf, "adapter")));
    CU_ASSERT(json_is_null(json_object_get(shelf, "last_error")));
    CU_ASSERT(json_is_null(json_object_get(json_object_get(shelf, "queue"), "oldest")));
    json_decref(status);
}

static const json_t *first(const json_t *status, const char *list)
{
    return json_array_get(json_object_get(status, list), 0);
}

static void what_the_configuration_names_is_there_with_its_state(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    const json_t *place = first(status, "places"), *partner = first(status, "partners");
    CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(place, "latitude")), 51.17, 0);
    CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(place, "longitude")), -7.1, 0);
    CU_ASSERT_STRING_EQUAL(text_at(place, "title"), "Solingen " SHOWN);
    CU_ASSERT_STRING_EQUAL(text_at(partner, "title"), "portal");
    CU_ASSERT_STRING_EQUAL(text_at(partner, "place"), "solingen");
    CU_ASSERT(number_at(partner, "accepted") == 1 && number_at(partner, "refused") == 1);
    CU_ASSERT(json_is_string(json_object_get(partner, "last_seen")));
    partner = json_array_get(json_object_get(status, "partners"), 1);
    CU_ASSERT(json_is_null(json_object_get(partner, "last_seen")));
    const json_t *route = first(status, "routes"), *listener = first(status, "listeners");
    CU_ASSERT_STRING_EQUAL(text_at(route, "state"), "down");
    CU_ASSERT_STRING_EQUAL(text_at(route, "place"), "solingen");
    CU_ASSERT_EQUAL(number_at(route, "messages"), 1);
    CU_ASSERT(number_at(listener, "port") == 8443 && number_at(listener, "connections") == 17);
    const json_t *source = first(status, "sources"), *office = first(status, "destinations");
    CU_ASSERT_STRING_EQUAL(text_at(source, "partner"), "portal");
    CU_ASSERT_STRING_EQUAL(text_at(source, "listener"), "cities");
    CU_ASSERT_STRING_EQUAL(text_at(office, "title"), "Town office");
    CU_ASSERT_STRING_EQUAL(text_at(office, "place"), "solingen");
    json_decref(status);
}

static void certificates_lists_and_the_store_tell_what_is_left(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    const json_t *own = first(status, "certificates"), *list = first(status, "revocation");
    CU_ASSERT_EQUAL(number_at(own, "days_left"), 29);
    CU_ASSERT(json_is_null(json_object_get(own, "owner")));
    CU_ASSERT_STRING_EQUAL(text_at(own, "subject"), "CN=" SHOWN);
    const json_t *theirs = json_array_get(json_object_get(status, "certificates"), 1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(theirs, "days_left")), -1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(list, "days_left")), -3);
    list = json_array_get(json_object_get(status, "revocation"), 1);
    CU_ASSERT(json_is_null(json_object_get(list, "next_update")));
    const json_t *store = json_object_get(status, "store");
    CU_ASSERT(number_at(store, "backlog") == 4 && number_at(store, "free_bytes") == 3 << 20);
    CU_ASSERT(json_is_null(json_object_get(store, "commit_seconds")));
    const json_t *audit = json_object_get(status, "audit");
    CU_ASSERT(number_at(audit, "entries") == 77 && number_at(audit, "unknown_callers") == 3);
    CU_ASSERT_STRING_EQUAL(text_at(audit, "closed"), "2027-01-14");
    json_decref(status);
}

static void adapters_tell_their_instances_and_processes(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    const json_t *list = json_object_get(status, "adapters");
    CU_ASSERT_EQUAL(json_array_size(list), 2);
    const json_t *away = json_array_get(list, 0), *rest = json_array_get(list, 1);
    const json_t *office = json_array_get(json_object_get(away, "instances"), 0);
    const json_t *process = json_object_get(office, "process");
    CU_ASSERT_STRING_EQUAL(text_at(office, "isolation"), "process");
    CU_ASSERT_STRING_EQUAL(text_at(process, "state"), "none");
    CU_ASSERT_EQUAL(number_at(process, "restarts"), 5);
    CU_ASSERT_STRING_EQUAL(text_at(rest, "name"), "rest");
    CU_ASSERT(json_is_null(json_object_get(rest, "version")));
    const json_t *in = json_array_get(json_object_get(rest, "instances"), 0);
    CU_ASSERT(json_is_null(json_object_get(in, "process")));
    json_decref(status);
}

static void hostile_texts_stay_texts_in_the_status(void)
{
    struct mg_overview overview = an_overview();
    json_t *status = status_of(&overview);
    const json_t *office = json_array_get(json_object_get(status, "destinations"), 0);
    CU_ASSERT_STRING_EQUAL(text_at(office, "reason"), SHOWN);
    CU_ASSERT_STRING_EQUAL(text_at(json_object_get(office, "last_error"), "text"), SHOWN);
    const json_t *away = json_array_get(json_object_get(status, "adapters"), 0);
    CU_ASSERT_STRING_EQUAL(text_at(away, "version"), SHOWN);
    json_decref(status);
}

static void an_empty_gateway_has_a_status_and_metrics(void)
{
    static struct mg_config_snapshot empty;
    struct mg_tally *none = mg_tally_new();
    struct mg_overview overview = {.config = &empty.config,
                                   .tally = none,
                                   .name = "g",
                                   .version = "1",
                                   .file = "f",
                                   .hash = "h"};
    overview.store.bytes = -1;
    json_t *status = status_of(&overview);
    CU_ASSERT(json_is_null(json_object_get(json_object_get(status, "store"), "bytes")));
    json_decref(status);
    char *text = metrics_of(&overview);
    CU_ASSERT_PTR_NULL(strstr(text, "muengsten_store_size_bytes"));
    free(text);
    mg_tally_free(none);
}

/* ---- metrics ---- */

static void the_metrics_tell_the_same_figures(void)
{
    struct mg_overview overview = an_overview();
    char *text = metrics_of(&overview);
    static const char *const lines[] = {
        "muengsten_build_info{version=\"1.2.3\"} 1",
        "process_start_time_seconds 1799996399.500",
        "process_cpu_seconds_total 1.500",
        "process_resident_memory_bytes 1048576",
        "muengsten_configuration_info{hash=\"00ff\"} 1",
        "muengsten_configuration_refused 1",
        "muengsten_reloads_total{result=\"applied\"} 4",
        "muengsten_reloads_total{result=\"refused\"} 2",
        "muengsten_store_messages 9",
        "muengsten_store_size_bytes 8192",
        "muengsten_store_accepts 1",
        "muengsten_store_records 0",
        "muengsten_destination_waiting{destination=\"office\"} 3",
        "muengsten_destination_running{destination=\"office\"} 1",
        "muengsten_destination_held{destination=\"office\"} 1",
        "muengsten_destination_dead{destination=\"office\"} 2",
        "muengsten_destination_waiting_bytes{destination=\"office\"} 4096",
        "muengsten_destination_oldest_age_seconds{destination=\"office\"} 90.500",
        "muengsten_destination_oldest_age_seconds{destination=\"shelf\"} 0.000",
        "muengsten_destination_state{destination=\"office\",state=\"down\"} 1",
        "muengsten_destination_state{destination=\"office\",state=\"ready\"} 0",
        "muengsten_destination_state{destination=\"shelf\",state=\"removed\"} 1",
        "muengsten_destination_breaker_open{destination=\"office\"} 1",
        "muengsten_destination_deliveries_total{destination=\"office\",outcome=\"delivered\"} 11",
        "muengsten_destination_deliveries_total{destination=\"office\",outcome=\"collected\"} 12",
        "muengsten_destination_deliveries_total{destination=\"office\",outcome=\"postponed\"} 13",
        "muengsten_destination_deliveries_total{destination=\"office\",outcome=\"dead\"} 14",
        "muengsten_instance_up{adapter=\"far-away\",destination=\"office\"} 0",
        "muengsten_instance_up{adapter=\"rest\",source=\"in\"} 1",
        "muengsten_instance_process_up{adapter=\"far-away\",destination=\"office\"} 0",
        "muengsten_instance_process_restarts_total{adapter=\"far-away\",destination=\"office\"} 5",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CU_ASSERT(has_line(text, lines[i]));
    free(text);
}

static void counters_of_adapters_appear_by_themselves(void)
{
    struct mg_overview overview = an_overview();
    char *text = metrics_of(&overview);
    CU_ASSERT(has_line(text, "# TYPE muengsten_adapter_rest_sent_total counter"));
    CU_ASSERT(has_line(text, "muengsten_adapter_rest_sent_total{destination=\"office\"} 1"));
    CU_ASSERT(has_line(text, "muengsten_adapter_rest_sent_total{source=\"in\"} 3"));
    CU_ASSERT(has_line(text, "muengsten_adapter_rest_bytes_total{destination=\"office\"} 6"));
    CU_ASSERT(has_line(text, "muengsten_adapter_far_away_sent_total{destination=\"other\"} 5"));
    free(text);
}

static void counters_that_get_the_same_name_count_together(void)
{
    struct mg_overview overview = an_overview();
    char *text = metrics_of(&overview);
    CU_ASSERT(has_line(text, "muengsten_adapter_far_away_sent_total{destination=\"office\"} 42"));
    free(text);
}

static void hostile_names_and_help_stay_in_their_place_in_the_metrics(void)
{
    struct mg_overview_destination hostile = destinations[1];
    hostile.facts.name = HOSTILE;
    struct mg_overview overview = an_overview();
    overview.destinations = &hostile;
    overview.destination_count = 1;
    char *text = metrics_of(&overview);
    CU_ASSERT(has_line(text,
                       "muengsten_destination_dead{destination=\"a\\\"b\\\\c\\n# TYPE x counter "
                       "\xEF\xBF\xBD<script>\xEF\xBF\xBD\xc3\xa4 \xEF\xBF\xBD\"} 1"));
    CU_ASSERT_PTR_NULL(strstr(text, "\n# TYPE x counter"));
    free(text);
}

/* The name that a line is about, up to a label or the value. */
static size_t name_length(const char *line)
{
    return strcspn(line, "{ ");
}

/* Whether a series is one of the family; those of a histogram say what they are at the end. */
static bool belongs(const char *name, const char *family)
{
    static const char *const ends[] = {"", "_bucket", "_sum", "_count"};
    size_t length = strlen(family);
    if (strncmp(name, family, length) != 0)
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (name_length(name) == length + strlen(ends[i]) &&
            strncmp(name + length, ends[i], strlen(ends[i])) == 0)
            return true;
    return false;
}

static void every_family_stands_together_below_its_help_and_type(void)
{
    struct mg_overview overview = an_overview();
    char *text = metrics_of(&overview), *rest = NULL;
    char seen[100][128];
    size_t count = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            CU_ASSERT_FATAL(count < 100);
            snprintf(seen[count], sizeof seen[count], "%.*s", (int)name_length(line + 7), line + 7);
            for (size_t i = 0; i < count; i++)
                CU_ASSERT_STRING_NOT_EQUAL(seen[i], seen[count]);
            count++;
        } else {
            const char *name = strncmp(line, "# TYPE ", 7) == 0 ? line + 7 : line;
            CU_ASSERT(count > 0 && belongs(name, seen[count - 1]));
        }
    }
    CU_ASSERT(count > 20);
    free(text);
}

static void promtool_accepts_what_hostile_adapters_say(void)
{
    if (system("command -v promtool >/dev/null") != 0) {
        unit_skip("promtool is not installed");
        return;
    }
    struct mg_overview_destination both[] = {destinations[0], destinations[1]};
    both[1].facts.name = HOSTILE;
    struct mg_overview overview = an_overview();
    overview.destinations = both;
    char *text = metrics_of(&overview);
    FILE *tool = popen("promtool check metrics >/dev/null 2>&1", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tool);
    CU_ASSERT(fputs(text, tool) >= 0);
    int status = pclose(tool);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(text);
}

/* ---- who may ask, and texts ---- */

static void only_names_of_this_machine_are_its_own(void)
{
    static const char *const own[] = {
        "localhost",     "LocalHost:9980", "127.0.0.1",  "127.0.0.1:9980",
        "127.255.1.2:1", "[::1]",          "[::1]:9980",
    };
    static const char *const foreign[] = {
        "",
        "localhost.",
        "localhost.example",
        "xlocalhost",
        "127.0.0.1.example",
        "128.0.0.1",
        "10.0.0.1:9980",
        "0.0.0.0",
        "2130706433",
        "127.1",
        "[::]",
        "[::1",
        "[::1]x",
        "[::1]:",
        "localhost:",
        "localhost:x",
        "localhost:123456",
        "::1",
        "[::ffff:127.0.0.1]",
        "localhost:1:2",
        "far.too.long.a.name.for.a.machine.that.looks.at.itself.over.its.own.loopback.address",
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        CU_ASSERT(mg_access_is_own_host(own[i]));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        CU_ASSERT_FALSE(mg_access_is_own_host(foreign[i]));
}

static void texts_are_cut_and_what_is_none_is_empty(void)
{
    struct mg_buffer shown = {0};
    mg_shown_text(&shown, NULL);
    CU_ASSERT_EQUAL(shown.length, 0);
    char *longer = mg_allocate_zeroed(1, 3 * MG_SHOWN_TEXT);
    memset(longer, 'x', 3 * MG_SHOWN_TEXT - 1);
    mg_shown_text(&shown, longer);
    CU_ASSERT_EQUAL(shown.length, MG_SHOWN_TEXT);
    free(longer);
    mg_buffer_free(&shown);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_status_tells_the_whole_state),
        UNIT_TEST(a_destination_tells_state_queue_breaker_and_history),
        UNIT_TEST(what_the_configuration_names_is_there_with_its_state),
        UNIT_TEST(certificates_lists_and_the_store_tell_what_is_left),
        UNIT_TEST(adapters_tell_their_instances_and_processes),
        UNIT_TEST(hostile_texts_stay_texts_in_the_status),
        UNIT_TEST(an_empty_gateway_has_a_status_and_metrics),
        UNIT_TEST(the_metrics_tell_the_same_figures),
        UNIT_TEST(counters_of_adapters_appear_by_themselves),
        UNIT_TEST(counters_that_get_the_same_name_count_together),
        UNIT_TEST(hostile_names_and_help_stay_in_their_place_in_the_metrics),
        UNIT_TEST(every_family_stands_together_below_its_help_and_type),
        UNIT_TEST(promtool_accepts_what_hostile_adapters_say),
        UNIT_TEST(only_names_of_this_machine_are_its_own),
        UNIT_TEST(texts_are_cut_and_what_is_none_is_empty),
    };
    tally = mg_tally_new();
    mg_tally_accept(tally, &(struct mg_tally_accepted){.partner = "portal",
                                                       .source = "in",
                                                       .type = "xbau:0200",
                                                       .route = &routes[0],
                                                       .duration = 4000});
    mg_tally_refuse(tally, "portal", "schema.invalid");
    mg_tally_refuse(tally, NULL, "partner.unknown");
    int result = unit_run("operate", tests, sizeof tests / sizeof *tests);
    mg_tally_free(tally);
    return result;
}
