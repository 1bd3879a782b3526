#include "gateway/config/defaults.h"

#include "gateway/config/config.h"

#include <assert.h>
#include <string.h>

/* clang-format off */
#define NUMBER(attribute, kind, type, structure, member, standard, smallest, largest)              \
    {attribute, MG_VALUE_##kind, MG_NUMBER_##type, offsetof(struct structure, member), standard,   \
     smallest, largest}
#define NO_MORE_NUMBERS {NULL, MG_VALUE_COUNT, MG_NUMBER_SIZE, 0, NULL, NULL, NULL}

const struct mg_number mg_numbers_gateway[] = {
    NUMBER("workers", COUNT, UNSIGNED, mg_config, workers, NULL, "1", "256"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_store[] = {
    NUMBER("reserve", SIZE, INT64, mg_config, reserve, "256M", "1M", "1024G"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_trust[] = {
    NUMBER("check", DURATION, INT64, mg_config, revocation_check, "60s", "1s", "24h"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_retention[] = {
    NUMBER("content", DURATION, INT64, mg_config, keep_content, "7d", "1min", "3650d"),
    NUMBER("trace", DURATION, INT64, mg_config, keep_trace, "90d", "1min", "3650d"),
    NUMBER("duplicates", DURATION, INT64, mg_config, keep_duplicates, "365d", "1min", "3650d"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_audit[] = {
    NUMBER("keep", DURATION, INT64, mg_config, keep_audit, "3650d", "24h", "36500d"),
    NO_MORE_NUMBERS,
};

/* libxml2 itself stops at 256 levels and at texts of 10 MB. */
const struct mg_number mg_numbers_limits[] = {
    NUMBER("message", SIZE, SIZE, mg_config_limits, message, "16M", "1K", "1G"),
    NUMBER("intake", COUNT, SIZE, mg_config_limits, intake, "512", "1", "100000"),
    NUMBER("intake-bytes", SIZE, SIZE, mg_config_limits, intake_bytes, "256M", "1K", "64G"),
    NUMBER("xml-depth", COUNT, SIZE, mg_config_limits, xml.depth, "100", "4", "250"),
    NUMBER("xml-elements", COUNT, SIZE, mg_config_limits, xml.elements, "200000", "10", "50000000"),
    NUMBER("xml-attributes", COUNT, SIZE, mg_config_limits, xml.attributes, "64", "4", "512"),
    NUMBER("xml-start-tag", SIZE, SIZE, mg_config_limits, xml.start_tag, "64K", "256", "1M"),
    NUMBER("xml-text", SIZE, SIZE, mg_config_limits, xml.text, "1M", "256", "9M"),
    NO_MORE_NUMBERS,
};

/* Without defaults: gateway/net/http.h has them, and takes zero for "not said". */
const struct mg_number mg_numbers_listener[] = {
    NUMBER("head", SIZE, SIZE, mg_http_limits, head, NULL, "1K", "256K"),
    NUMBER("headers", COUNT, SIZE, mg_http_limits, headers, NULL, "4", "1000"),
    NUMBER("body", SIZE, INT64, mg_http_limits, body, NULL, "1K", "64G"),
    NUMBER("connections", COUNT, SIZE, mg_http_limits, connections, NULL, "1", "100000"),
    NUMBER("handshake-time", DURATION, INT64, mg_http_limits, handshake_time, NULL, "100ms", "10min"),
    NUMBER("head-time", DURATION, INT64, mg_http_limits, head_time, NULL, "100ms", "10min"),
    NUMBER("idle-time", DURATION, INT64, mg_http_limits, idle_time, NULL, "100ms", "1h"),
    NUMBER("body-pause", DURATION, INT64, mg_http_limits, body_pause, NULL, "100ms", "10min"),
    NUMBER("body-rate", SIZE, SIZE, mg_http_limits, body_rate, NULL, "1", "1G"),
    NUMBER("write-pause", DURATION, INT64, mg_http_limits, write_pause, NULL, "100ms", "10min"),
    NUMBER("write-buffer", SIZE, SIZE, mg_http_limits, write_buffer, NULL, "1K", "16M"),
    NUMBER("requests", COUNT, SIZE, mg_http_limits, requests, NULL, "1", "1000000000"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_partner[] = {
    NUMBER("quota", COUNT, UNSIGNED, mg_config_partner, quota, NULL, "1", "10000000"),
    NUMBER("simultaneous", COUNT, UNSIGNED, mg_config_partner, simultaneous, "64", "1", "100000"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_destination[] = {
    NUMBER("concurrency", COUNT, UNSIGNED, mg_config_destination, concurrency, "8", "1", "1000"),
    NUMBER("timeout", DURATION, INT64, mg_config_destination, timeout, "60s", "100ms", "1h"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_process[] = {
    NUMBER("memory", SIZE, SIZE, mg_config_process, memory, "512M", "16M", "64G"),
    NUMBER("files", COUNT, UNSIGNED, mg_config_process, files, "256", "16", "65536"),
    NO_MORE_NUMBERS,
};

const struct mg_number mg_numbers_retry[] = {
    NUMBER("first", DURATION, INT64, mg_config_retry, first, "5s", "10ms", "24h"),
    NUMBER("longest", DURATION, INT64, mg_config_retry, longest, "15min", "10ms", "7d"),
    NUMBER("factor", FACTOR, DOUBLE, mg_config_retry, factor, "2", "1", "10"),
    NUMBER("give-up", DURATION, INT64, mg_config_retry, give_up, "48h", "1s", "90d"),
    NUMBER("breaker", COUNT, UNSIGNED, mg_config_retry, breaker, "5", "1", "1000"),
    NUMBER("breaker-time", DURATION, INT64, mg_config_retry, breaker_time, "30s", "10ms", "24h"),
    NO_MORE_NUMBERS,
};
/* clang-format on */

void mg_number_set(const struct mg_number *number, int64_t value, void *structure)
{
    char *member = (char *)structure + number->offset;
    switch (number->type) {
    case MG_NUMBER_SIZE:
        memcpy(member, &(size_t){(size_t)value}, sizeof(size_t));
        break;
    case MG_NUMBER_UNSIGNED:
        memcpy(member, &(unsigned){(unsigned)value}, sizeof(unsigned));
        break;
    case MG_NUMBER_INT64:
        memcpy(member, &value, sizeof value);
        break;
    case MG_NUMBER_DOUBLE:
        memcpy(member, &(double){(double)value / 1000.0}, sizeof(double));
        break;
    }
}

void mg_numbers_default(const struct mg_number *numbers, void *structure)
{
    for (const struct mg_number *number = numbers; number->attribute; number++) {
        int64_t value = 0;
        bool readable = !number->standard || mg_value_read(number->kind, number->standard, &value);
        assert(readable);
        (void)readable;
        mg_number_set(number, value, structure);
    }
}
