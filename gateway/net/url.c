#include "gateway/net/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool bad(struct mg_error *error, const char *text)
{
    return mg_fail(error, "net.url", "%s", text);
}

static bool read_port(const char *text, size_t length, int *port)
{
    if (length == 0 || length > 5)
        return false;
    int number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (text[i] - '0');
    }
    *port = number;
    return number > 0 && number < 65536;
}

/* Letters, digits, hyphens, dots and underscores: names as they stand in the DNS. */
static bool copy_name(struct mg_url *url, const char *text, size_t length)
{
    if (length == 0 || length >= MG_HOST_SIZE)
        return false;
    for (size_t i = 0; i < length; i++) {
        char letter = text[i];
        if (letter >= 'A' && letter <= 'Z')
            letter = (char)(letter | 0x20);
        if (!letter || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", letter))
            return false;
        url->host[i] = letter;
    }
    url->host[length] = '\0';
    return true;
}

/* "host", "host:port", "[address]" or "[address]:port", of length bytes. */
static bool read_authority(struct mg_url *url, const char *text, size_t length)
{
    struct in6_addr six;
    struct in_addr four;
    size_t host = 0, rest;
    if (length > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', length);
        host = bracket ? (size_t)(bracket - text - 1) : 0;
        if (host == 0 || host >= INET6_ADDRSTRLEN)
            return false;
        memcpy(url->host, text + 1, host);
        url->host[host] = '\0';
        if (inet_pton(AF_INET6, url->host, &six) != 1)
            return false;
        url->numeric = true;
        url->loopback = IN6_IS_ADDR_LOOPBACK(&six);
        rest = host + 2;
    } else {
        const char *colon = memchr(text, ':', length);
        host = colon ? (size_t)(colon - text) : length;
        if (!copy_name(url, text, host))
            return false;
        url->numeric = inet_pton(AF_INET, url->host, &four) == 1;
        url->loopback =
            url->numeric ? ntohl(four.s_addr) >> 24 == 127 : strcmp(url->host, "localhost") == 0;
        rest = host;
    }
    url->port = url->secure ? 443 : 80;
    if (rest < length &&
        (text[rest] != ':' || !read_port(text + rest + 1, length - rest - 1, &url->port)))
        return false;
    bool six_form = text[0] == '[', usual = url->port == (url->secure ? 443 : 80);
    int used = snprintf(url->authority, sizeof url->authority, "%s%s%s", six_form ? "[" : "",
                        url->host, six_form ? "]" : "");
    if (!usual)
        snprintf(url->authority + used, sizeof url->authority - (size_t)used, ":%d", url->port);
    return true;
}

bool mg_url_read(const char *text, struct mg_url *url, struct mg_error *error)
{
    *url = (struct mg_url){0};
    for (const char *letter = text; *letter; letter++)
        if (*letter <= ' ' || *letter >= 0x7f)
            return bad(error, "The URL contains a character that has to be percent-encoded.");
    if (strncasecmp(text, "https://", 8) == 0)
        url->secure = true;
    else if (strncasecmp(text, "http://", 7) != 0)
        return bad(error, "The URL has to begin with https://.");
    const char *authority = text + (url->secure ? 8 : 7);
    size_t length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length))
        return bad(error, "The URL must not contain a user or password.");
    if (strchr(authority, '#'))
        return bad(error, "The URL must not contain a fragment.");
    if (!read_authority(url, authority, length))
        return bad(error, "The URL's host or port is malformed.");
    url->target = authority + length;
    return true;
}
