#include "adapters/mqtt/session.h"

#include "adapters/common/reach.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_TIME 5000  /* milliseconds, until there is a connection */
#define ACCEPT_TIME  10000 /* until the broker has accepted */
#define KEEP_ALIVE   20    /* seconds */
#define TICK         1000  /* how often the library looks at the time */
#define LASTING      10000 /* after which a connection was no attempt in vain */

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void mg_session_fail(struct mg_session *session, const char *code, const char *format, ...)
{
    if (session->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    snprintf(session->code, sizeof session->code, "%s", code);
    vsnprintf(session->text, sizeof session->text, format, arguments);
    va_end(arguments);
    session->failed = true;
}

void mg_session_check(struct mg_session *session, int status)
{
    const char *distrust = session->context ? mg_tls_distrust(session->context) : NULL;
    if (status == MOSQ_ERR_SUCCESS)
        return;
    if (distrust)
        mg_session_fail(session, "mqtt.tls", "The broker's certificate is not accepted: %s.",
                        distrust);
    else if (status == MOSQ_ERR_TLS)
        mg_session_fail(session, "mqtt.tls", "TLS with the broker failed.");
    else
        mg_session_fail(session, "mqtt.lost", "The connection to the broker is lost: %s",
                        mosquitto_strerror(status));
}

void mg_session_ready(struct mg_session *session)
{
    struct mg_mqtt *mqtt = session->mqtt;
    mg_broker_tell(mqtt->courier, mqtt->gateway, mqtt->instance, NULL, "The broker is there.");
}

/* ---- what the broker says of the connection ---- */

static void on_connect(struct mosquitto *client, void *context, int reason, int flags,
                       const mosquitto_property *properties)
{
    (void)client, (void)flags, (void)properties;
    struct mg_session *session = context;
    if (reason == MQTT_RC_SUCCESS) {
        session->accepted = true;
        return;
    }
    const char *code = "mqtt.refused";
    if (reason == MQTT_RC_BAD_USERNAME_OR_PASSWORD || reason == MQTT_RC_NOT_AUTHORIZED ||
        reason == MQTT_RC_BANNED)
        code = "mqtt.login";
    mg_session_fail(session, code, "The broker does not accept the gateway: %s.",
                    mosquitto_reason_string(reason));
}

static void on_disconnect(struct mosquitto *client, void *context, int reason,
                          const mosquitto_property *properties)
{
    (void)client, (void)properties;
    struct mg_session *session = context;
    if (reason == MQTT_RC_SESSION_TAKEN_OVER)
        mg_session_fail(session, "mqtt.taken-over",
                        "Another client with the same client-id has come to the broker.");
    else if (reason >= 0x80)
        mg_session_fail(session, "mqtt.lost", "The broker has ended the connection: %s.",
                        mosquitto_reason_string(reason));
}

/* ---- connecting ---- */

static bool prepare_tls(struct mg_session *session)
{
    char reason[256];
    session->context = SSL_CTX_new(TLS_client_method());
    if (!session->context) {
        mg_session_fail(session, "mqtt.tls", "OpenSSL offers no TLS.");
        return false;
    }
    if (!mg_tls_prepare(session->context, &session->mqtt->broker.tls, reason, sizeof reason)) {
        mg_session_fail(session, "mqtt.tls", "%s", reason);
        return false;
    }
    /* The context is ours alone, and verifies the broker's name too. */
    mosquitto_int_option(session->client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(session->client, MOSQ_OPT_SSL_CTX, session->context);
    return true;
}

static bool set_password(struct mg_session *session)
{
    const struct mg_broker *broker = &session->mqtt->broker;
    char password[MG_BROKER_PASSWORD_SIZE], reason[256];
    if (!broker->user)
        return true;
    if (!mg_broker_password(broker, password, reason, sizeof reason)) {
        mg_session_fail(session, "mqtt.password", "%s", reason);
        return false;
    }
    mosquitto_username_pw_set(session->client, broker->user, password);
    explicit_bzero(password, sizeof password);
    return true;
}

static bool make_client(struct mg_session *session)
{
    const struct mg_session_use *use = session->use;
    session->client = mosquitto_new(session->mqtt->client_id, use->clean, session);
    if (!session->client) {
        mg_session_fail(session, "mqtt.lost", "There is no memory for a connection.");
        return false;
    }
    mosquitto_threaded_set(session->client, true);
    mosquitto_int_option(session->client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(session->client, MOSQ_OPT_TCP_NODELAY, 1);
    if (use->simultaneous)
        mosquitto_int_option(session->client, MOSQ_OPT_RECEIVE_MAXIMUM, use->simultaneous);
    mosquitto_connect_v5_callback_set(session->client, on_connect);
    mosquitto_disconnect_v5_callback_set(session->client, on_disconnect);
    use->prepare(session);
    return (!session->mqtt->broker.secure || prepare_tls(session)) && set_password(session);
}

/* The library connects without a limit of time, so we look first whether there is somebody. */
static bool look(struct mg_session *session)
{
    const struct mg_mqtt *mqtt = session->mqtt;
    char reason[256];
    int descriptor = mg_reach(mqtt->courier, mqtt->broker.host, mqtt->broker.port, CONNECT_TIME,
                              reason, sizeof reason);
    if (descriptor < 0) {
        mg_session_fail(session, "mqtt.unreachable", "The broker %s.", reason);
        return false;
    }
    close(descriptor);
    return true;
}

static bool connect_client(struct mg_session *session)
{
    const struct mg_broker *broker = &session->mqtt->broker;
    const struct mg_session_use *use = session->use;
    mosquitto_property *properties = NULL;
    if (use->remember)
        mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, use->remember);
    if (use->largest)
        mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, use->largest);
    int status = mosquitto_connect_bind_v5(session->client, broker->host, broker->port, KEEP_ALIVE,
                                           NULL, properties);
    mosquitto_property_free_all(&properties);
    if (status == MOSQ_ERR_ERRNO || status == MOSQ_ERR_EAI)
        mg_session_fail(session, "mqtt.unreachable", "The broker cannot be reached: %s.",
                        mosquitto_strerror(status));
    mg_session_check(session, status);
    return !session->failed;
}

/* ---- running ---- */

/* Reads what is there already, as far as there is room for it, and sends nothing. */
static void read_on(struct mg_session *session)
{
    struct pollfd place = {.fd = mosquitto_socket(session->client), .events = POLLIN};
    while (session->use->room(session) && !session->failed && place.fd >= 0 &&
           poll(&place, 1, 0) == 1) {
        mg_session_check(session, mosquitto_loop_read(session->client, 1));
        place.fd = mosquitto_socket(session->client);
    }
}

static void turn(struct mg_session *session, int milliseconds)
{
    struct mg_courier *courier = session->mqtt->courier;
    int descriptor = mosquitto_socket(session->client);
    if (descriptor < 0) {
        mg_session_fail(session, "mqtt.lost", "The connection to the broker is lost.");
        return;
    }
    short events = POLLIN | POLLRDHUP | (mosquitto_want_write(session->client) ? POLLOUT : 0);
    short seen = mg_courier_wait(courier, descriptor, events, milliseconds);
    if (seen & (POLLIN | POLLHUP | POLLERR))
        mg_session_check(session, mosquitto_loop_read(session->client, 1));
    /* The library takes the end of a connection for a delay while TLS is being made. */
    if (!session->accepted && seen & (POLLRDHUP | POLLHUP | POLLERR))
        mg_session_fail(session, session->context ? "mqtt.tls" : "mqtt.lost",
                        "The broker has ended the connection before it accepted the gateway%s.",
                        session->context ? "; perhaps it wants another certificate" : "");
}

/* Sends what is queued. Only when nothing is held back. */
static void send_on(struct mg_session *session)
{
    if (!session->failed && mosquitto_want_write(session->client))
        mg_session_check(session, mosquitto_loop_write(session->client, 1));
    if (!session->failed)
        mg_session_check(session, mosquitto_loop_misc(session->client));
}

static void use_session(struct mg_session *session)
{
    const struct mg_session_use *use = session->use;
    struct mg_courier *courier = session->mqtt->courier;
    int64_t until = now() + ACCEPT_TIME;
    bool told = false;
    while (!mg_courier_ends(courier) && !session->failed) {
        mg_courier_open(courier);
        if (session->accepted && !told) {
            use->accepted(session);
            told = true;
        }
        if (told)
            use->step(session);
        if (session->failed)
            return;
        if (use->holds(session)) {
            read_on(session);
            use->step(session);
            if (use->holds(session) && !session->failed)
                mg_courier_wait(courier, -1, 0, TICK);
            continue;
        }
        send_on(session);
        if (!session->failed)
            turn(session, TICK);
        if (!session->accepted && now() > until)
            mg_session_fail(session, "mqtt.lost", "The broker does not answer.");
    }
}

/* Says farewell if nothing is held back and the socket takes it at once, and ends the connection.
 */
static void disconnect(struct mg_session *session)
{
    if (session->client && session->accepted && !session->failed && !session->use->holds(session) &&
        mosquitto_disconnect_v5(session->client, 0, NULL) == MOSQ_ERR_SUCCESS)
        mosquitto_loop_write(session->client, 1);
    if (session->client)
        mosquitto_destroy(session->client);
    if (session->context)
        SSL_CTX_free(session->context);
    session->client = NULL;
    session->context = NULL;
}

static void pause_session(struct mg_session *session)
{
    struct mg_courier *courier = session->mqtt->courier;
    int64_t time = session->pause ? session->pause : mg_broker_pause(++session->failures);
    int64_t until = now() + time, rest;
    while (!mg_courier_ends(courier) && (rest = until - now()) > 0) {
        mg_courier_open(courier);
        session->use->lost(session);
        mg_courier_wait(courier, -1, 0, (int)rest);
    }
}

static void connect_and_use(struct mg_session *session)
{
    int64_t since = now();
    session->number++;
    session->accepted = session->failed = false;
    session->pause = 0;
    if (!make_client(session) || !look(session) || !connect_client(session))
        return;
    use_session(session);
    if (session->accepted && now() - since > LASTING)
        session->failures = 0;
}

void mg_session_run(struct mg_session *session, const struct mg_session_use *use)
{
    struct mg_mqtt *mqtt = session->mqtt;
    session->use = use;
    while (!mg_courier_ends(mqtt->courier)) {
        connect_and_use(session);
        if (mg_courier_ends(mqtt->courier))
            break;
        mg_broker_tell(mqtt->courier, mqtt->gateway, mqtt->instance, session->code, session->text);
        use->lost(session);
        disconnect(session);
        pause_session(session);
    }
    disconnect(session);
}
