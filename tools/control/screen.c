#include "tools/control/screen.h"

#include "gateway/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define LABEL_WIDTH 22
#define REPLACEMENT "\xef\xbf\xbd"

void mg_screen_look(struct mg_screen *screen, const char *colour)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize size;
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    *screen = (struct mg_screen){.width = 0};
    if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        screen->width = size.ws_col;
    if (strcmp(colour, "auto") == 0)
        screen->colours = is_terminal && !(none && *none) && terminal && *terminal &&
                          strcmp(terminal, "dumb") != 0;
    else
        screen->colours = strcmp(colour, "always") == 0;
}

/* ---- characters ---- */

/* Decodes one character of UTF-8 in its shortest form; returns its bytes, 0 if there is none. */
static size_t decode(const unsigned char *text, unsigned long *character)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (length == 1) {
        *character = text[0];
        return 1;
    }
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    *character = text[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (text[i] & 0x3f);
    }
    bool is_surrogate = *character >= 0xd800 && *character <= 0xdfff;
    return *character < least[length] || *character > 0x10ffff || is_surrogate ? 0 : length;
}

/* Controls of terminals (ISO 6429), of the direction of writing (Unicode UAX 9), line and paragraph
 * ends, characters without a width that hide others, and tags. */
static bool is_control(unsigned long character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x061c ||
           (character >= 0x200b && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2060 && character <= 0x206f) || character == 0xfeff ||
           (character >= 0xe0000 && character <= 0xe0fff);
}

void mg_screen_text(struct mg_buffer *buffer, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned long character;
    while (at && *at) {
        size_t length = decode(at, &character);
        if (length == 0 || is_control(character))
            mg_buffer_add_text(buffer, REPLACEMENT);
        else
            mg_buffer_add(buffer, at, length);
        at += length ? length : 1;
    }
}

/* JSON writes what lies beyond U+FFFF as two (RFC 8259, section 7). */
static void add_escaped(struct mg_buffer *buffer, unsigned long character)
{
    if (character > 0xffff) {
        mg_buffer_print(buffer, "\\u%04lx", 0xd800 + ((character - 0x10000) >> 10));
        character = 0xdc00 + ((character - 0x10000) & 0x3ff);
    }
    mg_buffer_print(buffer, "\\u%04lx", character);
}

void mg_screen_json(struct mg_buffer *buffer, const char *json)
{
    /* Whoever writes JSON has escaped the controls of ASCII, but for DEL. */
    const unsigned char *at = (const unsigned char *)json;
    unsigned long character;
    while (*at) {
        size_t length = decode(at, &character);
        if (length > 0 && character >= 0x7f && is_control(character))
            add_escaped(buffer, character);
        else
            mg_buffer_add(buffer, at, length ? length : 1);
        at += length ? length : 1;
    }
}

static size_t columns_of(unsigned long character)
{
    int width = wcwidth((wchar_t)character);
    return width >= 0 ? (size_t)width : 1;
}

size_t mg_screen_width(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t width = 0;
    unsigned long character;
    while (at && *at) {
        size_t length = decode(at, &character);
        width += length == 0 || is_control(character) ? 1 : columns_of(character);
        at += length ? length : 1;
    }
    return width;
}

/* The bytes of a clean text that fit into so many columns. */
static size_t bytes_of(const char *text, size_t columns)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned long character;
    while (*at) {
        size_t length = decode(at, &character);
        size_t width = length ? columns_of(character) : 1;
        if (width > columns)
            break;
        columns -= width;
        at += length ? length : 1;
    }
    return (size_t)((const char *)at - text);
}

void mg_screen_cut(struct mg_buffer *buffer, const char *line, size_t length, size_t width)
{
    const char *begin = line, *end = line + length;
    while (line < end) {
        unsigned long character = 0;
        size_t bytes = decode((const unsigned char *)line, &character);
        size_t columns = bytes ? columns_of(character) : 1;
        if (*line == '\033') {
            /* A colour: up to its "m", and without a width. */
            bytes = strcspn(line, "m") + 1;
            columns = 0;
        }
        if (columns > width)
            break;
        width -= columns;
        mg_buffer_add(buffer, line, bytes ? bytes : 1);
        line += bytes ? bytes : 1;
    }
    /* Whatever colour it was in, the next line begins without. */
    if (memchr(begin, '\033', (size_t)(line - begin)))
        mg_buffer_add_text(buffer, "\033[0m");
}

static void add_blanks(struct mg_buffer *buffer, size_t count)
{
    while (count-- > 0)
        mg_buffer_add(buffer, " ", 1);
}

void mg_screen_colour(const struct mg_screen *screen, struct mg_buffer *buffer,
                      enum mg_colour colour, const char *text)
{
    static const char *const codes[] = {
        [MG_COLOUR_GOOD] = "32", [MG_COLOUR_WARN] = "33", [MG_COLOUR_BAD] = "31",
        [MG_COLOUR_FAINT] = "2", [MG_COLOUR_BOLD] = "1",
    };
    bool coloured = screen->colours && colour != MG_COLOUR_NONE && *text;
    if (coloured)
        mg_buffer_print(buffer, "\033[%sm", codes[colour]);
    mg_screen_text(buffer, text);
    if (coloured)
        mg_buffer_add_text(buffer, "\033[0m");
}

void mg_screen_fact(const struct mg_screen *screen, struct mg_buffer *buffer, const char *label,
                    const char *value)
{
    if (!value || !*value)
        return;
    size_t width = mg_screen_width(label);
    mg_buffer_add_text(buffer, "  ");
    mg_screen_colour(screen, buffer, MG_COLOUR_FAINT, label);
    add_blanks(buffer, width < LABEL_WIDTH ? LABEL_WIDTH - width : 1);
    mg_screen_text(buffer, value);
    mg_buffer_add_text(buffer, "\n");
}

/* ---- tables ---- */

struct cell {
    char *text; /* clean */
    enum mg_colour colour;
};

struct mg_table {
    const char *const *headings;
    size_t columns;
    struct cell *cells;
    size_t count, room;
};

struct mg_table *mg_table_new(const char *const *headings)
{
    struct mg_table *table = mg_allocate_zeroed(1, sizeof *table);
    table->headings = headings;
    while (headings[table->columns])
        table->columns++;
    return table;
}

void mg_table_free(struct mg_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void mg_table_add(struct mg_table *table, enum mg_colour colour, const char *text)
{
    struct mg_buffer clean = {0};
    mg_screen_text(&clean, text && *text ? text : "-");
    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 64;
        table->cells = mg_reallocate(table->cells, table->room * sizeof *table->cells);
    }
    table->cells[table->count++] = (struct cell){mg_buffer_take(&clean), colour};
}

void mg_table_print(struct mg_table *table, enum mg_colour colour, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mg_table_add(table, colour, text);
}

size_t mg_table_rows(const struct mg_table *table)
{
    return table->columns > 0 ? table->count / table->columns : 0;
}

static bool is_number(const char *heading)
{
    return heading[0] == '>';
}

static size_t width_of(const struct mg_table *table, size_t column)
{
    const char *heading = table->headings[column];
    size_t width = mg_screen_width(heading + is_number(heading));
    for (size_t i = column; i < table->count; i += table->columns) {
        size_t cell = mg_screen_width(table->cells[i].text);
        width = cell > width ? cell : width;
    }
    return width;
}

/* Where a cell stands. */
struct place {
    bool number;
    bool last;
    size_t width; /* of its column */
    size_t left;  /* columns that the screen has from here on; 0: no end */
};

/* One cell and the gap behind it. */
static void show_cell(const struct mg_screen *screen, struct mg_buffer *buffer,
                      const struct place *place, enum mg_colour colour, const char *text)
{
    struct mg_buffer cut = {0};
    size_t used = mg_screen_width(text);
    if (place->last && place->left > 1 && used > place->left) {
        mg_buffer_add(&cut, text, bytes_of(text, place->left - 1));
        mg_buffer_add_text(&cut, "\xe2\x80\xa6");
        text = cut.data;
    }
    size_t blanks = used < place->width ? place->width - used : 0;
    if (place->number)
        add_blanks(buffer, blanks);
    mg_screen_colour(screen, buffer, colour, text);
    if (!place->last)
        add_blanks(buffer, 2 + (place->number ? 0 : blanks));
    mg_buffer_free(&cut);
}

/* row: NULL for the headings. */
static void show_row(const struct mg_table *table, const struct mg_screen *screen,
                     const size_t *widths, const struct cell *row, struct mg_buffer *buffer)
{
    size_t used = 0;
    for (size_t i = 0; i < table->columns; i++) {
        const char *heading = table->headings[i];
        const struct place place = {
            .number = is_number(heading),
            .last = i + 1 == table->columns,
            .width = widths[i],
            .left = screen->width > used ? screen->width - used : 0,
        };
        if (row)
            show_cell(screen, buffer, &place, row[i].colour, row[i].text);
        else
            show_cell(screen, buffer, &place, MG_COLOUR_FAINT, heading + place.number);
        used += widths[i] + 2;
    }
    mg_buffer_add_text(buffer, "\n");
}

void mg_table_show(const struct mg_table *table, const struct mg_screen *screen,
                   struct mg_buffer *buffer)
{
    size_t *widths = mg_allocate_zeroed(table->columns, sizeof *widths);
    for (size_t i = 0; i < table->columns; i++)
        widths[i] = width_of(table, i);
    show_row(table, screen, widths, NULL, buffer);
    for (size_t row = 0; row < mg_table_rows(table); row++)
        show_row(table, screen, widths, &table->cells[row * table->columns], buffer);
    free(widths);
}

bool mg_screen_write(struct mg_buffer *buffer)
{
    bool written =
        fwrite(buffer->data ? buffer->data : "", 1, buffer->length, stdout) == buffer->length;
    written = fflush(stdout) == 0 && written;
    mg_buffer_clear(buffer);
    return written;
}
