/* Peers that speak plain bytes over TLS from threads of their own. */
#include "tests/unit/net_world.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void note_reason(struct peer *peer, int result)
{
    unsigned long number = ERR_get_error();
    const char *reason = ERR_reason_error_string(number);
    int kind = SSL_get_error(peer->ssl, result);
    if (kind == SSL_ERROR_ZERO_RETURN)
        peer->closed = true;
    else if (number == 0)
        peer->reset = true;
    if (reason && !peer->reason[0])
        snprintf(peer->reason, sizeof peer->reason, "%s", reason);
    ERR_clear_error();
}

static bool begin_tls(struct peer *peer)
{
    char path[128];
    const char *name = peer->certificate ? peer->certificate : "client";
    peer->tls = SSL_CTX_new(TLS_client_method());
    if (peer->version) {
        SSL_CTX_set_min_proto_version(peer->tls, peer->version);
        SSL_CTX_set_max_proto_version(peer->tls, peer->version);
    }
    if (name[0]) {
        snprintf(path, sizeof path, "%s/%s.pem", peer->world->folder, name);
        SSL_CTX_use_certificate_chain_file(peer->tls, path);
        snprintf(path, sizeof path, "%s/%s.key", peer->world->folder, name);
        SSL_CTX_use_PrivateKey_file(peer->tls, path, SSL_FILETYPE_PEM);
    }
    peer->ssl = SSL_new(peer->tls);
    SSL_set_fd(peer->ssl, peer->socket);
    int result = SSL_connect(peer->ssl);
    if (result != 1)
        note_reason(peer, result);
    return result == 1;
}

bool peer_connect(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)peer->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = unit_patience(10000) / 1000};
    int on = 1;
    peer->socket = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(peer->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(peer->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(peer->socket, (struct sockaddr *)&address, sizeof address) != 0)
        return false;
    return peer->plain || begin_tls(peer);
}

bool peer_send(struct peer *peer, const char *bytes, size_t length)
{
    if (peer->plain)
        return send(peer->socket, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
    int sent = SSL_write(peer->ssl, bytes, (int)length);
    return sent == (int)length;
}

bool peer_say(struct peer *peer, const char *text)
{
    return peer_send(peer, text, strlen(text));
}

bool peer_hear(struct peer *peer, const char *text)
{
    while (!text || !strstr(peer->reply, text)) {
        size_t room = sizeof peer->reply - 1 - peer->length;
        if (room == 0)
            return false;
        ssize_t received = peer->plain ? recv(peer->socket, peer->reply + peer->length, room, 0)
                                       : SSL_read(peer->ssl, peer->reply + peer->length, (int)room);
        if (received <= 0 && peer->plain) {
            peer->closed = received == 0;
            peer->reset = received < 0;
        } else if (received <= 0) {
            note_reason(peer, (int)received);
        }
        if (received <= 0)
            return !text;
        peer->length += (size_t)received;
    }
    return true;
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->tls);
    if (peer->socket >= 0)
        close(peer->socket);
    peer->ssl = NULL;
    peer->tls = NULL;
    peer->socket = -1;
}

void peer_exchange(struct peer *peer, const char *text)
{
    if (peer_connect(peer) && peer_say(peer, text))
        peer_hear(peer, NULL);
}

void peer_listen(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    peer->plain = true;
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(peer->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(peer->listener, 8) != 0 ||
        getsockname(peer->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    peer->port = ntohs(address.sin_port);
}

bool peer_accept(struct peer *peer)
{
    struct timeval patience = {.tv_sec = unit_patience(10000) / 1000};
    peer_close(peer);
    setsockopt(peer->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    peer->socket = accept(peer->listener, NULL, NULL);
    setsockopt(peer->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return peer->socket >= 0;
}

void peer_forget(struct peer *peer)
{
    memset(peer->reply, 0, sizeof peer->reply);
    peer->length = 0;
}

void peer_reaches(struct peer *peer)
{
    __atomic_store_n(&peer->reached, true, __ATOMIC_RELEASE);
}

void peer_tell(struct peer *peer)
{
    __atomic_store_n(&peer->told, true, __ATOMIC_RELEASE);
}

void peer_wait_until_told(struct peer *peer)
{
    for (int64_t i = unit_patience(10000); i > 0 && !__atomic_load_n(&peer->told, __ATOMIC_ACQUIRE);
         i--)
        usleep(1000);
}

static void *run(void *context)
{
    struct peer *peer = context;
    peer->socket = -1;
    peer->script(peer);
    peer_close(peer);
    __atomic_store_n(&peer->done, true, __ATOMIC_RELEASE);
    return NULL;
}

void peer_start(struct peer *peer, struct world *world)
{
    peer->world = world;
    if (!peer->port)
        peer->port = mg_http_server_port(world->server);
    if (pthread_create(&peer->thread, NULL, run, peer) != 0)
        abort();
}

bool peer_wait(struct peer *peer)
{
    bool done = world_run_until(peer->world, &peer->done, 30000);
    pthread_join(peer->thread, NULL);
    if (peer->listener > 0)
        close(peer->listener);
    peer->listener = 0;
    return done;
}

bool peer_run(struct peer *peer, struct world *world)
{
    peer_start(peer, world);
    return peer_wait(peer);
}
