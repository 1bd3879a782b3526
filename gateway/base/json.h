/*
 * json: writes JSON (RFC 8259) from beginning to end into a buffer, with a comma wherever one is
 * due. Several times as quick as building a tree first, which counts since the loop waits. Pure.
 *
 * Names are ours and plain; a name of NULL is for the members of a list. Texts may be anybody's:
 * they are made fit to be shown (text.h).
 */
#ifndef MUENGSTEN_BASE_JSON_H
#define MUENGSTEN_BASE_JSON_H

#include "gateway/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct mg_json {
    struct mg_buffer *buffer;
    bool follows; /* something stands before in the same object or list */
};

void mg_json_object(struct mg_json *json, const char *name);
void mg_json_end_object(struct mg_json *json);
void mg_json_list(struct mg_json *json, const char *name);
void mg_json_end_list(struct mg_json *json);

void mg_json_text(struct mg_json *json, const char *name, const char *text);
/* null for NULL and for an empty text. */
void mg_json_text_or_null(struct mg_json *json, const char *name, const char *text);
void mg_json_number(struct mg_json *json, const char *name, int64_t number);
void mg_json_truth(struct mg_json *json, const char *name, bool truth);
/* What is JSON already. */
void mg_json_raw(struct mg_json *json, const char *name, const char *value);
void mg_json_null(struct mg_json *json, const char *name);
/* Milliseconds since 1970 as xs:dateTime; 0 is null. */
void mg_json_time(struct mg_json *json, const char *name, int64_t time);
/* Milliseconds, or microseconds, as seconds. */
void mg_json_seconds(struct mg_json *json, const char *name, int64_t milliseconds);
void mg_json_microseconds(struct mg_json *json, const char *name, int64_t microseconds);
/* What is JSON already. */
void mg_json_literal(struct mg_json *json, const char *name, const char *literal);

#endif
