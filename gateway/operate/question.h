/*
 * question: what a search asks for, read strictly from the query of a request. Pure.
 */
#ifndef MUENGSTEN_OPERATE_QUESTION_H
#define MUENGSTEN_OPERATE_QUESTION_H

#include "gateway/store/search.h"

/* The parameters of a search, up to NULL. */
extern const char *const mg_question_parameters[];
/* The words for the states of deliveries, by enum mg_delivery_state. */
#define MG_DELIVERY_STATES 7
extern const char *const mg_delivery_words[MG_DELIVERY_STATES];

struct mg_question {
    struct mg_store_query query; /* points into this, and to nothing else */
    struct mg_id id;
    char uuid[MG_ID_TEXT_SIZE];
    char partner[MG_STORE_NAME_SIZE];
    char author[MG_STORE_NAME_SIZE];
    char reader[MG_STORE_NAME_SIZE];
    char type[MG_STORE_NAME_SIZE];
    char destination[MG_STORE_NAME_SIZE];
};

/* get gives the value of a parameter, or NULL. False if one of them is nonsense: *parameter is its
 * name, and *expected what it has to be, such as "a UUID". */
bool mg_question_read(struct mg_question *question,
                      const char *(*get)(const void *context, const char *name),
                      const void *context, const char **parameter, const char **expected);

/* Reads a whole number without sign, of at most ten digits. */
bool mg_question_number(const char *text, int64_t least, int64_t most, int64_t *number);

/* Reads a moment: a date, which is its beginning in UTC, or an xs:dateTime with its time zone. */
bool mg_question_time(const char *text, int64_t *time);

/* The text of a place to go on from. */
#define MG_CURSOR_SIZE 20
const char *mg_question_cursor(int64_t next, char text[MG_CURSOR_SIZE]);

#endif
