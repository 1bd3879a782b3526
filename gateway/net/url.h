/*
 * url: takes http and https URLs apart (RFC 3986, RFC 9110, section 4.2), as far as a client of
 * ours needs them. Pure.
 */
#ifndef MUENGSTEN_NET_URL_H
#define MUENGSTEN_NET_URL_H

#include "gateway/base/error.h"

#define MG_HOST_SIZE 256

struct mg_url {
    bool secure;             /* https */
    bool numeric;            /* the host is an address */
    bool loopback;           /* localhost, 127.0.0.0/8 or ::1 */
    int port;                /* the scheme's, if none is given */
    char host[MG_HOST_SIZE]; /* in lower case, an IPv6 address without brackets */
    char authority[MG_HOST_SIZE +
                   16]; /* for Host: brackets, and the port if it is not the scheme's */
    const char
        *target; /* from the first slash or question mark on, inside the text; may be empty */
};

/* False with net.url: another scheme, a user, a fragment, no host, characters that do not belong
 * there. */
bool mg_url_read(const char *text, struct mg_url *url, struct mg_error *error);

#endif
