/*
 * address: where to listen, as the configuration writes it. Pure, any thread.
 */
#ifndef MUENGSTEN_NET_ADDRESS_H
#define MUENGSTEN_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct mg_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* "192.0.2.1:8443", "[2001:db8::1]:8443" or "*:8443", where the last means every address of both
 * families, [::], and every one of IPv4 where the system has no IPv6: then there are two addresses,
 * to be tried in that order. Returns how many: 0 if it is nothing of the kind. */
size_t mg_address_read(const char *text, struct mg_address addresses[2]);

/* Whether both are the same address and port. */
bool mg_address_equal(const struct mg_address *left, const struct mg_address *right);

#endif
