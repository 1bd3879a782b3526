/* Who asks: whoever reaches the address of this machine, the owner of a certificate, or the user at
 * the other end of the socket. */
#include "gateway/operate/ask_inside.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of a user's entry. */
#define USER_LIMIT (1024 * 1024)

static void set_caller(struct mg_ask *ask, const char *name, enum mg_role role, bool contents,
                       const char *way)
{
    snprintf(ask->caller_name, sizeof ask->caller_name, "%s", name);
    ask->caller = (struct mg_caller){ask->caller_name, role, contents, way, false};
}

/* ---- by certificate ---- */

/* A revocation list or another configuration may have come since the connection was made, or the
 * certificate has expired: what was proven of it is remembered, so that asking again costs little.
 */
static bool identify_certificate(struct mg_ask *ask, struct mg_error *error)
{
    X509 *certificate = mg_http_request_certificate(ask->request);
    set_caller(ask, "", MG_ROLE_NONE, false, "tls");
    if (!mg_anchors_check(ask->config->anchors, certificate, mg_http_request_chain(ask->request),
                          MG_USE_TLS_CLIENT, error))
        return false;
    const struct mg_config_operator *one = mg_config_operator_of(ask->config, certificate);
    if (one)
        set_caller(ask, one->name, one->role, one->contents, "tls");
    return true;
}

/* ---- by the socket ---- */

static bool belongs_to(const struct mg_local_peer *peer, gid_t group)
{
    for (size_t i = 0; i < peer->group_count; i++)
        if (peer->groups[i] == group)
            return true;
    return false;
}

static enum mg_role role_of(const struct mg_config_control *control,
                            const struct mg_local_peer *peer)
{
    if (peer->user == 0 || peer->user == geteuid())
        return MG_ROLE_OPERATOR;
    if (control->has_operators && belongs_to(peer, control->operators))
        return MG_ROLE_OPERATOR;
    return control->has_viewers && belongs_to(peer, control->viewers) ? MG_ROLE_VIEWER
                                                                      : MG_ROLE_NONE;
}

bool mg_caller_has_role(const struct mg_config *config, int socket)
{
    struct mg_local_peer peer;
    return mg_local_peer(socket, &peer) && role_of(&config->control, &peer) != MG_ROLE_NONE;
}

static void identify_user(struct mg_ask *ask)
{
    struct mg_local_peer peer;
    const char *name = mg_http_request_connection_value(ask->request);
    set_caller(ask, "", MG_ROLE_NONE, false, "control");
    if (!mg_local_peer(mg_http_request_socket(ask->request), &peer))
        return;
    set_caller(ask, name ? name : "", role_of(&ask->config->control, &peer), false, "control");
    ask->caller.owns_store = peer.user == 0 || peer.user == geteuid();
    ask->user = peer.user;
}

bool mg_caller_identify(struct mg_ask *ask, struct mg_error *error)
{
    switch (ask->endpoint->way) {
    case MG_WAY_TLS:
        return identify_certificate(ask, error);
    case MG_WAY_SOCKET:
        identify_user(ask);
        return true;
    case MG_WAY_LOOPBACK:
    default:
        set_caller(ask, "loopback", ask->config->status.role, false, "loopback");
        return true;
    }
}

/* ---- the user's name ---- */

/* A directory far away may have to be asked, so it is looked up in the background, once for each
 * connection. */
struct naming {
    struct mg_job job; /* first */
    struct mg_ask *ask;
    uid_t user;
    char name[MG_CALLER_NAME];
    void (*then)(struct mg_ask *ask);
};

static void look_up(struct mg_job *job)
{
    struct naming *naming = (struct naming *)job;
    struct passwd entry, *found = NULL;
    size_t size = 1024;
    char *room = mg_allocate(size);
    while (getpwuid_r(naming->user, &entry, room, size, &found) == ERANGE && size < USER_LIMIT)
        room = mg_reallocate(room, size *= 2);
    if (found)
        snprintf(naming->name, sizeof naming->name, "%s", entry.pw_name);
    else
        snprintf(naming->name, sizeof naming->name, "user %ld", (long)naming->user);
    free(room);
}

static void has_looked_up(struct mg_job *job)
{
    struct naming *naming = (struct naming *)job;
    struct mg_ask *ask = naming->ask;
    memcpy(ask->caller_name, naming->name, sizeof ask->caller_name);
    if (ask->request) {
        mg_http_request_set_connection_value(ask->request, mg_copy_text(naming->name), free);
        naming->then(ask);
    } else {
        mg_ask_free(ask);
    }
    free(naming);
}

void mg_caller_name(struct mg_ask *ask, void (*then)(struct mg_ask *ask))
{
    if (ask->caller_name[0] != '\0' || ask->endpoint->way != MG_WAY_SOCKET) {
        then(ask);
        return;
    }
    struct naming *naming = mg_allocate_zeroed(1, sizeof *naming);
    naming->job.work = look_up;
    naming->job.done = has_looked_up;
    naming->ask = ask;
    naming->user = ask->user;
    naming->then = then;
    if (!mg_ask_submit(ask, &naming->job))
        free(naming);
}
