#include "gateway/message/xml_words.h"

#include "gateway/base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* A power of two, twice as many as there may be words, so that a search soon meets an empty place.
 */
#define PLACES (2 * MG_XML_WORDS_MOST)

struct mg_xml_words {
    uint64_t seed;
    size_t count;
    struct {
        const char *text; /* NULL: empty */
        size_t length;
    } places[PLACES];
};

/* Sixteen random bytes that the kernel gives every process, so that nobody can choose words that
 * all look for the same place. */
static uint64_t read_seed(void)
{
    uint64_t seed = 0;
    const void *bytes = (const void *)getauxval(AT_RANDOM);
    if (bytes)
        memcpy(&seed, bytes, sizeof seed);
    return seed;
}

struct mg_xml_words *mg_xml_words_new(void)
{
    struct mg_xml_words *words = mg_allocate_zeroed(1, sizeof *words);
    words->seed = read_seed();
    return words;
}

void mg_xml_words_free(struct mg_xml_words *words)
{
    free(words);
}

/* FNV-1a, begun with the seed, and mixed at the end as in MurmurHash3. */
static size_t place_of(const struct mg_xml_words *words, const char *text, size_t length)
{
    uint64_t hash = words->seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(hash ^ hash >> 33) % PLACES;
}

bool mg_xml_words_add(struct mg_xml_words *words, const char *text, size_t length)
{
    size_t at = place_of(words, text, length);
    for (; words->places[at].text; at = (at + 1) % PLACES)
        if (words->places[at].length == length && memcmp(words->places[at].text, text, length) == 0)
            return true;
    if (words->count == MG_XML_WORDS_MOST)
        return false;
    words->count++;
    words->places[at].text = text;
    words->places[at].length = length;
    return true;
}
