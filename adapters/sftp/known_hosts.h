/*
 * known_hosts: whether a server's host key is the one that the operator has written down, in a file
 * as OpenSSH keeps it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
 *
 * Understood are names and addresses, [name]:port for every port but 22, the patterns * and ?,
 * names that ! excludes, hashed names, and the marker @revoked. Lines with @cert-authority count
 * for nothing, since certificates of hosts are not used. What cannot be read is passed over: a line
 * too few only refuses more. Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_KNOWN_HOSTS_H
#define MUENGSTEN_ADAPTERS_SFTP_KNOWN_HOSTS_H

#include <stddef.h>

enum mg_host_judgement {
    MG_HOST_KNOWN,   /* this very key is written down for the host */
    MG_HOST_UNKNOWN, /* nothing is written down for the host */
    MG_HOST_CHANGED, /* another key is */
    MG_HOST_REVOKED, /* this key is marked as revoked */
};

/* Judges a key, given as the server shows it (RFC 4253, section 6.6), by the text of the file. */
enum mg_host_judgement mg_known_hosts_judge(const char *text, const char *host, int port,
                                            const void *key, size_t length);

/* The methods to ask the server's key by, best first: those of keys that are written down for the
 * host, then all others that are good enough. A server that has other keys than those written down
 * then shows one, and is told from a server that cannot be talked to. */
void mg_known_hosts_methods(const char *text, const char *host, int port, char *methods,
                            size_t size);

#endif
