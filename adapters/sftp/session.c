#include "adapters/sftp/session.h"

#include "adapters/common/file.h"
#include "adapters/common/text.h"
#include "adapters/sftp/known_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLICE            100       /* milliseconds: how soon a session notices that it is to stop */
#define KNOWN_HOSTS_SIZE (1 << 20) /* bytes of the file, at most */
#define PASSWORD_SIZE    256

/* What is good enough today (BSI TR-02102-4), as far as libssh2 knows it; it passes over the rest.
 * Nothing with SHA-1, CBC or RC4. */
static const struct {
    int kind;
    const char *methods;
} methods[] = {
    {LIBSSH2_METHOD_KEX, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp521,"
                         "ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group18-sha512,"
                         "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256"},
    {LIBSSH2_METHOD_CRYPT_CS,
     "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"},
    {LIBSSH2_METHOD_CRYPT_SC,
     "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"},
    {LIBSSH2_METHOD_MAC_CS, "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
                            "hmac-sha2-512,hmac-sha2-256"},
    {LIBSSH2_METHOD_MAC_SC, "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
                            "hmac-sha2-512,hmac-sha2-256"},
};

struct mg_session {
    const struct mg_sftp_settings *settings;
    int socket; /* -1: not connected */
    LIBSSH2_SESSION *ssh;
    LIBSSH2_SFTP *sftp;
    LIBSSH2_SFTP_HANDLE *handle; /* NULL: none is open */
    bool ready;
    /* Of its present use. */
    int64_t deadline; /* 0: none */
    int64_t step_end;
    const atomic_bool *stop;
    struct mg_failure *failure;
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct mg_session *mg_session_new(const struct mg_sftp_settings *settings)
{
    struct mg_session *session = mg_text_allocate(1, sizeof *session);
    *session = (struct mg_session){.settings = settings, .socket = -1};
    return session;
}

void mg_session_use(struct mg_session *session, int64_t milliseconds, const atomic_bool *stop,
                    struct mg_failure *failure)
{
    session->deadline = milliseconds > 0 ? now() + milliseconds : 0;
    session->stop = stop;
    session->failure = failure;
    *failure = (struct mg_failure){0};
}

LIBSSH2_SFTP *mg_session_sftp(struct mg_session *session)
{
    return session->sftp;
}

const struct mg_sftp_settings *mg_session_settings(const struct mg_session *session)
{
    return session->settings;
}

struct mg_failure *mg_session_failure(struct mg_session *session)
{
    return session->failure;
}

void mg_session_hold(struct mg_session *session, LIBSSH2_SFTP_HANDLE *handle)
{
    session->handle = handle;
}

/* ---- the end ---- */

/* The socket is shut down first, so that nothing below waits for the server. What it was told
 * before is on its way; the farewell is tried once. */
void mg_session_cut(struct mg_session *session)
{
    const int most = 100; /* nothing can make libssh2 ask so often, but nothing shall hang here */
    if (session->ssh)
        libssh2_session_disconnect(session->ssh, "");
    if (session->socket >= 0)
        shutdown(session->socket, SHUT_RDWR);
    for (int i = 0; session->handle && i < most; i++)
        if (libssh2_sftp_close_handle(session->handle) != LIBSSH2_ERROR_EAGAIN)
            session->handle = NULL;
    for (int i = 0; session->sftp && i < most; i++)
        if (libssh2_sftp_shutdown(session->sftp) != LIBSSH2_ERROR_EAGAIN)
            session->sftp = NULL;
    for (int i = 0; session->ssh && i < most; i++)
        if (libssh2_session_free(session->ssh) != LIBSSH2_ERROR_EAGAIN)
            session->ssh = NULL;
    if (session->socket >= 0)
        close(session->socket);
    session->handle = NULL;
    session->sftp = NULL;
    session->ssh = NULL;
    session->socket = -1;
    session->ready = false;
}

void mg_session_free(struct mg_session *session)
{
    mg_session_cut(session);
    free(session);
}

/* ---- waiting ---- */

void mg_session_step(struct mg_session *session)
{
    session->step_end = now() + session->settings->step;
    if (session->deadline > 0 && session->deadline < session->step_end)
        session->step_end = session->deadline;
}

static bool broken(struct mg_session *session)
{
    session->failure->broken = true;
    mg_session_cut(session);
    return false;
}

/* Likewise, for what an operator has to mend. */
static bool hopeless(struct mg_session *session)
{
    session->failure->loud = true;
    return broken(session);
}

/* Waits for these events at the socket. */
static bool wait_for(struct mg_session *session, short events)
{
    const char *host = session->settings->host;
    for (;;) {
        int64_t left = session->step_end - now();
        if (session->stop && atomic_load(session->stop)) {
            mg_failure_set(session->failure, "sftp.cancelled",
                           "It was broken off before the server had answered.");
            return broken(session);
        }
        if (left <= 0) {
            mg_failure_set(session->failure, "sftp.timeout",
                           "The server %s did not answer in time.", host);
            return broken(session);
        }
        struct pollfd waiting = {.fd = session->socket, .events = events};
        int ready = poll(&waiting, 1, left < SLICE ? (int)left : SLICE);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR) {
            mg_failure_set(session->failure, "sftp.closed", "The system cannot wait for %s: %s.",
                           host, strerror(errno));
            return broken(session);
        }
    }
}

bool mg_session_again(struct mg_session *session, int error)
{
    if (error == LIBSSH2_ERROR_NONE)
        error = libssh2_session_last_errno(session->ssh);
    if (error == LIBSSH2_ERROR_EAGAIN) {
        int directions = libssh2_session_block_directions(session->ssh);
        short events = 0;
        if (directions & LIBSSH2_SESSION_BLOCK_INBOUND)
            events |= POLLIN;
        if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
            events |= POLLOUT;
        return wait_for(session, events ? events : POLLIN);
    }
    unsigned long answer = session->sftp && error == LIBSSH2_ERROR_SFTP_PROTOCOL
                               ? libssh2_sftp_last_error(session->sftp)
                               : LIBSSH2_FX_OK;
    if (answer != LIBSSH2_FX_OK && answer != LIBSSH2_FX_NO_CONNECTION &&
        answer != LIBSSH2_FX_CONNECTION_LOST && answer != LIBSSH2_FX_BAD_MESSAGE) {
        mg_failure_answer(session->failure, answer, session->settings->folder);
        return false;
    }
    mg_failure_set(session->failure, "sftp.closed", "The connection to %s broke (libssh2 says %d).",
                   session->settings->host, error);
    return broken(session);
}

/* ---- the socket ---- */

static bool no_connection(struct mg_session *session, int error)
{
    mg_failure_set(session->failure, "sftp.connect", "No connection to %s port %d: %s.",
                   session->settings->host, session->settings->port, strerror(error));
    return broken(session);
}

static bool connect_to(struct mg_session *session, const struct addrinfo *address)
{
    int on = 1, error = 0;
    socklen_t length = sizeof error;
    session->socket =
        socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (session->socket < 0)
        return no_connection(session, errno);
    setsockopt(session->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(session->socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    mg_session_step(session);
    if (connect(session->socket, address->ai_addr, address->ai_addrlen) == 0)
        return true;
    if (errno != EINPROGRESS)
        return no_connection(session, errno);
    if (!wait_for(session, POLLOUT))
        return false;
    if (getsockopt(session->socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    return error == 0 || no_connection(session, error);
}

/* Tries the host's addresses in turn. */
static bool connect_socket(struct mg_session *session)
{
    const struct mg_sftp_settings *settings = session->settings;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *addresses = NULL;
    char port[8];
    snprintf(port, sizeof port, "%d", settings->port);
    int error = getaddrinfo(settings->host, port, &hints, &addresses);
    if (error != 0) {
        mg_failure_set(session->failure, "sftp.resolve", "The name %s leads nowhere: %s.",
                       settings->host, gai_strerror(error));
        return broken(session);
    }
    bool connected = false;
    for (const struct addrinfo *one = addresses; one && !connected; one = one->ai_next)
        connected = connect_to(session, one);
    freeaddrinfo(addresses);
    if (connected)
        *session->failure = (struct mg_failure){0};
    return connected;
}

/* ---- the host key ---- */

/* The fingerprint as ssh-keygen -l shows it. */
static void fingerprint(const void *key, size_t length, char text[64])
{
    unsigned char digest[EVP_MAX_MD_SIZE], base64[EVP_MAX_MD_SIZE * 2];
    unsigned digest_length = 0;
    EVP_Digest(key, length, digest, &digest_length, EVP_sha256(), NULL);
    EVP_EncodeBlock(base64, digest, (int)digest_length);
    snprintf(text, 64, "SHA256:%.*s", (int)strcspn((const char *)base64, "="), base64);
}

static bool check_host_key(struct mg_session *session, const char *known_hosts)
{
    const struct mg_sftp_settings *settings = session->settings;
    size_t length = 0;
    int type = 0;
    char print[64];
    const char *key = libssh2_session_hostkey(session->ssh, &length, &type);
    if (!key) {
        mg_failure_set(session->failure, "sftp.handshake", "The server %s shows no host key.",
                       settings->host);
        return broken(session);
    }
    fingerprint(key, length, print);
    session->failure->loud = true;
    switch (mg_known_hosts_judge(known_hosts, settings->host, settings->port, key, length)) {
    case MG_HOST_KNOWN:
        session->failure->loud = false;
        return true;
    case MG_HOST_UNKNOWN:
        mg_failure_set(session->failure, "sftp.host-unknown",
                       "No host key of %s port %d is known. The server shows %s: find out whether "
                       "that is its key, and add it to the known hosts.",
                       settings->host, settings->port, print);
        break;
    case MG_HOST_CHANGED:
        mg_failure_set(session->failure, "sftp.host-changed",
                       "The host key of %s port %d is not the one that is known: the server was "
                       "given a new one, or somebody is in its place. It shows %s: find out "
                       "whether that is its key, and only then replace it in the known hosts.",
                       settings->host, settings->port, print);
        break;
    case MG_HOST_REVOKED:
        mg_failure_set(session->failure, "sftp.host-revoked",
                       "The server %s port %d shows the host key %s, which the known hosts mark as "
                       "revoked: it needs a new one.",
                       settings->host, settings->port, print);
        break;
    }
    return broken(session);
}

/* Prefers those of these methods that libssh2 has. It would leave the others out itself, but copies
 * overlapping memory with memcpy when it does (1.10, 1.11). */
static bool prefer(struct mg_session *session, int kind, const char *wanted)
{
    struct mg_text known = {0};
    const char **names = NULL;
    int count = libssh2_session_supported_algs(session->ssh, kind, &names);
    for (const char *at = wanted; *at;) {
        size_t length = strcspn(at, ",");
        for (int i = 0; i < count; i++)
            if (strlen(names[i]) == length && memcmp(names[i], at, length) == 0)
                mg_text_print(&known, "%s%s", known.length > 0 ? "," : "", names[i]);
        at += length;
        at += *at == ',';
    }
    bool set =
        known.length > 0 && libssh2_session_method_pref(session->ssh, kind, known.bytes) == 0;
    mg_text_free(&known);
    if (count > 0)
        libssh2_free(session->ssh, names);
    return set;
}

/* Offers nothing that is not good enough: where a preference cannot be set, there is no connection.
 */
static bool prefer_all(struct mg_session *session, const char *known_hosts)
{
    const struct mg_sftp_settings *settings = session->settings;
    char host_keys[512];
    mg_known_hosts_methods(known_hosts, settings->host, settings->port, host_keys,
                           sizeof host_keys);
    bool set = prefer(session, LIBSSH2_METHOD_HOSTKEY, host_keys);
    for (size_t i = 0; set && i < sizeof methods / sizeof *methods; i++)
        set = prefer(session, methods[i].kind, methods[i].methods);
    if (!set)
        mg_failure_set(session->failure, "sftp.handshake",
                       "libssh2 has no methods that are good enough.");
    return set || broken(session);
}

static bool shake_hands(struct mg_session *session, const char *known_hosts)
{
    const struct mg_sftp_settings *settings = session->settings;
    session->ssh = libssh2_session_init();
    if (!session->ssh) {
        mg_failure_set(session->failure, "sftp.failed", "There is no memory for a connection.");
        return broken(session);
    }
    libssh2_session_set_blocking(session->ssh, 0);
    if (!prefer_all(session, known_hosts))
        return false;
    int error;
    mg_session_step(session);
    while ((error = libssh2_session_handshake(session->ssh, session->socket)) != 0) {
        if (error == LIBSSH2_ERROR_KEX_FAILURE || error == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
            error == LIBSSH2_ERROR_METHOD_NONE) {
            mg_failure_set(session->failure, "sftp.handshake",
                           "The server %s has no method in common with this side that is good "
                           "enough (libssh2 says %d).",
                           settings->host, error);
            return broken(session);
        }
        if (!mg_session_again(session, error))
            return false;
    }
    return check_host_key(session, known_hosts);
}

/* ---- the user ---- */

static bool refused(struct mg_session *session, const char *what)
{
    mg_failure_set(session->failure, "sftp.login",
                   "The server %s does not accept the %s of the user %s.", session->settings->host,
                   what, session->settings->user);
    return false;
}

/* False with sftp.login if the server does not accept it; another code: it came to no answer. */
static bool log_in_by_key(struct mg_session *session)
{
    const struct mg_sftp_settings *settings = session->settings;
    int error;
    mg_session_step(session);
    /* The empty passphrase, since without any OpenSSL would ask for one. */
    while ((error = libssh2_userauth_publickey_fromfile_ex(session->ssh, settings->user,
                                                           (unsigned)strlen(settings->user), NULL,
                                                           settings->key, "")) != 0) {
        if (error == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
            error == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
            return refused(session, "key");
        if (error == LIBSSH2_ERROR_FILE || error == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED ||
            error == LIBSSH2_ERROR_METHOD_NONE) {
            mg_failure_set(session->failure, "sftp.key",
                           "The private key for %s cannot be read: it has to be an Ed25519 or "
                           "ECDSA key without a passphrase.",
                           settings->host);
            return hopeless(session);
        }
        if (!mg_session_again(session, error))
            return false;
    }
    return true;
}

static bool log_in_by_password(struct mg_session *session)
{
    const struct mg_sftp_settings *settings = session->settings;
    char password[PASSWORD_SIZE];
    if (!mg_file_line(settings->password_file, password, sizeof password)) {
        mg_failure_set(session->failure, "sftp.password",
                       "The file with the password for %s cannot be read.", settings->host);
        return hopeless(session);
    }
    bool accepted = false, again = true;
    mg_session_step(session);
    while (!accepted && again) {
        accepted = libssh2_userauth_password_ex(session->ssh, settings->user,
                                                (unsigned)strlen(settings->user), password,
                                                (unsigned)strlen(password), NULL) == 0;
        int error = libssh2_session_last_errno(session->ssh);
        if (!accepted && (error == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
                          error == LIBSSH2_ERROR_PASSWORD_EXPIRED))
            again = refused(session, "password");
        else if (!accepted)
            again = mg_session_again(session, error);
    }
    explicit_bzero(password, sizeof password);
    return accepted;
}

static bool log_in(struct mg_session *session)
{
    const struct mg_sftp_settings *settings = session->settings;
    if (settings->key) {
        if (log_in_by_key(session))
            return true;
        /* Accepted so far and not enough, or not accepted: both look the same here. */
        if (session->failure->broken)
            return false;
        if (!settings->password_file)
            return hopeless(session);
    }
    *session->failure = (struct mg_failure){0};
    return log_in_by_password(session) || (!session->failure->broken && hopeless(session));
}

/* ---- all of it ---- */

static bool start_sftp(struct mg_session *session)
{
    mg_session_step(session);
    while (!(session->sftp = libssh2_sftp_init(session->ssh))) {
        int error = libssh2_session_last_errno(session->ssh);
        if (error == LIBSSH2_ERROR_CHANNEL_FAILURE ||
            error == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
            mg_failure_set(session->failure, "sftp.no-sftp",
                           "The server %s does not offer SFTP to the user %s.",
                           session->settings->host, session->settings->user);
            return hopeless(session);
        }
        if (!mg_session_again(session, error))
            return false;
    }
    return true;
}

static bool establish(struct mg_session *session, const char *known_hosts)
{
    return connect_socket(session) && shake_hands(session, known_hosts) && log_in(session) &&
           start_sftp(session);
}

bool mg_session_ready(struct mg_session *session, bool *fresh)
{
    if (fresh)
        *fresh = !session->ready;
    if (session->ready)
        return true;
    /* Read each time, so that what an operator mends in it counts with the next attempt. */
    char *known_hosts = mg_file_text(session->settings->known_hosts, KNOWN_HOSTS_SIZE);
    if (!known_hosts) {
        mg_failure_set(session->failure, "sftp.known-hosts",
                       "The file of known hosts for %s cannot be read, or has more than a "
                       "megabyte.",
                       session->settings->host);
        return hopeless(session);
    }
    session->ready = establish(session, known_hosts);
    free(known_hosts);
    return session->ready;
}
