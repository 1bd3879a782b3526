#include "gateway/operate/metrics_text.h"

#include "gateway/base/text.h"

#include <string.h>

static void add_help(struct mg_buffer *buffer, const char *help)
{
    struct mg_buffer shown = {0};
    mg_shown_text(&shown, help);
    for (const char *at = shown.data ? shown.data : ""; *at; at++) {
        if (*at == '\\')
            mg_buffer_add_text(buffer, "\\\\");
        else
            mg_buffer_add(buffer, *at == '\n' || *at == '\r' ? " " : at, 1);
    }
    mg_buffer_free(&shown);
}

void mg_metrics_begin(struct mg_buffer *buffer, const char *name, const char *type,
                      const char *help)
{
    mg_buffer_print(buffer, "# HELP %s ", name);
    add_help(buffer, help);
    mg_buffer_print(buffer, "\n# TYPE %s %s\n", name, type);
}

/* ---- labels ---- */

static void add_escaped(struct mg_buffer *buffer, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\n')
            mg_buffer_add_text(buffer, "\\n");
        else if (*at == '\\' || *at == '"')
            mg_buffer_print(buffer, "\\%c", *at);
        else
            mg_buffer_add(buffer, *at == '\r' ? " " : at, 1);
    }
}

/* Nearly all values are plain names, and this is where most of the time goes. */
static void add_label(struct mg_buffer *buffer, const char *name, const char *value)
{
    struct mg_buffer shown = {0};
    size_t length;
    mg_buffer_add_text(buffer, name);
    mg_buffer_add(buffer, "=\"", 2);
    if (mg_shown_as_it_is(value, &length) && strcspn(value, "\\\"\n\r") == length) {
        mg_buffer_add(buffer, value, length);
    } else {
        mg_shown_text(&shown, value);
        add_escaped(buffer, shown.data ? shown.data : "");
        mg_buffer_free(&shown);
    }
    mg_buffer_add(buffer, "\"", 1);
}

static void add_labels(struct mg_buffer *buffer, const char *const *labels)
{
    for (const char *const *label = labels; *label; label += 2) {
        if (label != labels)
            mg_buffer_add(buffer, ",", 1);
        add_label(buffer, label[0], label[1] ? label[1] : "");
    }
}

static void add_series(struct mg_buffer *buffer, const char *name, const char *const *labels)
{
    mg_buffer_add_text(buffer, name);
    if (*labels) {
        mg_buffer_add(buffer, "{", 1);
        add_labels(buffer, labels);
        mg_buffer_add(buffer, "}", 1);
    }
}

/* ---- values ---- */

/* There are thousands of them in one answer: printf would take most of its time. The last
 * digits of the value are so many decimal places. */
static void add_decimal(struct mg_buffer *buffer, int64_t value, int places)
{
    char text[32], *at = text + sizeof text;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    *--at = '\n';
    for (int digits = 0; left > 0 || digits <= places; digits++) {
        if (digits == places && places > 0)
            *--at = '.';
        *--at = (char)('0' + left % 10);
        left /= 10;
    }
    if (value < 0)
        *--at = '-';
    *--at = ' ';
    mg_buffer_add(buffer, at, (size_t)(text + sizeof text - at));
}

static void add_value(struct mg_buffer *buffer, int64_t value)
{
    add_decimal(buffer, value, 0);
}

void mg_metrics_number(struct mg_buffer *buffer, const char *name, const char *const *labels,
                       int64_t value)
{
    add_series(buffer, name, labels);
    add_value(buffer, value);
}

void mg_metrics_seconds(struct mg_buffer *buffer, const char *name, const char *const *labels,
                        int64_t milliseconds)
{
    add_series(buffer, name, labels);
    add_decimal(buffer, milliseconds, 3);
}

/* ---- histograms ---- */

static void add_bucket(struct mg_buffer *buffer, const struct mg_buffer *begin, const char *end,
                       int64_t count)
{
    mg_buffer_add(buffer, begin->data, begin->length);
    mg_buffer_add_text(buffer, end);
    mg_buffer_add(buffer, "\"}", 2);
    add_value(buffer, count);
}

/* What all buckets have in common is written once and copied. */
static int64_t add_buckets(struct mg_buffer *buffer, const char *name, const char *const *labels,
                           const struct mg_histogram *histogram)
{
    struct mg_buffer begin = {0};
    int64_t count = 0;
    mg_buffer_print(&begin, "%s_bucket{", name);
    add_labels(&begin, labels);
    mg_buffer_add_text(&begin, *labels ? ",le=\"" : "le=\"");
    for (int i = 0; i < MG_HISTOGRAM_BUCKETS; i++) {
        count += histogram->counts[i];
        add_bucket(buffer, &begin, mg_histogram_words[i], count);
    }
    count += histogram->counts[MG_HISTOGRAM_BUCKETS];
    add_bucket(buffer, &begin, "+Inf", count);
    mg_buffer_free(&begin);
    return count;
}

void mg_metrics_histogram(struct mg_buffer *buffer, const char *name, const char *const *labels,
                          const struct mg_histogram *histogram)
{
    struct mg_buffer part = {0};
    int64_t count = add_buckets(buffer, name, labels, histogram);
    mg_buffer_print(&part, "%s_sum", name);
    add_series(buffer, part.data, labels);
    add_decimal(buffer, histogram->sum, 6);
    mg_buffer_clear(&part);
    mg_buffer_print(&part, "%s_count", name);
    mg_metrics_number(buffer, part.data, labels, count);
    mg_buffer_free(&part);
}
