/*
 * session: a connection to an SFTP server, from the socket to SFTP, kept for as long as it is used.
 *
 * The server's host key must stand in the file of known hosts; there is no way around that. The
 * user logs in by key, or by password where there is no key or the key is not enough.
 *
 * Sessions block and belong on another thread, one at a time; only new, cut and free are for any.
 * Every step ends after the time of a step, at the deadline of what the session is used for, or
 * when that is to stop, whichever comes first. What fails says why in the failure that
 * mg_session_use was given.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_SESSION_H
#define MUENGSTEN_ADAPTERS_SFTP_SESSION_H

#include "adapters/sftp/failure.h"

#include <libssh2.h>
#include <libssh2_sftp.h>
#include <stdatomic.h>
#include <stdint.h>

struct mg_sftp_settings {
    const char *host;
    int port;
    const char *user;
    const char *key;           /* file of the private key, or NULL */
    const char *password_file; /* or NULL */
    const char *known_hosts;   /* file */
    const char *folder;        /* at the server */
    int64_t step;              /* milliseconds that one step may take */
};

struct mg_session;

/* The settings live longer than the session. Never NULL. */
struct mg_session *mg_session_new(const struct mg_sftp_settings *settings);

/* Says what the session is used for from now on: until when (milliseconds from now; 0: no end of
 * its own), what tells it to stop early, and where failures go. */
void mg_session_use(struct mg_session *session, int64_t milliseconds, const atomic_bool *stop,
                    struct mg_failure *failure);

/* Connects and logs in, unless that was done before. fresh, which may be NULL, says whether it was
 * done now. */
bool mg_session_ready(struct mg_session *session, bool *fresh);

/* Ends the connection; the session can be made ready again. */
void mg_session_cut(struct mg_session *session);
void mg_session_free(struct mg_session *session);

/* ---- for remote.c ---- */

LIBSSH2_SFTP *mg_session_sftp(struct mg_session *session);
const struct mg_sftp_settings *mg_session_settings(const struct mg_session *session);
struct mg_failure *mg_session_failure(struct mg_session *session);

/* The one handle that is open at a time: libssh2 would leave it behind with the session. NULL:
 * none.
 */
void mg_session_hold(struct mg_session *session, LIBSSH2_SFTP_HANDLE *handle);

/* Begins a step. */
void mg_session_step(struct mg_session *session);

/* After a call that failed with this error, or without telling (LIBSSH2_ERROR_NONE: the session
 * knows): true if it only has to wait for the server, has waited, and is to be repeated. Otherwise
 * the failure is filled, and the connection ended if it is of no use any more. */
bool mg_session_again(struct mg_session *session, int error);

#endif
