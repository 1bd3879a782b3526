/*
 * broker: what the adapters of message brokers (amqp, mqtt) have in common: where the broker is and
 * how the gateway shows who it is, pauses between attempts to connect, and telling the gateway
 * whether the broker is there.
 */
#ifndef MUENGSTEN_ADAPTERS_BROKER_H
#define MUENGSTEN_ADAPTERS_BROKER_H

#include "adapters/common/courier.h"
#include "adapters/common/tls.h"

#include "muengsten/adapter.h"

/* Texts live as long as the instance; host and path belong to the struct. */
struct mg_broker {
    char *host;
    int port;
    char *path; /* behind the first slash, unescaped; NULL: the URL has none */
    bool secure;
    const char *user;          /* NULL: none */
    const char *password_file; /* NULL: none */
    struct mg_tls tls;
};

/* The scheme of a broker's URL, with an s behind it where it is secure. */
struct mg_broker_scheme {
    const char *name;
    int port;
    int secure_port;
};

/* Reads the parameters MG_BROKER_PARAMETERS on the loop, and checks that they fit together. False
 * after mg_gateway.fail. */
bool mg_broker_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                    const struct mg_broker_scheme *scheme, struct mg_broker *broker);
void mg_broker_free(struct mg_broker *broker);

/* Splits a URL. False with the reason, the rest of a sentence that begins "The url ". Pure. */
bool mg_broker_parse(const char *url, const struct mg_broker_scheme *scheme,
                     struct mg_broker *broker, const char **reason);

#define MG_BROKER_PASSWORD_SIZE 1024

/* Thread. Reads the user's password, anew each time, so that a new one needs no restart. False with
 * the reason, a sentence, if it cannot be read or others than its owner can. */
bool mg_broker_password(const struct mg_broker *broker, char password[MG_BROKER_PASSWORD_SIZE],
                        char *reason, size_t size);

/* Milliseconds to wait after so many attempts in vain: half a second, then twice as long each time
 * up to half a minute, give or take a quarter, so that many gateways do not come all at once. */
int mg_broker_pause(unsigned attempts);

/* Thread. Tells the gateway that the broker can be used (code NULL), or why not, which it logs. */
void mg_broker_tell(struct mg_courier *courier, const struct mg_gateway *gateway,
                    struct mg_instance *instance, const char *code, const char *text);

#define MG_BROKER_PARAMETERS(example)                                                              \
    {.name = "url",                                                                                \
     .kind = MG_PARAMETER_TEXT,                                                                    \
     .use = MG_USED_BY_BOTH,                                                                       \
     .required = true,                                                                             \
     .description = "The broker, such as " example "; without the s only on loopback."},           \
        {.name = "authorities",                                                                    \
         .kind = MG_PARAMETER_FILE,                                                                \
         .use = MG_USED_BY_BOTH,                                                                   \
         .description = "PEM file with the authorities that the broker's certificate has to come " \
                        "from; needed with TLS."},                                                 \
        {.name = "certificate",                                                                    \
         .kind = MG_PARAMETER_FILE,                                                                \
         .use = MG_USED_BY_BOTH,                                                                   \
         .description = "PEM file with a certificate of the instance's own, with its chain."},     \
        {.name = "key",                                                                            \
         .kind = MG_PARAMETER_FILE,                                                                \
         .use = MG_USED_BY_BOTH,                                                                   \
         .description = "PEM file with the private key of that certificate."},                     \
        {.name = "user",                                                                           \
         .kind = MG_PARAMETER_TEXT,                                                                \
         .use = MG_USED_BY_BOTH,                                                                   \
         .description = "The user at the broker; needs password-file."},                           \
    {                                                                                              \
        .name = "password-file", .kind = MG_PARAMETER_FILE, .use = MG_USED_BY_BOTH,                \
        .description = "File whose first line is the user's password; for its owner alone."        \
    }

#endif
