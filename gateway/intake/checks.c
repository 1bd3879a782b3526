#include "gateway/intake/checks.h"

#include <stdio.h>
#include <string.h>

#define RECORD_VERSION 1

static const char *const words[MG_CHECK_KINDS] = {
    [MG_CHECK_FORM] = "form",
    [MG_CHECK_PROFILE] = "profile",
    [MG_CHECK_PERMISSION] = "permission",
    [MG_CHECK_SIGNATURE] = "signature",
    [MG_CHECK_SCHEMA] = "schema",
    [MG_CHECK_DUPLICATE] = "duplicate",
    [MG_CHECK_ROUTE] = "route",
    [MG_CHECK_SEAL] = "seal",
    [MG_CHECK_RECEIPT] = "receipt",
};

const char *mg_check_word(enum mg_check_kind kind)
{
    return words[kind];
}

void mg_checks_note(struct mg_checks *checks, enum mg_check_kind kind, bool required,
                    int64_t microseconds, const char *detail)
{
    if (checks->count == MG_CHECK_KINDS)
        return;
    struct mg_check *check = &checks->list[checks->count++];
    check->kind = kind;
    check->required = required;
    check->microseconds = microseconds < 0            ? 0
                          : microseconds > UINT32_MAX ? UINT32_MAX
                                                      : (uint32_t)microseconds;
    snprintf(check->detail, sizeof check->detail, "%s", detail ? detail : "");
}

/* A version, then of each: its kind, whether it was required, four bytes of microseconds with the
 * highest first, and the detail with its end. */
bool mg_checks_write(const struct mg_checks *checks, struct mg_buffer *record)
{
    const char version = RECORD_VERSION;
    bool written = mg_buffer_add(record, &version, 1);
    for (size_t i = 0; i < checks->count && written; i++) {
        const struct mg_check *check = &checks->list[i];
        const uint8_t head[] = {
            (uint8_t)check->kind,
            check->required,
            (uint8_t)(check->microseconds >> 24),
            (uint8_t)(check->microseconds >> 16),
            (uint8_t)(check->microseconds >> 8),
            (uint8_t)check->microseconds,
        };
        written = mg_buffer_add(record, head, sizeof head) &&
                  mg_buffer_add(record, check->detail, strlen(check->detail) + 1);
    }
    return written;
}

void mg_checks_read(const void *rest, size_t length, struct mg_checks *checks)
{
    const uint8_t *at = rest, *end = at + length;
    checks->count = 0;
    if (length == 0 || *at++ != RECORD_VERSION)
        return;
    while (end - at > 6 && checks->count < MG_CHECK_KINDS) {
        const uint8_t *stop = memchr(at + 6, '\0', (size_t)(end - at) - 6);
        if (!stop || stop - (at + 6) >= MG_CHECK_DETAIL || at[0] == 0 || at[0] >= MG_CHECK_KINDS)
            return;
        struct mg_check *check = &checks->list[checks->count++];
        check->kind = (enum mg_check_kind)at[0];
        check->required = at[1];
        check->microseconds =
            (uint32_t)at[2] << 24 | (uint32_t)at[3] << 16 | (uint32_t)at[4] << 8 | (uint32_t)at[5];
        memcpy(check->detail, at + 6, (size_t)(stop - (at + 6)) + 1);
        at = stop + 1;
    }
}
