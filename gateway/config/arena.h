/*
 * arena: memory that lives exactly as long as one configuration: many small pieces, freed at once.
 *
 * A struct mg_arena filled with zeros is empty. It belongs to the one thread that builds the
 * configuration; afterwards nothing is added any more and every thread may read what is in it.
 */
#ifndef MUENGSTEN_CONFIG_ARENA_H
#define MUENGSTEN_CONFIG_ARENA_H

#include <stddef.h>

struct mg_arena_block;

struct mg_arena {
    struct mg_arena_block *blocks;
};

/* Zeroed memory for count things of size bytes, aligned for everything; NULL if count is 0. */
void *mg_arena_allocate(struct mg_arena *arena, size_t count, size_t size);

/* A copy of the text, or of its first length bytes. */
char *mg_arena_text(struct mg_arena *arena, const char *text);
char *mg_arena_cut(struct mg_arena *arena, const char *text, size_t length);

/* Frees everything; the arena is empty afterwards. */
void mg_arena_free(struct mg_arena *arena);

#endif
