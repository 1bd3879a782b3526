/*
 * The way out: each message is published to the topic of the configuration with QoS 1 or 2, its
 * Content-Type and facts as properties of MQTT 5; the user property message-id is the gateway's id,
 * by which a receiver recognises a repetition. The body is what rest posts too
 * (adapters/common/body).
 *
 *   PUBACK resp. PUBCOMP           delivered
 *   with "no matching subscribers" temporary, mqtt.no-subscriber: the broker throws it away
 *   with another reason            temporary or permanent, mqtt.refused-NNN
 *   connection lost                temporary, with the reason; it may have arrived
 *   larger than the broker takes   permanent, mqtt.too-large
 */
#include "adapters/common/outgoing.h"
#include "adapters/common/text.h"
#include "adapters/mqtt/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct destination {
    struct mg_mqtt mqtt; /* first */
    struct mg_outgoing outgoing;
    const char *topic;
    int qos;
    /* The thread's. */
    struct mg_session session;
    struct mg_session_use use;
};

/* ---- publishing ---- */

/* All of the body, which MQTT wants at once; NULL if it cannot be read. */
static char *read_body(const struct mg_out *out)
{
    char *bytes = mg_text_allocate(1, (size_t)out->body.length);
    int64_t offset = 0;
    while (offset < out->body.length) {
        ssize_t length =
            mg_body_read(&out->body, offset, bytes + offset, (size_t)(out->body.length - offset));
        if (length <= 0) {
            free(bytes);
            return NULL;
        }
        offset += length;
    }
    return bytes;
}

/* A value that MQTT does not admit is left out: the document has it all. */
static mosquitto_property *properties_of(const struct mg_out *out)
{
    mosquitto_property *properties = NULL;
    const char *name, *value;
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", out->attempt);
    mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE, out->body.media_type.bytes);
    mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "message-id",
                                       out->message->id);
    mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "attempt", attempt);
    for (size_t index = 0; mg_out_header(out, &index, &name, &value);)
        if (mosquitto_validate_utf8(value, (int)strlen(value)) == MOSQ_ERR_SUCCESS)
            mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, name, value);
    return properties;
}

static void judge_publish(struct mg_session *session, struct mg_out *out, int status, int number)
{
    if (status == MOSQ_ERR_SUCCESS)
        out->number = (uint64_t)number;
    else if (status == MOSQ_ERR_OVERSIZE_PACKET || status == MOSQ_ERR_PAYLOAD_SIZE)
        mg_out_complete(out, MG_PERMANENT, "mqtt.too-large",
                        "The message is larger than the broker takes.");
    else if (status == MOSQ_ERR_QOS_NOT_SUPPORTED)
        mg_out_complete(out, MG_TEMPORARY, "mqtt.qos", "The broker does not offer this QoS.");
    else
        mg_session_check(session, status);
}

static void publish(struct mg_session *session, struct mg_out *out)
{
    const struct destination *destination = (struct destination *)session->mqtt;
    int number = 0;
    if (out->body.length > MQTT_MAX_PAYLOAD) {
        judge_publish(session, out, MOSQ_ERR_PAYLOAD_SIZE, 0);
        return;
    }
    char *body = read_body(out);
    if (!body) {
        mg_out_complete(out, MG_TEMPORARY, "mqtt.content",
                        "The gateway's own store could not give the content of the message.");
        return;
    }
    mosquitto_property *properties = properties_of(out);
    int status =
        mosquitto_publish_v5(session->client, &number, destination->topic, (int)out->body.length,
                             body, destination->qos, false, properties);
    mosquitto_property_free_all(&properties);
    free(body);
    judge_publish(session, out, status, number);
}

/* ---- what the broker says ---- */

/* Of MQTT 5, section 3.4.2.1. What concerns the topic or the broker as a whole an operator mends.
 */
static bool is_permanent(int reason)
{
    return reason == MQTT_RC_PAYLOAD_FORMAT_INVALID || reason == MQTT_RC_TOPIC_NAME_INVALID ||
           reason == MQTT_RC_PACKET_TOO_LARGE;
}

static void on_publish(struct mosquitto *client, void *context, int number, int reason,
                       const mosquitto_property *properties)
{
    (void)client, (void)properties;
    struct mg_session *session = context;
    struct destination *destination = (struct destination *)session->mqtt;
    struct mg_out *out = destination->outgoing.outs;
    char code[32], text[160];
    while (out && out->number != (uint64_t)number)
        out = out->next;
    if (!out)
        return; /* it was cancelled */
    session->failures = 0;
    if (reason == MQTT_RC_NO_MATCHING_SUBSCRIBERS) {
        mg_out_complete(
            out, MG_TEMPORARY, "mqtt.no-subscriber",
            "Nobody has subscribed to the topic, so the broker threw the message away.");
    } else if (reason >= 0x80) {
        snprintf(code, sizeof code, "mqtt.refused-%d", reason);
        snprintf(text, sizeof text, "The broker refuses the message: %s.",
                 mosquitto_reason_string(reason));
        mg_out_complete(out, is_permanent(reason) ? MG_PERMANENT : MG_TEMPORARY, code, text);
    } else {
        mg_out_complete(out, MG_DELIVERED, NULL, NULL);
    }
}

/* ---- the thread ---- */

static void out_prepare(struct mg_session *session)
{
    mosquitto_publish_v5_callback_set(session->client, on_publish);
}

static void out_accepted(struct mg_session *session)
{
    mg_session_ready(session);
}

static void out_step(struct mg_session *session)
{
    const struct destination *destination = (struct destination *)session->mqtt;
    struct mg_out *out;
    while (!session->failed && (out = mg_out_waiting(&destination->outgoing)))
        publish(session, out);
}

static bool out_holds(struct mg_session *session)
{
    (void)session;
    return false;
}

static void out_lost(struct mg_session *session)
{
    struct destination *destination = (struct destination *)session->mqtt;
    while (destination->outgoing.outs)
        mg_out_complete(destination->outgoing.outs, MG_TEMPORARY, session->code, session->text);
}

static void run(void *context)
{
    struct destination *destination = context;
    mg_session_run(&destination->session, &destination->use);
}

/* ---- the loop ---- */

void mg_mqtt_deliver(struct mg_mqtt *mqtt, struct mg_delivery *delivery)
{
    mg_out_deliver(&((struct destination *)mqtt)->outgoing, delivery);
}

void mg_mqtt_cancel(struct mg_mqtt *mqtt, struct mg_delivery *delivery)
{
    mg_out_cancel(&((struct destination *)mqtt)->outgoing, delivery);
}

static void close_destination(struct mg_mqtt *mqtt)
{
    struct destination *destination = (struct destination *)mqtt;
    assert(!destination->outgoing.underway);
    mg_courier_end(mqtt->courier);
    mg_mqtt_free(mqtt);
    free(destination);
}

struct mg_mqtt *mg_mqtt_open_destination(const struct mg_gateway *gateway,
                                         struct mg_instance *instance,
                                         const struct mg_instance_facts *facts)
{
    struct destination *destination = mg_text_allocate(1, sizeof *destination);
    struct mg_mqtt *mqtt = &destination->mqtt;
    if (!mg_mqtt_read(gateway, instance, facts, mqtt)) {
        free(destination);
        return NULL;
    }
    mqtt->close = close_destination;
    destination->topic = gateway->parameter_text(instance, "topic");
    destination->qos = (int)gateway->parameter_number(instance, "qos");
    destination->session.mqtt = mqtt;
    destination->outgoing = (struct mg_outgoing){.gateway = gateway, .instance = instance};
    destination->use = (struct mg_session_use){.clean = true,
                                               .prepare = out_prepare,
                                               .accepted = out_accepted,
                                               .step = out_step,
                                               .holds = out_holds,
                                               .room = out_holds,
                                               .lost = out_lost};
    if (!*destination->topic || mosquitto_pub_topic_check(destination->topic) != MOSQ_ERR_SUCCESS)
        gateway->fail(instance, "mqtt.parameter",
                      "topic has to be one that can be published to, without + and #.");
    else if (!mg_courier_start(gateway, instance, run, destination, &mqtt->courier))
        gateway->fail(instance, "mqtt.thread", "The system gives no thread for the connection.");
    destination->outgoing.courier = mqtt->courier;
    if (mqtt->courier)
        return mqtt;
    mg_mqtt_free(mqtt);
    free(destination);
    return NULL;
}
