#include "adapters/common/broker.h"

#include "adapters/common/file.h"
#include "adapters/common/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_PAUSE   500 /* milliseconds */
#define LONGEST_PAUSE 30000

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(host, "localhost") == 0;
}

static int hexadecimal(char digit)
{
    const char *const digits = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Takes the percent signs out, in place. */
static bool unescape(char *text)
{
    char *to = text;
    while (*text) {
        if (*text != '%') {
            *to++ = *text++;
            continue;
        }
        int high = hexadecimal(text[1]), low = high < 0 ? -1 : hexadecimal(text[2]);
        if (low < 0 || high + low == 0)
            return false;
        *to++ = (char)(high << 4 | low);
        text += 3;
    }
    *to = '\0';
    return true;
}

static char *copy(const char *bytes, size_t length)
{
    return memcpy(mg_text_allocate(1, length + 1), bytes, length);
}

/* Splits HOST, [ADDRESS], each with :PORT or without; end is behind all of it. */
static bool split_host(const char *text, const char *end, struct mg_broker *broker)
{
    const char *host = text, *host_end = end, *colon = memchr(text, ':', (size_t)(end - text));
    if (*text == '[') {
        host = text + 1;
        host_end = memchr(text, ']', (size_t)(end - text));
        if (!host_end)
            return false;
        colon = host_end + 1 < end ? host_end + 1 : NULL;
        if (colon && *colon != ':')
            return false;
    } else if (colon) {
        host_end = colon;
    }
    if (host_end == host || memchr(host, '@', (size_t)(end - host)))
        return false;
    broker->host = copy(host, (size_t)(host_end - host));
    if (!colon)
        return true;
    size_t digits = strspn(colon + 1, "0123456789");
    broker->port = digits <= 5 ? atoi(colon + 1) : 0;
    return digits > 0 && colon + 1 + digits == end && broker->port > 0 && broker->port <= 65535;
}

bool mg_broker_parse(const char *url, const struct mg_broker_scheme *scheme,
                     struct mg_broker *broker, const char **reason)
{
    size_t length = strlen(scheme->name);
    *reason = "has another scheme than this adapter's.";
    if (strncmp(url, scheme->name, length) != 0)
        return false;
    broker->secure = url[length] == 's';
    url += length + (broker->secure ? 1 : 0);
    if (strncmp(url, "://", 3) != 0)
        return false;
    url += 3;
    broker->port = broker->secure ? scheme->secure_port : scheme->port;
    const char *end = url + strcspn(url, "/");
    *reason = "has no host and port that can be understood, or has a user in it.";
    if (strpbrk(url, " ?#\"\\<>") || !split_host(url, end, broker))
        return false;
    if (*end == '/') {
        broker->path = mg_text_copy(end + 1);
        *reason = "has a path that cannot be understood: a slash in a name is written %2F.";
        if (strchr(broker->path, '/') || !unescape(broker->path))
            return false;
    }
    *reason = "is without TLS, which is only for brokers on loopback: add an s to its scheme.";
    return broker->secure || is_loopback(broker->host);
}

bool mg_broker_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                    const struct mg_broker_scheme *scheme, struct mg_broker *broker)
{
    const char *wrong = NULL, *reason;
    *broker = (struct mg_broker){
        .user = gateway->parameter_text(instance, "user"),
        .password_file = gateway->parameter_text(instance, "password-file"),
        .tls = {.authorities = gateway->parameter_text(instance, "authorities"),
                .certificate = gateway->parameter_text(instance, "certificate"),
                .key = gateway->parameter_text(instance, "key")},
    };
    char text[160], code[16];
    if (!mg_broker_parse(gateway->parameter_text(instance, "url"), scheme, broker, &reason)) {
        snprintf(text, sizeof text, "The url %s", reason);
        wrong = text;
    } else if (broker->secure && !broker->tls.authorities) {
        wrong = "With TLS, authorities has to name those that the broker's certificate comes from.";
    } else if (!broker->secure && (broker->tls.authorities || broker->tls.certificate)) {
        wrong = "authorities and certificate are for TLS, and the url is without.";
    } else if (!broker->tls.certificate != !broker->tls.key) {
        wrong = "certificate and key belong together: name both or none.";
    } else if (!broker->user != !broker->password_file) {
        wrong = "user and password-file belong together: name both or none.";
    }
    broker->tls.host = broker->host;
    if (!wrong)
        return true;
    snprintf(code, sizeof code, "%s.parameter", scheme->name);
    gateway->fail(instance, code, wrong);
    mg_broker_free(broker);
    return false;
}

void mg_broker_free(struct mg_broker *broker)
{
    free(broker->host);
    free(broker->path);
    broker->host = broker->path = NULL;
}

bool mg_broker_password(const struct mg_broker *broker, char password[MG_BROKER_PASSWORD_SIZE],
                        char *reason, size_t size)
{
    const char *wrong = "cannot be read, or its first line is no password";
    if (!mg_file_is_secret(broker->password_file))
        wrong = errno == EPERM ? "can be used by others than its owner: take the permissions away "
                                 "(chmod 600), and change the password if others could read it"
                               : "cannot be read";
    else if (mg_file_line(broker->password_file, password, MG_BROKER_PASSWORD_SIZE))
        return true;
    snprintf(reason, size, "The password file %s %s.", broker->password_file, wrong);
    return false;
}

int mg_broker_pause(unsigned attempts)
{
    unsigned chance = 0;
    int pause = FIRST_PAUSE;
    for (unsigned i = 1; i < attempts && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    /* Without chance, all come at once; nothing worse. */
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance)
        chance = 0;
    return pause * 3 / 4 + (int)(chance % (unsigned)(pause / 2));
}

/* ---- telling ---- */

struct tidings {
    struct mg_letter letter; /* first */
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    char *code, *text; /* NULL: the broker is there */
};

static void tidings_free(struct mg_letter *letter)
{
    struct tidings *tidings = (struct tidings *)letter;
    free(tidings->code);
    free(tidings->text);
    free(tidings);
}

static void tidings_open(struct mg_letter *letter)
{
    const struct tidings *tidings = (struct tidings *)letter;
    const struct mg_gateway *gateway = tidings->gateway;
    if (gateway->size >= offsetof(struct mg_gateway, state) + sizeof gateway->state)
        gateway->state(tidings->instance, tidings->code ? MG_STATE_DOWN : MG_STATE_READY,
                       tidings->code, tidings->text);
    tidings_free(letter);
}

void mg_broker_tell(struct mg_courier *courier, const struct mg_gateway *gateway,
                    struct mg_instance *instance, const char *code, const char *text)
{
    struct tidings *tidings = mg_text_allocate(1, sizeof *tidings);
    *tidings = (struct tidings){.letter = {.open = tidings_open, .drop = tidings_free},
                                .gateway = gateway,
                                .instance = instance,
                                .code = mg_text_copy(code),
                                .text = code ? mg_text_copy(text) : NULL};
    if (!code)
        gateway->log(instance, MG_LEVEL_INFO, "broker.ready", NULL, text);
    mg_courier_to_loop(courier, &tidings->letter);
}
