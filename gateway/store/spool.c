/* A part while it is written. Up to the inline limit it is in memory; what is longer goes into a
 * file named by an id of its own, synced with its folder at finish, so that a row never names a
 * file that a power loss could take away. */
#include "gateway/store/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool fail_with_errno(struct mg_error *error, const char *what)
{
    const char *code = errno == ENOSPC || errno == EDQUOT ? "store.full" : "store.failed";
    return mg_fail(error, code, "the spool file cannot be %s: %s", what, strerror(errno));
}

struct mg_store_spool *mg_store_spool_begin(struct mg_store *store, struct mg_error *error)
{
    (void)error; /* begins in memory, which is always there; another backend may have to say more */
    struct mg_store_spool *spool = mg_allocate_zeroed(1, sizeof *spool);
    spool->folder = store->spool_folder;
    spool->limit = store->inline_limit;
    spool->file = -1;
    return spool;
}

static bool write_all(struct mg_store_spool *spool, const char *bytes, size_t length,
                      struct mg_error *error)
{
    while (length > 0) {
        ssize_t written = write(spool->file, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_with_errno(error, "written");
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* The part has become too long for memory. */
static bool move_to_file(struct mg_store_spool *spool, struct mg_error *error)
{
    char name[MG_ID_TEXT_SIZE];
    spool->id = mg_id_new();
    spool->file = openat(spool->folder, mg_id_text(&spool->id, name),
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (spool->file < 0)
        return fail_with_errno(error, "created");
    spool->in_file = true;
    bool written = write_all(spool, spool->bytes.data, spool->bytes.length, error);
    mg_buffer_free(&spool->bytes);
    return written;
}

bool mg_store_spool_append(struct mg_store_spool *spool, const void *bytes, size_t length,
                           struct mg_error *error)
{
    if (length == 0)
        return true;
    bool fits = spool->folder < 0 || (size_t)spool->length + length <= spool->limit;
    if (!spool->in_file && !fits && !move_to_file(spool, error))
        return false;
    if (spool->in_file) {
        if (!write_all(spool, bytes, length, error))
            return false;
    } else {
        mg_buffer_add(&spool->bytes, bytes, length);
    }
    spool->length += (int64_t)length;
    return true;
}

bool mg_store_spool_finish(struct mg_store_spool *spool, struct mg_error *error)
{
    if (!spool->in_file)
        return true;
    bool synced = fsync(spool->file) == 0 && fsync(spool->folder) == 0;
    if (!synced)
        fail_with_errno(error, "synced");
    close(spool->file);
    spool->file = -1;
    return synced;
}

void mg_store_spool_keep(struct mg_store_spool *spool)
{
    if (!spool)
        return;
    if (spool->file >= 0)
        close(spool->file);
    mg_buffer_free(&spool->bytes);
    free(spool);
}

void mg_store_spool_free(struct mg_store_spool *spool)
{
    if (spool && spool->in_file)
        mg_store_spool_remove(spool->folder, &spool->id);
    mg_store_spool_keep(spool);
}

void mg_store_drop_spools(struct mg_store_accept *accept)
{
    for (size_t i = 0; i < accept->part_count; i++)
        mg_store_spool_free(accept->parts[i].spool);
}

int mg_store_spool_open(int folder, const struct mg_id *id)
{
    char name[MG_ID_TEXT_SIZE];
    return openat(folder, mg_id_text(id, name), O_RDONLY | O_CLOEXEC);
}

void mg_store_spool_remove(int folder, const struct mg_id *id)
{
    char name[MG_ID_TEXT_SIZE];
    /* A file that stays is swept at the next start. */
    (void)unlinkat(folder, mg_id_text(id, name), 0);
}

const void *mg_store_part_bytes(const struct mg_store_part *part)
{
    return part->spool ? part->spool->bytes.data : part->bytes;
}

int64_t mg_store_part_length(const struct mg_store_part *part)
{
    return part->spool ? part->spool->length : (int64_t)part->length;
}
