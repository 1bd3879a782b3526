/*
 * target: whatever is asked for, what comes out is bounded text, or a status that says why not; and
 * no Host header of anybody else's is taken for this machine's. The first byte chooses what is
 * read: a target, a Host, the headers of a browser.
 */
#include "gateway/operate/target.h"
#include "gateway/operate/access.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
    if (!condition)
        abort();
}

static void check_text(const struct mg_target *target, const char *text)
{
    demand(text == target->text ||
           (text > target->text && text < target->text + sizeof target->text) || *text == '\0');
    for (; *text; text++)
        demand((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_target(const struct mg_target *target)
{
    demand(target->segment_count > 0 && target->segment_count <= MG_TARGET_SEGMENTS);
    demand(target->parameter_count <= MG_TARGET_PARAMETERS);
    for (size_t i = 0; i < target->segment_count; i++)
        check_text(target, target->segments[i]);
    for (size_t i = 0; i < target->parameter_count; i++) {
        check_text(target, target->parameters[i].name);
        check_text(target, target->parameters[i].value);
        /* No parameter hides another. */
        demand(mg_target_parameter(target, target->parameters[i].name) ==
               target->parameters[i].value);
    }
}

static void fuzz_target(const char *text)
{
    static const char *const patterns[] = {"/", "/status", "/messages/{id}", "/messages/{id}/retry",
                                           "/{one}/{two}/{three}"};
    struct mg_error error;
    struct mg_target *target = mg_allocate(sizeof *target);
    int status = mg_target_parse(target, text, &error);
    demand(status == 0 || status == 400 || status == 404 || status == 414);
    if (status == 0) {
        check_target(target);
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
            bool matches = mg_target_matches(target, patterns[i]);
            const char *segment = mg_target_segment(target, patterns[i], "id");
            demand(!matches || !strstr(patterns[i], "{id}") || (segment && *segment));
        }
    }
    free(target);
}

static void fuzz_host(const char *text)
{
    if (!mg_access_is_own_host(text))
        return;
    demand(strncmp(text, "127.", 4) == 0 || strncmp(text, "[::1]", 5) == 0 ||
           ((text[0] | 0x20) == 'l' && (text[9] == '\0' || text[9] == ':')));
}

static void fuzz_browser(char *text)
{
    char *second = strchr(text, '\n');
    if (second)
        *second++ = '\0';
    const struct mg_http_header headers[] = {
        {"Host", "localhost:9980"}, {"Origin", text}, {"Sec-Fetch-Site", second ? second : "none"}};
    const struct mg_http_head head = {.method = "POST", .headers = headers, .header_count = 3};
    if (!mg_access_is_cross_site(&head, "http"))
        demand(strlen(text) == strlen("http://localhost:9980"));
    mg_access_is_json(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *text = mg_allocate(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 4 == 2)
        fuzz_host(text);
    else if (data[0] % 4 == 3)
        fuzz_browser(text);
    else
        fuzz_target(text);
    free(text);
    return 0;
}
