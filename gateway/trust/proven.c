#include "gateway/trust/proven.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* 4,096 proofs: rows by the first bytes of the fingerprint, which are spread evenly, and a few
 * places in each row. That needs no lists, and a look costs a few comparisons at most. */
#define ROWS   1024
#define PLACES 4

struct row {
    struct mg_proof places[PLACES];
    unsigned oldest; /* the place that is overwritten next */
};

struct mg_proven {
    pthread_mutex_t lock;
    struct row rows[ROWS];
};

struct mg_proven *mg_proven_new(void)
{
    struct mg_proven *proven = mg_allocate_zeroed(1, sizeof *proven);
    pthread_mutex_init(&proven->lock, NULL);
    return proven;
}

void mg_proven_free(struct mg_proven *proven)
{
    if (!proven)
        return;
    pthread_mutex_destroy(&proven->lock);
    free(proven);
}

static struct row *row_of(struct mg_proven *proven, const struct mg_fingerprint *fingerprint)
{
    unsigned number = (unsigned)fingerprint->bytes[0] << 8 | fingerprint->bytes[1];
    return &proven->rows[number % ROWS];
}

/* The place of this certificate and use, whether its proof still holds or not. */
static struct mg_proof *find(struct row *row, const struct mg_fingerprint *fingerprint,
                             enum mg_certificate_use use)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct mg_proof *proof = &row->places[i];
        if (proof->use == use && memcmp(&proof->fingerprint, fingerprint, sizeof *fingerprint) == 0)
            return proof;
    }
    return NULL;
}

void mg_proven_add(struct mg_proven *proven, const struct mg_proof *proof)
{
    pthread_mutex_lock(&proven->lock);
    struct row *row = row_of(proven, &proof->fingerprint);
    struct mg_proof *place = find(row, &proof->fingerprint, proof->use);
    if (!place)
        place = &row->places[row->oldest++ % PLACES];
    *place = *proof;
    pthread_mutex_unlock(&proven->lock);
}

bool mg_proven_find(struct mg_proven *proven, const struct mg_fingerprint *fingerprint,
                    enum mg_certificate_use use, uint64_t generation, int64_t now)
{
    pthread_mutex_lock(&proven->lock);
    const struct mg_proof *proof = find(row_of(proven, fingerprint), fingerprint, use);
    bool holds =
        proof && proof->generation == generation && proof->since <= now && now < proof->until;
    pthread_mutex_unlock(&proven->lock);
    return holds;
}
