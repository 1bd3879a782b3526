#include "gateway/config/arena.h"

#include "gateway/base/error.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What a block holds at least; larger things get a block of their own. */
#define BLOCK_SIZE ((size_t)16 * 1024)

struct mg_arena_block {
    struct mg_arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static struct mg_arena_block *block_with_room(struct mg_arena *arena, size_t size)
{
    struct mg_arena_block *block = arena->blocks;
    if (block && block->size - block->used >= size)
        return block;
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = mg_allocate_zeroed(1, sizeof *block + room);
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *mg_arena_allocate(struct mg_arena *arena, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    size_t alignment = alignof(max_align_t);
    if (size > SIZE_MAX / 2 / count)
        mg_die("config: an array of %zu things of %zu bytes is too large", count, size);
    size_t length = (count * size + alignment - 1) / alignment * alignment;
    struct mg_arena_block *block = block_with_room(arena, length);
    void *memory = block->bytes + block->used;
    block->used += length;
    return memory;
}

char *mg_arena_text(struct mg_arena *arena, const char *text)
{
    return mg_arena_cut(arena, text, strlen(text));
}

char *mg_arena_cut(struct mg_arena *arena, const char *text, size_t length)
{
    char *copy = mg_arena_allocate(arena, length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

void mg_arena_free(struct mg_arena *arena)
{
    while (arena->blocks) {
        struct mg_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
