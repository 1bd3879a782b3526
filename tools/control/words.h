/*
 * words: what the gateway's codes and states are called on a German screen.
 *
 * They are the words of the operators' page: the build makes the table from
 * gateway/operate/page/texts-de.js, so that there is one list and an operator meets the same word
 * in both places. On an English screen the gateway's own words stand, which are English. Groups are
 * those of the page's texts, such as "delivery"; names are what the gateway says, such as "dead".
 * Pure; one thread.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_WORDS_H
#define MUENGSTEN_TOOLS_CONTROL_WORDS_H

#include "gateway/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* A text may have one place {like this} for a value. */
struct mg_word {
    const char *group;
    const char *name;
    const char *text;
};

/* The table that the build has made. */
extern const struct mg_word mg_words_german[];
extern const size_t mg_words_german_count;

/* The German text; NULL if the screen is English, or the page has no word for it either. */
const char *mg_words_find(const char *group, const char *name);

/* What is to be said for a name: German if that is known, else the name as it is. */
const char *mg_words_say(const char *group, const char *name);

/* The same for a name that stands in the page's texts as "is.NAME". */
const char *mg_words_say_is(const char *group, const char *name);

/* Adds a text, with the value, which may hold anything, in the place that it has for one. */
void mg_words_fill(struct mg_buffer *buffer, const char *text, const char *value);

/* Adds what a code means. False, and nothing is added, where mg_words_find knows nothing. */
bool mg_words_meaning(struct mg_buffer *buffer, const char *code);

/* Adds how something ended: what its code means, the code, and what was said of it. */
void mg_words_outcome(struct mg_buffer *buffer, const char *code, const char *text);

#endif
