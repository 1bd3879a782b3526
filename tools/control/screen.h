/*
 * screen: text for people: columns, colours, and nothing that could play tricks on a terminal.
 *
 * What comes from messages and partners is hostile. mg_screen_text is the only way in which such
 * text gets onto a screen: control characters of every kind (those of terminals, and those that
 * turn the direction of writing) and what is no UTF-8 become U+FFFD. mg_screen_json is the same for
 * what programs read, without a loss. Pure; one thread.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_SCREEN_H
#define MUENGSTEN_TOOLS_CONTROL_SCREEN_H

#include "gateway/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum mg_colour {
    MG_COLOUR_NONE,
    MG_COLOUR_GOOD,  /* green */
    MG_COLOUR_WARN,  /* yellow */
    MG_COLOUR_BAD,   /* red */
    MG_COLOUR_FAINT, /* what matters less */
    MG_COLOUR_BOLD,  /* headings */
};

/* How the screen is. */
struct mg_screen {
    bool colours;
    size_t width; /* columns; 0: as long as lines are, since it is no terminal */
};

/* Asks the terminal of standard output. colour: "always", "never" or "auto": on a terminal that is
 * not "dumb", unless NO_COLOR is set. */
void mg_screen_look(struct mg_screen *screen, const char *colour);

/* Adds text that may hold anything, NULL for none. */
void mg_screen_text(struct mg_buffer *buffer, const char *text);

/* Adds JSON text, with each character that mg_screen_text would not let onto a screen written as
 * \uXXXX, which is the same to programs: a terminal reads JSON, too. The line ends and blanks
 * between values stay. */
void mg_screen_json(struct mg_buffer *buffer, const char *json);

/* How many columns a text takes once it went through mg_screen_text. */
size_t mg_screen_width(const char *text);

/* Adds a line that was made here, colours included, as far as it fits into so many columns. */
void mg_screen_cut(struct mg_buffer *buffer, const char *line, size_t length, size_t width);

/* Adds text, which may hold anything, in a colour. */
void mg_screen_colour(const struct mg_screen *screen, struct mg_buffer *buffer,
                      enum mg_colour colour, const char *text);

/* Adds a line of a list of facts: a label, then a value; both may hold anything; nothing
 * if the value is NULL or empty. */
void mg_screen_fact(const struct mg_screen *screen, struct mg_buffer *buffer, const char *label,
                    const char *value);

/* ---- tables ---- */

struct mg_table;

/* headings: NULL at the end; a heading that begins with '>' stands over a column of numbers, which
 * are set to the right. Headings are borrowed and our own. */
struct mg_table *mg_table_new(const char *const *headings);
void mg_table_free(struct mg_table *table);

/* The next cell, which may hold anything; rows are filled from left to right. */
void mg_table_add(struct mg_table *table, enum mg_colour colour, const char *text);
void mg_table_print(struct mg_table *table, enum mg_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

size_t mg_table_rows(const struct mg_table *table);

/* Adds heading and rows. On a terminal the last column is cut where the screen ends. */
void mg_table_show(const struct mg_table *table, const struct mg_screen *screen,
                   struct mg_buffer *buffer);

/* Writes the buffer to standard output and empties it. False if that cannot be written. */
bool mg_screen_write(struct mg_buffer *buffer);

#endif
