#include "gateway/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* libevent's own function for this refuses port 0. */
static bool read_port(const char *text, uint16_t *port)
{
    size_t digits = strspn(text, "0123456789");
    long number = digits > 0 && digits < 6 && !text[digits] ? strtol(text, NULL, 10) : -1;
    if (number < 0 || number > 65535)
        return false;
    *port = htons((uint16_t)number);
    return true;
}

static bool read_six(const char *host, uint16_t port, struct mg_address *address)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->storage;
    *address = (struct mg_address){.length = sizeof *six};
    six->sin6_family = AF_INET6;
    six->sin6_port = port;
    return inet_pton(AF_INET6, host, &six->sin6_addr) == 1;
}

static bool read_four(const char *host, uint16_t port, struct mg_address *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&address->storage;
    *address = (struct mg_address){.length = sizeof *four};
    four->sin_family = AF_INET;
    four->sin_port = port;
    return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

size_t mg_address_read(const char *text, struct mg_address addresses[2])
{
    char host[INET6_ADDRSTRLEN] = "";
    const char *colon = strrchr(text, ':');
    uint16_t port;
    if (!colon || !read_port(colon + 1, &port))
        return 0;
    size_t length = (size_t)(colon - text);
    if (length == 1 && text[0] == '*')
        return read_six("::", port, &addresses[0]) && read_four("0.0.0.0", port, &addresses[1]) ? 2
                                                                                                : 0;
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (length >= sizeof host)
        return 0;
    if (brackets) {
        memcpy(host, text + 1, length - 2);
        return read_six(host, port, &addresses[0]);
    }
    memcpy(host, text, length);
    return read_four(host, port, &addresses[0]);
}

bool mg_address_equal(const struct mg_address *left, const struct mg_address *right)
{
    if (left->storage.ss_family != right->storage.ss_family)
        return false;
    if (left->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *one = (const struct sockaddr_in6 *)&left->storage;
        const struct sockaddr_in6 *other = (const struct sockaddr_in6 *)&right->storage;
        return one->sin6_port == other->sin6_port &&
               memcmp(&one->sin6_addr, &other->sin6_addr, sizeof one->sin6_addr) == 0;
    }
    if (left->storage.ss_family == AF_INET) {
        const struct sockaddr_in *one = (const struct sockaddr_in *)&left->storage;
        const struct sockaddr_in *other = (const struct sockaddr_in *)&right->storage;
        return one->sin_port == other->sin_port && one->sin_addr.s_addr == other->sin_addr.s_addr;
    }
    return false;
}
