#include "gateway/base/log.h"

#include "gateway/base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 4096

static enum mg_log_level threshold = MG_LOG_INFO;

struct line {
    char text[LINE_SIZE];
    size_t length;
};

void mg_log_set_level(enum mg_log_level level)
{
    threshold = level;
}

int mg_log_enabled(enum mg_log_level level)
{
    return level <= threshold;
}

const char *mg_log_number(char text[24], int64_t number)
{
    snprintf(text, 24, "%" PRId64, number);
    return text;
}

/* One byte is always kept for the end of the line. */
static void add(struct line *line, const char *text, size_t length)
{
    size_t room = LINE_SIZE - 1 - line->length;
    if (length > room)
        length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

/* A control character of ISO 6429 beyond ASCII, U+0080 to U+009F: terminals obey some of them. */
static bool is_control(const char *value)
{
    return (unsigned char)value[0] == 0xc2 && (unsigned char)value[1] >= 0x80 &&
           (unsigned char)value[1] < 0xa0;
}

static bool is_plain(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value <= ' ' || strchr("\"=\\\x7f", *value) || is_control(value))
            return false;
    return true;
}

static void add_value(struct line *line, const char *value)
{
    if (is_plain(value)) {
        add(line, value, strlen(value));
        return;
    }
    add(line, "\"", 1);
    for (; *value; value++) {
        unsigned char character = (unsigned char)*value;
        char escaped[8];
        if (character == '"' || character == '\\')
            add(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\%c", character));
        else if (is_control(value))
            add(line, escaped,
                (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)*++value));
        else if (character < ' ' || character == 0x7f)
            add(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", character));
        else
            add(line, value, 1);
    }
    add(line, "\"", 1);
}

static void add_pair(struct line *line, const char *name, const char *value)
{
    add(line, " ", 1);
    add(line, name, strlen(name));
    add(line, "=", 1);
    add_value(line, value);
}

/* The journal takes priority and time from us resp. from the moment of arrival (systemd.exec(5),
 * JOURNAL_STREAM); elsewhere the line has to say both itself. */
static void begin(struct line *line, enum mg_log_level level)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    static const char *const priorities[] = {"<3>", "<4>", "<5>", "<6>", "<7>"};
    if (getenv("JOURNAL_STREAM")) {
        add(line, priorities[level], 3);
    } else {
        char time[MG_CLOCK_TEXT_SIZE];
        mg_clock_text(mg_clock_now(), time);
        add(line, "time=", 5);
        add(line, time, strlen(time));
        add(line, " ", 1);
    }
    add(line, "level=", 6);
    add(line, names[level], strlen(names[level]));
}

void mg_log(enum mg_log_level level, const char *event, ...)
{
    if (!mg_log_enabled(level))
        return;
    struct line line;
    line.length = 0;
    begin(&line, level);
    add_pair(&line, "event", event);
    va_list pairs;
    va_start(pairs, event);
    for (const char *name; (name = va_arg(pairs, const char *));) {
        const char *value = va_arg(pairs, const char *);
        if (value && *value)
            add_pair(&line, name, value);
    }
    va_end(pairs);
    line.text[line.length++] = '\n';
    /* A log that cannot be written must not stop messages, and there is nowhere left to tell. */
    ssize_t written = write(STDERR_FILENO, line.text, line.length);
    (void)written;
}
