/* What is asked for is taken apart as it was meant, and whoever means harm is told apart. */
#include "gateway/operate/target.h"

#include "gateway/operate/access.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct mg_target target;
static struct mg_error error;

static bool is_refused(const char *text, int status, const char *code)
{
    int found = mg_target_parse(&target, text, &error);
    if (found == status && strcmp(error.code, code) == 0)
        return true;
    printf("# %.60s: %d %s\n", text, found, found ? error.code : "");
    return false;
}

static void path_and_query_are_decoded(void)
{
    CU_ASSERT_EQUAL(
        mg_target_parse(&target,
                        "/messages/a%2Fb%20c+d?author=ags%3A05124000&text=1+2%2B3&empty=&none",
                        &error),
        0);
    CU_ASSERT_EQUAL(target.segment_count, 2);
    CU_ASSERT_STRING_EQUAL(target.segments[0], "messages");
    CU_ASSERT_STRING_EQUAL(target.segments[1], "a/b c+d");
    CU_ASSERT_STRING_EQUAL(mg_target_parameter(&target, "author"), "ags:05124000");
    CU_ASSERT_STRING_EQUAL(mg_target_parameter(&target, "text"), "1 2+3");
    CU_ASSERT_STRING_EQUAL(mg_target_parameter(&target, "empty"), "");
    CU_ASSERT_STRING_EQUAL(mg_target_parameter(&target, "none"), "");
    CU_ASSERT_PTR_NULL(mg_target_parameter(&target, "nothing"));
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/x?a=1&&b=%E2%82%AC=&", &error), 0);
    CU_ASSERT_STRING_EQUAL(mg_target_parameter(&target, "b"), "\xE2\x82\xAC=");
}

static void patterns_match_whole_paths_only(void)
{
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/messages/4711/retry", &error), 0);
    CU_ASSERT(mg_target_matches(&target, "/messages/{id}/retry"));
    CU_ASSERT_STRING_EQUAL(mg_target_segment(&target, "/messages/{id}/retry", "id"), "4711");
    CU_ASSERT_PTR_NULL(mg_target_segment(&target, "/messages/{id}/retry", "i"));
    CU_ASSERT_PTR_NULL(mg_target_segment(&target, "/messages/{id}/retry", "messages"));
    static const char *const others[] = {"/messages/{id}",
                                         "/messages/{id}/retry/{x}",
                                         "/messages/{id}/retr",
                                         "/message/{id}/retry",
                                         "/",
                                         ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CU_ASSERT_FALSE(mg_target_matches(&target, others[i]));
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/messages//retry", &error), 0);
    CU_ASSERT_FALSE(mg_target_matches(&target, "/messages/{id}/retry"));
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/", &error), 0);
    CU_ASSERT(mg_target_matches(&target, "/"));
    CU_ASSERT_FALSE(mg_target_matches(&target, "/{id}"));
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/status/", &error), 0);
    CU_ASSERT_FALSE(mg_target_matches(&target, "/status"));
}

static void what_is_no_text_is_refused(void)
{
    static const char *const paths[] = {"/%",         "/%4",     "/%4g", "/%00", "/a%0ab",   "/%ff",
                                        "/%ed%a0%80", "/%c0%af", "*",    "",     "http://x/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CU_ASSERT(is_refused(paths[i], 404, "http.path"));
    static const char *const queries[] = {"/?%",     "/?a=%2",     "/?a=%00",   "/?%1b=1",
                                          "/?a=%ff", "/?a=%7f",    "/?a=1&a=2", "/?a&a",
                                          "/?a=%c3", "/?%61=1&a=2"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        CU_ASSERT(is_refused(queries[i], 400, "query.invalid"));
}

static void everything_has_its_bound(void)
{
    static char text[MG_TARGET_PATH + MG_TARGET_QUERY + 16];
    memset(text, 'x', sizeof text - 1);
    text[0] = '/';
    text[MG_TARGET_PATH] = '?';
    text[MG_TARGET_PATH + 1 + MG_TARGET_QUERY] = '\0';
    CU_ASSERT_EQUAL(mg_target_parse(&target, text, &error), 0);
    CU_ASSERT_EQUAL(strlen(target.segments[0]), MG_TARGET_PATH - 1);
    CU_ASSERT_EQUAL(strlen(target.parameters[0].name), MG_TARGET_QUERY);
    text[MG_TARGET_PATH + 1 + MG_TARGET_QUERY] = 'x';
    CU_ASSERT(is_refused(text, 414, "query.too-long"));
    text[MG_TARGET_PATH] = 'x';
    text[MG_TARGET_PATH + 1] = '\0';
    CU_ASSERT(is_refused(text, 414, "query.too-long"));
    CU_ASSERT(is_refused("/1/2/3/4/5/6/7/8/9", 404, "http.path"));
    CU_ASSERT_EQUAL(mg_target_parse(&target, "/1/2/3/4/5/6/7/8", &error), 0);
    for (int count = 31; count <= 33; count++) {
        int length = sprintf(text, "/?");
        for (int i = 0; i < count; i++)
            length += sprintf(text + length, "p%d&", i);
        CU_ASSERT_EQUAL(mg_target_parse(&target, text, &error),
                        count > MG_TARGET_PARAMETERS ? 400 : 0);
    }
}

/* As many pieces as there can be need a NUL each. */
static void many_small_pieces_fit(void)
{
    static char text[MG_TARGET_PATH + MG_TARGET_QUERY + 2] = "/";
    int length = 1;
    for (int i = 0; i < MG_TARGET_SEGMENTS - 1; i++)
        length += sprintf(text + length, "/");
    text[length++] = '?';
    for (int i = 0; i < MG_TARGET_PARAMETERS; i++)
        length += sprintf(text + length, "%c=%s", 'A' + i, i + 1 < MG_TARGET_PARAMETERS ? "&" : "");
    memset(text + length, 'x', (size_t)(MG_TARGET_QUERY - MG_TARGET_PARAMETERS * 3 + 1));
    CU_ASSERT_EQUAL(mg_target_parse(&target, text, &error), 0);
    CU_ASSERT_EQUAL(target.parameter_count, MG_TARGET_PARAMETERS);
}

static struct mg_http_head head_with(const char *method, struct mg_http_header *headers,
                                     size_t count)
{
    return (struct mg_http_head){.method = method, .headers = headers, .header_count = count};
}

static bool crosses(const char *method, const char *origin, const char *site, const char *mode)
{
    struct mg_http_header headers[4] = {{"Host", "gateway.test:9980"}};
    size_t count = 1;
    if (origin)
        headers[count++] = (struct mg_http_header){"Origin", origin};
    if (site)
        headers[count++] = (struct mg_http_header){"sec-fetch-site", site};
    if (mode)
        headers[count++] = (struct mg_http_header){"Sec-Fetch-Mode", mode};
    struct mg_http_head head = head_with(method, headers, count);
    return mg_access_is_cross_site(&head, "https");
}

static void requests_of_other_sites_are_told_apart(void)
{
    CU_ASSERT_FALSE(crosses("POST", NULL, NULL, NULL));
    CU_ASSERT_FALSE(crosses("POST", "https://gateway.test:9980", "same-origin", "cors"));
    CU_ASSERT_FALSE(crosses("POST", "HTTPS://GATEWAY.test:9980", NULL, NULL));
    CU_ASSERT_FALSE(crosses("GET", NULL, "none", "navigate"));
    CU_ASSERT_FALSE(crosses("GET", NULL, "cross-site", "navigate"));
    static const char *const origins[] = {"http://gateway.test:9980",
                                          "https://gateway.test",
                                          "https://gateway.test:9981",
                                          "https://gateway.test:9980.example",
                                          "https://x.gateway.test:9980",
                                          "null",
                                          "",
                                          "https://"};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        CU_ASSERT(crosses("POST", origins[i], NULL, NULL));
    CU_ASSERT(crosses("POST", NULL, "cross-site", "navigate"));
    CU_ASSERT(crosses("POST", "https://gateway.test:9980", "same-site", "cors"));
    CU_ASSERT(crosses("GET", NULL, "cross-site", "no-cors"));
    CU_ASSERT(crosses("GET", NULL, "cross-site", NULL));
    CU_ASSERT(crosses("GET", NULL, "nonsense", "cors"));
}

static void only_json_is_json(void)
{
    static const char *const good[] = {"application/json", "Application/JSON",
                                       "application/json;charset=utf-8",
                                       "application/json ; charset=\"UTF-8\""};
    static const char *const bad[] = {"",
                                      "text/plain",
                                      "application/jsonp",
                                      "application/json,text/plain",
                                      "application/json;charset=utf-16",
                                      "application/json;",
                                      "multipart/form-data",
                                      "text/application/json"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(mg_access_is_json(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(mg_access_is_json(bad[i]));
    CU_ASSERT_FALSE(mg_access_is_json(NULL));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(path_and_query_are_decoded), UNIT_TEST(patterns_match_whole_paths_only),
        UNIT_TEST(what_is_no_text_is_refused), UNIT_TEST(everything_has_its_bound),
        UNIT_TEST(many_small_pieces_fit),      UNIT_TEST(requests_of_other_sites_are_told_apart),
        UNIT_TEST(only_json_is_json),
    };
    return unit_run("target", tests, sizeof tests / sizeof *tests);
}
