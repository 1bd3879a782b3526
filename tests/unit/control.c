#include "tests/unit/unit.h"
#include "tools/control/client.h"
#include "tools/control/commands.h"
#include "tools/control/find.h"
#include "tools/control/look.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRONG "\xef\xbf\xbd"

static const struct mg_screen plain = {.width = 0}, narrow = {.width = 20},
                              coloured = {.colours = true};

static void speak(const char *language)
{
    setenv("LC_ALL", language, 1);
    mg_say_start();
}

/* ---- text ---- */

static void expect_text(const char *hostile, const char *harmless)
{
    struct mg_buffer buffer = {0};
    mg_screen_text(&buffer, hostile);
    CU_ASSERT_STRING_EQUAL(buffer.data ? buffer.data : "", harmless);
    mg_buffer_free(&buffer);
}

static void hostile_text_becomes_harmless(void)
{
    expect_text("K\xc3\xb6ln, \xe4\xb8\xad, \xf0\x9f\x98\x80", "K\xc3\xb6ln, \xe4\xb8\xad, "
                                                               "\xf0\x9f\x98\x80");
    expect_text("\033[31mred\a\r\n\x7f", WRONG "[31mred" WRONG WRONG WRONG WRONG);
    expect_text("\xc2\x9b"
                "31m",
                WRONG "31m"); /* CSI in one character */
    expect_text("a\xe2\x80\xae"
                "b\xe2\x81\xa6"
                "c",
                "a" WRONG "b" WRONG "c"); /* direction */
    expect_text("a\xe2\x80\x8b"
                "b",
                "a" WRONG "b"); /* without a width */
    expect_text("\xc0\xaf\xe0\x80\x80\xff", WRONG WRONG WRONG WRONG WRONG WRONG);
    expect_text("\xed\xa0\x80", WRONG WRONG WRONG); /* a surrogate */
    expect_text("end\xc3", "end" WRONG);
    expect_text(NULL, "");
}

static void expect_json(const char *dump, const char *harmless)
{
    struct mg_buffer buffer = {0};
    mg_screen_json(&buffer, dump);
    CU_ASSERT_STRING_EQUAL(buffer.data, harmless);
    mg_buffer_free(&buffer);
}

static void hostile_text_in_json_is_escaped_and_stays_the_same_to_programs(void)
{
    expect_json("{\n  \"K\xc3\xb6ln\": \"\xe4\xb8\xad\xf0\x9f\x98\x80\"\n}\n",
                "{\n  \"K\xc3\xb6ln\": \"\xe4\xb8\xad\xf0\x9f\x98\x80\"\n}\n");
    expect_json("\"\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0\"",
                "\"\\u007f\\u0080\\u009b\\u009f\xc2\xa0\"");
    expect_json("\"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9\"",
                "\"\\u202a\\u202e\\u2066\\u2069\""); /* direction */
    expect_json("\"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\"", "\"\\u200e\\u200f\\u061c\"");
    expect_json("\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\""); /* a tag */

    /* Every character where most controls are and many beyond, as jansson writes them. */
    size_t step = unit_amount(0x1f, 0x3ff);
    for (unsigned long character = 1; character <= 0x10ffff;
         character += character < 0x2100 ? 1 : step) {
        char text[32];
        struct mg_buffer json = {0};
        if (character >= 0xd800 && character <= 0xdfff)
            continue;
        snprintf(text, sizeof text, "\"\\u%04lx\"", character);
        if (character > 0xffff)
            snprintf(text, sizeof text, "\"\\u%04lx\\u%04lx\"",
                     0xd800 + ((character - 0x10000) >> 10), 0xdc00 + (character & 0x3ff));
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
        char *dump = json_dumps(value, JSON_ENCODE_ANY);
        mg_screen_json(&json, dump);
        json_t *read = json_loads(json.data, JSON_DECODE_ANY, NULL);
        CU_ASSERT(value && read && json_equal(value, read));
        json_decref(read);
        json_decref(value);
        mg_buffer_free(&json);
        free(dump);
    }
}

static void widths_are_those_of_characters(void)
{
    CU_ASSERT_EQUAL(mg_screen_width("M\xc3\xbcngsten"), 8);
    CU_ASSERT_EQUAL(mg_screen_width("\xe4\xb8\xad\xe6\x96\x87"), 4);
    CU_ASSERT_EQUAL(mg_screen_width("a\xcc\x88"), 1);
    CU_ASSERT_EQUAL(mg_screen_width("\033\xff"), 2);
}

/* Shows a table of two rows. */
static char *table_on(const struct mg_screen *screen)
{
    static const char *const headings[] = {"NAME", ">N", "TEXT", NULL};
    struct mg_buffer buffer = {0};
    struct mg_table *table = mg_table_new(headings);
    mg_table_add(table, MG_COLOUR_NONE, "M\xc3\xbcngsten");
    mg_table_print(table, MG_COLOUR_BAD, "%d", 7);
    mg_table_add(table, MG_COLOUR_NONE, "a text that is rather long");
    mg_table_add(table, MG_COLOUR_NONE, "a");
    mg_table_print(table, MG_COLOUR_NONE, "%d", 1234);
    mg_table_add(table, MG_COLOUR_NONE, NULL);
    CU_ASSERT_EQUAL(mg_table_rows(table), 2);
    mg_table_show(table, screen, &buffer);
    mg_table_free(table);
    return mg_buffer_take(&buffer);
}

static void columns_stand_below_each_other(void)
{
    char *text = table_on(&plain);
    CU_ASSERT_STRING_EQUAL(text, "NAME         N  TEXT\n"
                                 "M\xc3\xbcngsten     7  a text that is rather long\n"
                                 "a         1234  -\n");
    free(text);
}

static void the_last_column_ends_where_the_terminal_ends(void)
{
    char *text = table_on(&narrow);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  a t\xe2\x80\xa6\n"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        CU_ASSERT(mg_screen_width(line) <= 20);
    free(text);
}

static void colours_change_no_column(void)
{
    char *text = table_on(&coloured);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "M\xc3\xbcngsten     \033[31m7\033[0m  a text"));
    free(text);
}

static void a_line_is_cut_without_breaking_colours_or_characters(void)
{
    static const struct {
        const char *line;
        size_t width;
        const char *cut;
    } cases[] = {
        {"plain", 3, "pla"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc", 2, "\xc3\xa4\xc3\xb6"},
        {"\033[31mred\033[0m!", 2, "\033[31mre\033[0m"},
        {"\xe4\xb8\xad\xe6\x96\x87", 3, "\xe4\xb8\xad"},
        {"short", 80, "short"},
        {"", 5, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mg_buffer buffer = {0};
        mg_screen_cut(&buffer, cases[i].line, strlen(cases[i].line), cases[i].width);
        CU_ASSERT_STRING_EQUAL(buffer.data ? buffer.data : "", cases[i].cut);
        mg_buffer_free(&buffer);
    }
}

static void colours_are_for_terminals_unless_said_otherwise(void)
{
    struct mg_screen screen;
    mg_screen_look(&screen, "always");
    CU_ASSERT_TRUE(screen.colours);
    mg_screen_look(&screen, "never");
    CU_ASSERT_FALSE(screen.colours);
    /* Standard output of a test is none. */
    mg_screen_look(&screen, "auto");
    CU_ASSERT_FALSE(screen.colours);
    CU_ASSERT_EQUAL(screen.width, 0);
}

/* ---- words ---- */

static void the_locale_says_which_language(void)
{
    unsetenv("LC_ALL");
    setenv("LC_MESSAGES", "de_DE.UTF-8", 1);
    setenv("LANG", "en_GB.UTF-8", 1);
    mg_say_start();
    CU_ASSERT_STRING_EQUAL(mg_say("yes", "ja"), "ja");
    setenv("LC_ALL", "C", 1);
    mg_say_start();
    CU_ASSERT_STRING_EQUAL(mg_say("yes", "ja"), "yes");
    unsetenv("LC_MESSAGES");
    setenv("LC_ALL", "", 1);
    mg_say_start();
    CU_ASSERT_FALSE(mg_say_is_german());
    setenv("LANG", "de_AT", 1);
    mg_say_start();
    CU_ASSERT_TRUE(mg_say_is_german());
    speak("C");
}

/* ---- German ---- */

/* Where the gateway's descriptions list what it may say. */
static const struct {
    const char *file;
    const char *path; /* parted by blanks, since names have dots */
    const char *group;
    const char *before; /* each name */
} lists[] = {
    {"schemas/status.schema.json", "$defs health properties state", "health", "is."},
    {"schemas/status.schema.json", "$defs health properties reasons items properties severity",
     "severity", ""},
    {"schemas/status.schema.json", "$defs health properties reasons items properties code",
     "health", ""},
    {"schemas/status.schema.json", "$defs destination properties state", "destination", ""},
    {"schemas/status.schema.json", "$defs certificate properties role", "role", ""},
    {"gateway/operate/openapi.json", "components schemas State", "delivery", ""},
    {"gateway/operate/openapi.json", "components schemas Role", "who", ""},
    {"gateway/operate/openapi.json", "components schemas Part properties kind", "part", ""},
    {"gateway/operate/openapi.json",
     "components schemas Trace properties checks items properties check", "check", ""},
    {"gateway/operate/openapi.json",
     "components schemas Trace properties checks items properties result", "check", "is."},
    {"gateway/operate/openapi.json",
     "components schemas Trace properties trace items properties kind", "trace", ""},
};

static json_t *names_of(size_t list)
{
    const char *source = getenv("srcdir");
    char file[4096], path[200], *rest = path;
    snprintf(file, sizeof file, "%s/%s", source ? source : ".", lists[list].file);
    snprintf(path, sizeof path, "%s", lists[list].path);
    json_t *document = json_load_file(file, 0, NULL), *value = document;
    for (char *name = strtok_r(path, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        value = json_object_get(value, name);
    json_t *names = json_incref(json_object_get(value, "enum"));
    json_decref(document);
    return names;
}

static void whatever_the_gateway_may_say_has_a_german_word(void)
{
    speak("de_DE.UTF-8");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *names = names_of(i);
        CU_ASSERT(json_array_size(names) > 1);
        for (size_t j = 0; j < json_array_size(names); j++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s", lists[i].before,
                     json_string_value(json_array_get(names, j)));
            if (!mg_words_find(lists[i].group, name)) {
                printf("# there is no German for %s %s\n", lists[i].group, name);
                CU_FAIL("a German word");
            }
        }
        json_decref(names);
    }
    speak("C");
}

static void expect_outcome(const char *code, const char *said, const char *wanted)
{
    struct mg_buffer text = {0};
    mg_words_outcome(&text, code, said);
    CU_ASSERT_STRING_EQUAL(text.data ? text.data : "", wanted);
    mg_buffer_free(&text);
}

static void an_outcome_has_its_meaning_in_german_beside_its_code(void)
{
    expect_outcome("http.503", "busy", "http.503: busy");
    speak("de_DE.UTF-8");
    expect_outcome("http.503", "busy", "Das Ziel antwortete mit 503. http.503: busy");
    expect_outcome("smtp.452", "", "Der Mailserver antwortete mit 452. smtp.452");
    expect_outcome("net.timeout", "", "Die Gegenstelle antwortete nicht rechtzeitig. net.timeout");
    expect_outcome("http.50", "x", "http.50: x");
    expect_outcome("http.5033", "", "http.5033");
    expect_outcome("unheard-of", "x", "unheard-of: x");
    expect_outcome("", "", "");
    CU_ASSERT_STRING_EQUAL(mg_words_say("delivery", "dead"), "gescheitert");
    CU_ASSERT_STRING_EQUAL(mg_words_say("delivery", "{subject}"), "{subject}");
    CU_ASSERT_STRING_EQUAL(mg_words_say_is("check", "not-required"), "nicht verlangt");
    speak("C");
    CU_ASSERT_STRING_EQUAL(mg_words_say("delivery", "dead"), "dead");
    CU_ASSERT_STRING_EQUAL(mg_words_say_is("check", "passed"), "passed");
    CU_ASSERT_PTR_NULL(mg_words_find("delivery", "dead"));
}

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    return value;
}

static void figures_are_put_into_words(void)
{
    char room[MG_PICK_SIZE];
    json_t *value = parse("{\"a\":{\"b\":1234567,\"c\":-1000,\"d\":12},\"big\":15230000000,"
                          "\"small\":999,\"text\":\"x\",\"null\":null,\"true\":true}");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "a.b", room), "1,234,567");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "a.c", room), "-1,000");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "a.d", room), "12");
    CU_ASSERT_STRING_EQUAL(mg_pick_bytes(value, "big", room), "15.2 GB");
    CU_ASSERT_STRING_EQUAL(mg_pick_bytes(value, "small", room), "999 B");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "text", room), "-");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "absent.b", room), "-");
    CU_ASSERT_STRING_EQUAL(mg_pick_bytes(value, "null", room), "-");
    CU_ASSERT_STRING_EQUAL(mg_pick_text(value, "a.b"), "");
    CU_ASSERT_TRUE(mg_pick_truth(value, "true"));
    CU_ASSERT_FALSE(mg_pick_truth(value, "text"));
    CU_ASSERT_PTR_NULL(mg_pick(value, "null"));
    speak("de_DE.UTF-8");
    CU_ASSERT_STRING_EQUAL(mg_pick_figure(value, "a.b", room), "1.234.567");
    CU_ASSERT_STRING_EQUAL(mg_pick_bytes(value, "big", room), "15,2 GB");
    speak("C");
    json_decref(value);
}

static void durations_and_moments_are_put_into_words(void)
{
    char room[MG_PICK_SIZE];
    CU_ASSERT_STRING_EQUAL(mg_pick_write_duration(0.0123, room), "12 ms");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_duration(59, room), "59 s");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_duration(300, room), "5 min");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_duration(10000, room), "2 h");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_duration(900000, room), "10 days");
    setenv("TZ", "UTC-1", 1);
    tzset();
    CU_ASSERT_STRING_EQUAL(mg_pick_write_moment("2020-02-28T23:30:00.123Z", room),
                           "2020-02-29 00:30:00");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_moment("", room), "-");
    CU_ASSERT_STRING_EQUAL(mg_pick_write_moment("sometime", room), "sometime");
}

static void targets_are_encoded(void)
{
    struct mg_buffer target = {0};
    mg_buffer_add_text(&target, "/messages");
    mg_client_parameter(&target, "author", "ags:05124000 & \xc3\xb6");
    mg_client_parameter(&target, "reader", NULL);
    mg_client_parameter(&target, "type", "a-b_c.d~e");
    CU_ASSERT_STRING_EQUAL(target.data,
                           "/messages?author=ags%3A05124000%20%26%20%C3%B6&type=a-b_c.d~e");
    mg_buffer_free(&target);
}

/* ---- what a gateway says ---- */

typedef void adding(const struct mg_screen *screen, const json_t *value, struct mg_buffer *text);

static void find_all(const struct mg_screen *screen, const json_t *value, struct mg_buffer *text)
{
    const json_t *list = mg_pick(value, "messages");
    mg_find_messages(screen, list, mg_pick(value, "refusals"), text);
    mg_find_dead(screen, list, NULL, text);
    mg_find_journal(screen, mg_pick(value, "entries"), text);
}

static adding *const everything[] = {
    mg_look_health,       mg_look_figures, mg_look_destinations, mg_look_routes,
    mg_look_certificates, mg_find_trace,   mg_find_remains,      find_all};

static void whatever_a_gateway_says_is_shown_without_harm(void)
{
    static const char *const answers[] = {
        "{}",
        "[]",
        "{\"health\":1,\"destinations\":{},\"routes\":[1,null,[]],\"certificates\":[{}],"
        "\"revocation\":[null],\"configuration\":[],\"deliveries\":[7],\"checks\":[[]],"
        "\"trace\":[null],\"messages\":[{\"deliveries\":[{\"state\":\"dead\"}]},3],"
        "\"refusals\":[{}],\"entries\":[{\"line\":{\"act\":1,\"b\":[2]}},{}],\"parts\":[{}]}",
        "{\"name\":\"\\u001b[31m\",\"health\":{\"state\":\"\\u001b\",\"reasons\":[{\"text\":"
        "\"\\u202ex\"}]},\"destinations\":[{\"name\":\"\\u009b\",\"queue\":{\"waiting\":1e300,"
        "\"oldest_seconds\":-5}}],\"id\":\"\\u0007\",\"parts\":[{\"kind\":\"\\u001b\"}]}",
    };
    for (size_t i = 0; i < 2 * (sizeof answers / sizeof *answers); i++) {
        speak(i % 2 ? "de_DE.UTF-8" : "C");
        for (size_t j = 0; j < sizeof everything / sizeof *everything; j++) {
            json_t *value = parse(answers[i / 2]);
            struct mg_buffer text = {0};
            everything[j](&plain, value, &text);
            for (size_t k = 0; k < text.length; k++)
                CU_ASSERT(text.data[k] == '\n' || (unsigned char)text.data[k] >= ' ');
            CU_ASSERT_PTR_NULL(text.data ? strstr(text.data, "\xe2\x80\xae") : NULL);
            mg_buffer_free(&text);
            json_decref(value);
        }
    }
    speak("C");
}

static void a_destination_that_does_not_answer_is_not_called_ready(void)
{
    static const struct {
        const char *language, *breaker, *word;
    } cases[] = {
        {"C", "closed", "a            ready "},
        {"C", "open", "a            breaker open "},
        {"C", "half-open", "a            breaker half-open "},
        {"de_DE.UTF-8", "closed", "bereit "},
        {"de_DE.UTF-8", "open", "antwortet nicht "},
        {"de_DE.UTF-8", "half-open", "wird geprüft "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mg_buffer text = {0};
        json_t *status = json_pack("{s:[{s:s, s:s, s:{s:s}}]}", "destinations", "name", "a",
                                   "state", "ready", "breaker", "state", cases[i].breaker);
        speak(cases[i].language);
        mg_look_destinations(&plain, status, &text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text.data, cases[i].word));
        mg_buffer_free(&text);
        json_decref(status);
    }
    speak("C");
}

static void certificates_come_by_days_left(void)
{
    struct mg_buffer text = {0};
    json_t *status = parse("{\"certificates\":[{\"subject\":\"CN=late\",\"days_left\":100},"
                           "{\"subject\":\"CN=soon\",\"days_left\":-3}]}");
    mg_look_certificates(&plain, status, &text);
    CU_ASSERT(strstr(text.data, "CN=soon") < strstr(text.data, "CN=late"));
    mg_buffer_free(&text);
    json_decref(status);
}

static void of_several_deliveries_the_worst_state_is_shown(void)
{
    struct mg_buffer text = {0};
    json_t *messages =
        parse("[{\"id\":\"1\",\"deliveries\":[{\"state\":\"delivered\","
              "\"destination\":\"a\"},{\"state\":\"dead\",\"destination\":\"b\"}]}]");
    mg_find_messages(&plain, messages, NULL, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "dead"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "a b"));
    mg_buffer_free(&text);
    json_decref(messages);
}

/* ---- the command line ---- */

/* Reads a line whose words are parted by blanks. */
static const struct mg_control_command *read_line(const char *line, struct mg_control *control,
                                                  int *status)
{
    static char copy[256];
    static char *words[20];
    int count = 0;
    snprintf(copy, sizeof copy, "muengstenctl %s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    optind = 0; /* glibc begins anew */
    return mg_control_read(count, words, control, status);
}

static void the_command_line_is_read_in_any_order(void)
{
    static const char *const lines[] = {"move --why x ID there --json",
                                        "--json move ID --why x there",
                                        "move ID there --why=x --json"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct mg_control control;
        int status;
        const struct mg_control_command *command = read_line(lines[i], &control, &status);
        CU_ASSERT_PTR_NOT_NULL_FATAL(command);
        CU_ASSERT_STRING_EQUAL(command->name, "move");
        CU_ASSERT_EQUAL(control.word_count, 2);
        CU_ASSERT_STRING_EQUAL(control.words[1], "there");
        CU_ASSERT_STRING_EQUAL(control.options.why, "x");
        CU_ASSERT_TRUE(control.options.json);
    }
}

static void mistakes_in_the_command_line_end_with_status_2(void)
{
    static const char *const lines[] = {"",           "nothing",      "status --why x",
                                        "trace",      "trace a b",    "move a",
                                        "--nonsense", "status --why", "top --interval 4x"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct mg_control control;
        int status = -1;
        CU_ASSERT_PTR_NULL(read_line(lines[i], &control, &status));
        CU_ASSERT_EQUAL(status, MG_CONTROL_USAGE);
    }
}

static void the_socket_is_the_option_or_the_environment_or_the_usual_one(void)
{
    struct mg_control control;
    int status;
    unsetenv("MUENGSTEN_CONTROL");
    read_line("status", &control, &status);
    CU_ASSERT_STRING_EQUAL(control.options.socket, "/run/muengsten/control");
    setenv("MUENGSTEN_CONTROL", "/there", 1);
    read_line("status", &control, &status);
    CU_ASSERT_STRING_EQUAL(control.options.socket, "/there");
    read_line("status --socket /here", &control, &status);
    CU_ASSERT_STRING_EQUAL(control.options.socket, "/here");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(hostile_text_becomes_harmless),
        UNIT_TEST(hostile_text_in_json_is_escaped_and_stays_the_same_to_programs),
        UNIT_TEST(widths_are_those_of_characters),
        UNIT_TEST(columns_stand_below_each_other),
        UNIT_TEST(the_last_column_ends_where_the_terminal_ends),
        UNIT_TEST(colours_change_no_column),
        UNIT_TEST(a_line_is_cut_without_breaking_colours_or_characters),
        UNIT_TEST(colours_are_for_terminals_unless_said_otherwise),
        UNIT_TEST(the_locale_says_which_language),
        UNIT_TEST(whatever_the_gateway_may_say_has_a_german_word),
        UNIT_TEST(an_outcome_has_its_meaning_in_german_beside_its_code),
        UNIT_TEST(figures_are_put_into_words),
        UNIT_TEST(durations_and_moments_are_put_into_words),
        UNIT_TEST(targets_are_encoded),
        UNIT_TEST(whatever_a_gateway_says_is_shown_without_harm),
        UNIT_TEST(a_destination_that_does_not_answer_is_not_called_ready),
        UNIT_TEST(certificates_come_by_days_left),
        UNIT_TEST(of_several_deliveries_the_worst_state_is_shown),
        UNIT_TEST(the_command_line_is_read_in_any_order),
        UNIT_TEST(mistakes_in_the_command_line_end_with_status_2),
        UNIT_TEST(the_socket_is_the_option_or_the_environment_or_the_usual_one),
    };
    speak("C");
    return unit_run("control", tests, sizeof tests / sizeof *tests);
}
