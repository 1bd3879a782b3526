/*
 * defaults: every number of the configuration with its default and its bounds, and every other
 * default, in one place. Written as an operator would write them, so that messages can show them.
 */
#ifndef MUENGSTEN_CONFIG_DEFAULTS_H
#define MUENGSTEN_CONFIG_DEFAULTS_H

#include "gateway/config/values.h"

#include <stddef.h>

#define MG_DEFAULT_ROOT         "*"
#define MG_DEFAULT_LAYOUT       "basisnachricht-1.1"
#define MG_DEFAULT_SIGNATURE    "required"
#define MG_DEFAULT_SEAL         "detached"
#define MG_DEFAULT_STALE_LISTS  "refuse"
#define MG_DEFAULT_AUDIT_EXPORT "none"
#define MG_DEFAULT_ISOLATION    "standard"
#define MG_DEFAULT_AFTER_DEAD   "wait"
#define MG_DEFAULT_ROUTE_TYPE   "*"

/* Certificates that expire within so many milliseconds are worth a warning. */
#define MG_EXPIRY_WARNING ((int64_t)30 * 24 * 3600 * 1000)

/* A number that is an attribute in the file and a member of a structure in memory. */
struct mg_number {
    const char *attribute;
    enum mg_value_kind kind;
    enum mg_number_type {
        MG_NUMBER_SIZE,
        MG_NUMBER_UNSIGNED,
        MG_NUMBER_INT64,
        MG_NUMBER_DOUBLE
    } type;
    size_t offset;
    const char *standard; /* NULL: zero, whose meaning the member's comment says */
    const char *smallest;
    const char *largest;
};

/* Each ends with an entry without attribute. */
extern const struct mg_number mg_numbers_gateway[];     /* of struct mg_config */
extern const struct mg_number mg_numbers_store[];       /* of struct mg_config */
extern const struct mg_number mg_numbers_trust[];       /* of struct mg_config */
extern const struct mg_number mg_numbers_retention[];   /* of struct mg_config */
extern const struct mg_number mg_numbers_audit[];       /* of struct mg_config */
extern const struct mg_number mg_numbers_limits[];      /* of struct mg_config_limits */
extern const struct mg_number mg_numbers_listener[];    /* of struct mg_http_limits */
extern const struct mg_number mg_numbers_partner[];     /* of struct mg_config_partner */
extern const struct mg_number mg_numbers_destination[]; /* of struct mg_config_destination */
extern const struct mg_number mg_numbers_process[];     /* of struct mg_config_process */
extern const struct mg_number mg_numbers_retry[];       /* of struct mg_config_retry */

/* Fills in the defaults. */
void mg_numbers_default(const struct mg_number *numbers, void *structure);

/* Writes a value that was read into its member. */
void mg_number_set(const struct mg_number *number, int64_t value, void *structure);

#endif
