/* The journal of the store in memory. */
#include "gateway/store/memory.h"

#include "gateway/base/clock.h"

#include <string.h>

static int64_t write_line(struct memory_store *memory, const char *subject, const char *text)
{
    static const uint8_t start[MG_STORE_HASH_SIZE];
    struct mg_store_lines *journal = &memory->journal;
    struct mg_store_line *line = mg_store_lines_add(journal, text, strlen(text));
    line->number = ++memory->last_line;
    line->time = mg_clock_now();
    mg_store_copy_text(line->subject, sizeof line->subject, subject);
    mg_store_chain_hash(memory->chain, journal->count > 1 ? line[-1].hash : start, line->number,
                        line->time, line->subject, line->text, line->length, line->hash);
    return line->number;
}

void mg_memory_write_line(struct memory_store *memory, const struct mg_id *message,
                          const char *line)
{
    char subject[MG_ID_TEXT_SIZE];
    if (line)
        write_line(memory, message ? mg_id_text(message, subject) : NULL, line);
}

void mg_memory_note(struct mg_store *store, struct mg_store_note *note)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    note->number = write_line(memory, note->subject, note->line);
    note->ok = true;
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &note->item);
}

static void copy_line(struct mg_store_lines *lines, const struct mg_store_line *from)
{
    struct mg_store_line *line = mg_store_lines_add(lines, from->text, from->length);
    char *text = line->text;
    *line = *from;
    line->text = text;
}

bool mg_memory_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                       struct mg_store_lines *lines, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    size_t count = memory->journal.count;
    for (size_t i = 0; i < count && lines->count < query->limit; i++) {
        const struct mg_store_line *line =
            &memory->journal.lines[query->backwards ? count - 1 - i : i];
        bool within = query->backwards ? line->number <= query->from : line->number >= query->from;
        if (within && (!query->subject || strcmp(query->subject, line->subject) == 0))
            copy_line(lines, line);
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

bool mg_memory_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                            struct mg_error *error)
{
    (void)more, (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    struct mg_store_lines *journal = &memory->journal, rest = {0};
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < journal->count; i++) {
        const struct mg_store_line *line = &journal->lines[i];
        if (line->number > through || strcmp(line->subject, kept) == 0)
            copy_line(&rest, line);
    }
    mg_store_lines_free(journal);
    *journal = rest;
    pthread_mutex_unlock(&memory->lock);
    return true;
}

int64_t mg_memory_journal_last(struct mg_store *store)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    int64_t last = memory->last_line;
    pthread_mutex_unlock(&memory->lock);
    return last;
}
