#include "gateway/message/header_record.h"

#include <stddef.h>
#include <string.h>

#define RECORD_VERSION 1

/* Where each fact stands in the structure, in the order of the record. */
static const struct {
    size_t offset;
    size_t size;
} facts[] = {
#define FACT(member)                                                                               \
    {                                                                                              \
        offsetof(struct mg_header, member), sizeof((struct mg_header *)0)->member                  \
    }
    FACT(uuid),        FACT(type_list),        FACT(type_version),     FACT(type_code),
    FACT(type_name),   FACT(created),          FACT(author.directory), FACT(author.id),
    FACT(author.name), FACT(reader.directory), FACT(reader.id),        FACT(reader.name),
#undef FACT
};

#define FACT_COUNT (sizeof facts / sizeof *facts)

bool mg_header_write(const struct mg_header *header, struct mg_buffer *record)
{
    char version = RECORD_VERSION;
    if (!mg_buffer_add(record, &version, 1))
        return false;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const char *text = (const char *)header + facts[i].offset;
        if (!mg_buffer_add(record, text, strlen(text) + 1))
            return false;
    }
    return true;
}

bool mg_header_read(const void *record, size_t length, struct mg_header *header)
{
    const char *rest;
    return mg_header_read_with(record, length, header, &rest);
}

bool mg_header_read_with(const void *record, size_t length, struct mg_header *header,
                         const char **rest)
{
    const char *at = record, *end = at + length;
    memset(header, 0, sizeof *header);
    if (length == 0 || *at++ != RECORD_VERSION)
        return false;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const char *stop = memchr(at, '\0', (size_t)(end - at));
        if (!stop || (size_t)(stop - at) >= facts[i].size)
            return false;
        memcpy((char *)header + facts[i].offset, at, (size_t)(stop - at) + 1);
        at = stop + 1;
    }
    *rest = at;
    return true;
}
