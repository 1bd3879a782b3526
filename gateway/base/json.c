#include "gateway/base/json.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

#include <inttypes.h>

static void begin(struct mg_json *json, const char *name)
{
    if (json->follows)
        mg_buffer_add(json->buffer, ",", 1);
    json->follows = true;
    if (!name)
        return;
    mg_buffer_add(json->buffer, "\"", 1);
    mg_buffer_add_text(json->buffer, name);
    mg_buffer_add(json->buffer, "\":", 2);
}

static void enter(struct mg_json *json, const char *name, const char *bracket)
{
    begin(json, name);
    mg_buffer_add(json->buffer, bracket, 1);
    json->follows = false;
}

static void leave(struct mg_json *json, const char *bracket)
{
    mg_buffer_add(json->buffer, bracket, 1);
    json->follows = true;
}

void mg_json_object(struct mg_json *json, const char *name)
{
    enter(json, name, "{");
}

void mg_json_end_object(struct mg_json *json)
{
    leave(json, "}");
}

void mg_json_list(struct mg_json *json, const char *name)
{
    enter(json, name, "[");
}

void mg_json_end_list(struct mg_json *json)
{
    leave(json, "]");
}

void mg_json_text(struct mg_json *json, const char *name, const char *text)
{
    struct mg_buffer shown = {0};
    size_t length;
    begin(json, name);
    mg_buffer_add(json->buffer, "\"", 1);
    if (text && mg_shown_as_it_is(text, &length)) {
        mg_buffer_add_json(json->buffer, text);
    } else {
        mg_shown_text(&shown, text);
        mg_buffer_add_json(json->buffer, shown.data ? shown.data : "");
        mg_buffer_free(&shown);
    }
    mg_buffer_add(json->buffer, "\"", 1);
}

void mg_json_text_or_null(struct mg_json *json, const char *name, const char *text)
{
    if (text && *text)
        mg_json_text(json, name, text);
    else
        mg_json_null(json, name);
}

void mg_json_number(struct mg_json *json, const char *name, int64_t number)
{
    begin(json, name);
    mg_buffer_print(json->buffer, "%" PRId64, number);
}

void mg_json_truth(struct mg_json *json, const char *name, bool truth)
{
    begin(json, name);
    mg_buffer_add_text(json->buffer, truth ? "true" : "false");
}

void mg_json_raw(struct mg_json *json, const char *name, const char *value)
{
    begin(json, name);
    mg_buffer_add_text(json->buffer, value);
}

void mg_json_null(struct mg_json *json, const char *name)
{
    begin(json, name);
    mg_buffer_add_text(json->buffer, "null");
}

void mg_json_time(struct mg_json *json, const char *name, int64_t time)
{
    char text[MG_CLOCK_TEXT_SIZE];
    if (time > 0)
        mg_json_text(json, name, mg_clock_text(time, text));
    else
        mg_json_null(json, name);
}

void mg_json_seconds(struct mg_json *json, const char *name, int64_t milliseconds)
{
    begin(json, name);
    mg_buffer_print(json->buffer, "%" PRId64 ".%03" PRId64, milliseconds / 1000,
                    milliseconds % 1000);
}

void mg_json_microseconds(struct mg_json *json, const char *name, int64_t microseconds)
{
    begin(json, name);
    mg_buffer_print(json->buffer, "%" PRId64 ".%06" PRId64, microseconds / 1000000,
                    microseconds % 1000000);
}

void mg_json_literal(struct mg_json *json, const char *name, const char *literal)
{
    begin(json, name);
    mg_buffer_add_text(json->buffer, literal);
}
