/*
 * pick: takes values out of the gateway's JSON by a path of names, parted by dots, and puts them
 * into words. What is missing, null or of another kind is as if there was nothing, since a newer or
 * older gateway may say more or less. Pure.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_PICK_H
#define MUENGSTEN_TOOLS_CONTROL_PICK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* NULL: there is none. Borrowed. */
const json_t *mg_pick(const json_t *value, const char *path);

/* "" if there is no text. */
const char *mg_pick_text(const json_t *value, const char *path);

/* False if there is no number. */
bool mg_pick_number(const json_t *value, const char *path, double *number);
/* 0 if there is no number. */
int64_t mg_pick_count(const json_t *value, const char *path);
bool mg_pick_truth(const json_t *value, const char *path);

#define MG_PICK_SIZE 40

/* In words, in room: a count ("1,234"), bytes ("1.2 MB"), a duration of so many seconds ("3 min"),
 * a moment, in local time, the date left out if it is today. What is not there becomes "-". */
const char *mg_pick_figure(const json_t *value, const char *path, char room[MG_PICK_SIZE]);
const char *mg_pick_bytes(const json_t *value, const char *path, char room[MG_PICK_SIZE]);
const char *mg_pick_duration(const json_t *value, const char *path, char room[MG_PICK_SIZE]);
const char *mg_pick_moment(const json_t *value, const char *path, char room[MG_PICK_SIZE]);

/* The same, of values that are at hand. */
const char *mg_pick_write_duration(double seconds, char room[MG_PICK_SIZE]);
const char *mg_pick_write_moment(const char *text, char room[MG_PICK_SIZE]);

#endif
