#include "gateway/base/id.h"

#include "gateway/base/clock.h"
#include "gateway/base/error.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * 48 bits of milliseconds, then a counter of 12 + 14 bits that begins at random in each millisecond
 * (RFC 9562, section 6.2, method 1), then 48 random bits.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t last_millisecond;
static uint32_t counter;

#define COUNTER_BITS 26U

static void next_moment(int64_t *millisecond, uint32_t *count, const uint8_t random[4])
{
    pthread_mutex_lock(&lock);
    int64_t now = mg_clock_now();
    if (now > last_millisecond) {
        last_millisecond = now;
        /* The upper bit is left free, so that a counter always has room to grow. */
        uint32_t seed;
        memcpy(&seed, random, sizeof seed);
        counter = seed & ((1U << (COUNTER_BITS - 1)) - 1);
    } else if (++counter >> COUNTER_BITS) {
        last_millisecond++;
        counter = 0;
    }
    *millisecond = last_millisecond;
    *count = counter;
    pthread_mutex_unlock(&lock);
}

struct mg_id mg_id_new(void)
{
    struct mg_id id;
    uint8_t random[10];
    if (RAND_bytes(random, sizeof random) != 1)
        mg_die("OpenSSL has no random bytes");
    int64_t millisecond;
    uint32_t count;
    next_moment(&millisecond, &count, random);
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(millisecond >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70U | (count >> 22));
    id.bytes[7] = (uint8_t)(count >> 14);
    id.bytes[8] = (uint8_t)(0x80U | ((count >> 8) & 0x3fU));
    id.bytes[9] = (uint8_t)count;
    memcpy(id.bytes + 10, random + 4, 6);
    return id;
}

const char *mg_id_text(const struct mg_id *id, char text[MG_ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 0x0f];
    }
    *at = '\0';
    return text;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool mg_id_parse(const char *text, struct mg_id *id)
{
    if (strlen(text) != MG_ID_TEXT_SIZE - 1)
        return false;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (*text++ != '-')
                return false;
        }
        int high = digit_value(text[0]);
        int low = digit_value(text[1]);
        if (high < 0 || low < 0)
            return false;
        id->bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

bool mg_id_parse_urn(const char *text, struct mg_id *id)
{
    static const char scheme[] = "urn:uuid:";
    size_t length = sizeof scheme - 1;
    return strncasecmp(text, scheme, length) == 0 && mg_id_parse(text + length, id);
}
