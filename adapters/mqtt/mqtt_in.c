/*
 * The way in: topics are subscribed to in a session that the broker remembers, so that what comes
 * while the gateway is away waits there.
 *
 * Nothing is acknowledged before the gateway has it on disk. The library queues a PUBACK when it
 * has read a message, before it shows it to us; so as long as a verdict is missing, nothing at all
 * is sent (session.h). Messages are therefore taken in batches: what the broker sends at once goes
 * to the gateway side by side, and when all verdicts are in, all acknowledgements leave together.
 *
 *   accepted or repeated   acknowledged
 *   refused for good       acknowledged: MQTT knows no other way to be rid of a message; the
 * gateway has said in its log why refused for now        the connection is dropped without
 * acknowledging the batch, and after a pause the broker sends all of it again; the gateway
 * recognises what it has
 *
 * Subscriptions are made with QoS 1, whatever the publishers use. With QoS 2 the library hands a
 * message over only after its PUBREC has left, when the broker has forgotten the content already:
 * if the gateway were killed then, the message would be lost. QoS 1 and the gateway's own
 * recognition of repetitions make together what QoS 2 promises, each message once.
 */
#include "adapters/common/bring.h"
#include "adapters/common/text.h"
#include "adapters/mqtt/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOPICS 64
#define WIRE_QOS    1
#define CALM        8 /* batches after which one more may enter at once */

struct source;

/* A message. The loop's, once the letter is opened. */
struct message {
    struct mg_arrival arrival; /* first */
    struct mg_letter letter;
    struct source *source;
    uint64_t connection;
    struct message *next; /* while it waits on the thread */
    char *media_type;     /* NULL: none */
    size_t length;
    bool entering; /* a call with it is underway below us */
    char bytes[];
};

struct judgement {
    struct mg_letter letter; /* first */
    struct source *source;
    uint64_t connection;
    enum mg_verdict verdict;
    int64_t pause;
};

struct source {
    struct mg_mqtt mqtt; /* first */
    char *topics[MOST_TOPICS];
    size_t topic_count;
    /* The loop's. */
    struct mg_bringing bringing;
    /* The thread's. */
    struct mg_session session;
    struct mg_session_use use;
    size_t unsubscribed; /* topics whose subscription the broker has not confirmed */
    size_t outstanding;  /* messages of this connection without a verdict */
    size_t entered;      /* of them with the gateway; the others wait here */
    size_t window;       /* how many may be with the gateway at once */
    size_t calm;         /* batches since the gateway last refused one for now */
    struct message *waiting, **last;
};

/* ---- the loop ---- */

static void message_free(struct mg_arrival *arrival)
{
    struct message *message = (struct message *)arrival;
    free(message->media_type);
    free(message);
}

static void leave(struct message *message)
{
    message->entering = false;
    if (message->arrival.settled) {
        mg_bring_forget(&message->arrival);
        message_free(&message->arrival);
    }
}

static void judgement_drop(struct mg_letter *letter)
{
    free(letter);
}

/* What comes again after the pause goes in one by one at first: if the gateway takes only so many
 * at once, a whole batch would be refused again and again. */
static void postpone(struct source *source, int64_t pause)
{
    struct mg_session *session = &source->session;
    mg_session_fail(session, "mqtt.postponed",
                    "The gateway can take no more for now; the broker sends it again.");
    session->pause = pause;
    source->window = 1;
    source->calm = 0;
}

static void judgement_arrived(struct mg_letter *letter)
{
    struct judgement *judgement = (struct judgement *)letter;
    struct source *source = judgement->source;
    struct mg_session *session = &source->session;
    if (judgement->connection == session->number && session->client) {
        source->outstanding--;
        source->entered--;
        if (judgement->verdict == MG_VERDICT_LATER)
            postpone(source, judgement->pause);
        else if (source->outstanding == 0 && ++source->calm % CALM == 0 &&
                 source->window < source->use.simultaneous)
            source->window++;
    }
    free(judgement);
}

static void settled(struct mg_arrival *arrival, enum mg_verdict verdict, int64_t pause)
{
    struct message *message = (struct message *)arrival;
    struct judgement *judgement = mg_text_allocate(1, sizeof *judgement);
    *judgement = (struct judgement){
        .letter = {.open = judgement_arrived, .drop = judgement_drop},
        .source = message->source,
        .connection = message->connection,
        .verdict = verdict,
        .pause = pause,
    };
    mg_courier_to_thread(message->source->mqtt.courier, &judgement->letter);
    if (!message->entering)
        leave(message);
}

static struct message *message_of(struct mg_letter *letter)
{
    return (struct message *)(void *)((char *)letter - offsetof(struct message, letter));
}

static void message_arrived(struct mg_letter *letter)
{
    struct message *message = message_of(letter);
    message->entering = true;
    mg_bring_begin(&message->source->bringing, &message->arrival, message->media_type, NULL,
                   (int64_t)message->length);
    mg_bring_add(&message->arrival, message->bytes, message->length);
    mg_bring_finish(&message->arrival);
    leave(message);
}

static void message_dropped(struct mg_letter *letter)
{
    message_free(&message_of(letter)->arrival);
}

/* ---- the thread ---- */

static void on_message(struct mosquitto *client, void *context,
                       const struct mosquitto_message *given, const mosquitto_property *properties)
{
    (void)client;
    struct mg_session *session = context;
    struct source *source = (struct source *)session->mqtt;
    size_t length = given->payloadlen > 0 ? (size_t)given->payloadlen : 0;
    struct message *message = mg_text_allocate(1, sizeof *message + length);
    message->next = NULL;
    message->letter = (struct mg_letter){.open = message_arrived, .drop = message_dropped};
    message->source = source;
    message->connection = session->number;
    message->length = length;
    if (length)
        memcpy(message->bytes, given->payload, length);
    mosquitto_property_read_string(properties, MQTT_PROP_CONTENT_TYPE, &message->media_type, false);
    source->outstanding++;
    session->failures = 0;
    *source->last = message;
    source->last = &message->next;
}

/* Hands on what the gateway may have. */
static void in_step(struct mg_session *session)
{
    struct source *source = (struct source *)session->mqtt;
    while (source->waiting && source->entered < source->window) {
        struct message *message = source->waiting;
        source->waiting = message->next;
        if (!source->waiting)
            source->last = &source->waiting;
        source->entered++;
        mg_courier_to_loop(session->mqtt->courier, &message->letter);
    }
}

static void on_subscribe(struct mosquitto *client, void *context, int number, int count,
                         const int *granted, const mosquitto_property *properties)
{
    (void)client, (void)number, (void)properties;
    struct mg_session *session = context;
    struct source *source = (struct source *)session->mqtt;
    for (int i = 0; i < count; i++) {
        if (granted[i] >= 0x80)
            mg_session_fail(session, "mqtt.subscription",
                            "The broker does not let the gateway subscribe to a topic: %s.",
                            mosquitto_reason_string(granted[i]));
        else if (granted[i] < WIRE_QOS)
            mg_session_fail(
                session, "mqtt.subscription",
                "The broker grants only QoS 0 for a topic, by which messages get lost.");
    }
    if (source->unsubscribed > 0 && --source->unsubscribed == 0 && !session->failed)
        mg_session_ready(session);
}

static void in_prepare(struct mg_session *session)
{
    struct source *source = (struct source *)session->mqtt;
    source->outstanding = source->entered = 0;
    mosquitto_message_v5_callback_set(session->client, on_message);
    mosquitto_subscribe_v5_callback_set(session->client, on_subscribe);
}

static void in_accepted(struct mg_session *session)
{
    struct source *source = (struct source *)session->mqtt;
    source->unsubscribed = source->topic_count;
    for (size_t i = 0; i < source->topic_count && !session->failed; i++)
        mg_session_check(session,
                         mosquitto_subscribe_v5(session->client, NULL, source->topics[i], WIRE_QOS,
                                                MQTT_SUB_OPT_SEND_RETAIN_NEW, NULL));
}

static bool in_holds(struct mg_session *session)
{
    return ((struct source *)session->mqtt)->outstanding > 0;
}

static bool in_room(struct mg_session *session)
{
    const struct source *source = (struct source *)session->mqtt;
    return source->outstanding < source->use.simultaneous;
}

/* The broker sends again what has no verdict. */
static void in_lost(struct mg_session *session)
{
    struct source *source = (struct source *)session->mqtt;
    while (source->waiting) {
        struct message *message = source->waiting;
        source->waiting = message->next;
        message_free(&message->arrival);
    }
    source->last = &source->waiting;
}

static void run(void *context)
{
    struct source *source = context;
    mg_session_run(&source->session, &source->use);
    in_lost(&source->session);
}

/* ---- opening and closing ---- */

static void source_free(struct source *source)
{
    for (size_t i = 0; i < source->topic_count; i++)
        free(source->topics[i]);
    mg_mqtt_free(&source->mqtt);
    free(source);
}

static void close_source(struct mg_mqtt *mqtt)
{
    struct source *source = (struct source *)mqtt;
    mg_courier_end(mqtt->courier);
    mg_bring_end(&source->bringing);
    source_free(source);
}

/* Splits the topics at spaces. */
static bool read_topics(struct source *source, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        if (source->topic_count == MOST_TOPICS)
            return false;
        char *topic = mg_text_allocate(1, length + 1);
        memcpy(topic, text, length);
        source->topics[source->topic_count++] = topic;
        if (mosquitto_sub_topic_check(topic) != MOSQ_ERR_SUCCESS)
            return false;
        text += length;
    }
    return source->topic_count > 0;
}

struct mg_mqtt *mg_mqtt_open_source(const struct mg_gateway *gateway, struct mg_instance *instance,
                                    const struct mg_instance_facts *facts)
{
    struct source *source = mg_text_allocate(1, sizeof *source);
    struct mg_mqtt *mqtt = &source->mqtt;
    if (!mg_mqtt_read(gateway, instance, facts, mqtt)) {
        free(source);
        return NULL;
    }
    mqtt->close = close_source;
    source->session.mqtt = mqtt;
    source->last = &source->waiting;
    source->use = (struct mg_session_use){
        .remember = (uint32_t)gateway->parameter_number(instance, "remember"),
        .largest = (uint32_t)gateway->parameter_number(instance, "largest"),
        .simultaneous = (uint16_t)gateway->parameter_number(instance, "simultaneous"),
        .prepare = in_prepare,
        .accepted = in_accepted,
        .step = in_step,
        .holds = in_holds,
        .room = in_room,
        .lost = in_lost,
    };
    source->window = source->use.simultaneous;
    source->bringing = (struct mg_bringing){
        .gateway = gateway, .instance = instance, .settled = settled, .free = message_free};
    mg_bring_open(&source->bringing);
    if (!read_topics(source, gateway->parameter_text(instance, "topics")))
        gateway->fail(
            instance, "mqtt.parameter",
            "topics has to be a list of 1 to 64 topics with spaces between them, in which + "
            "and # stand for whole levels.");
    else if (!mg_courier_start(gateway, instance, run, source, &mqtt->courier))
        gateway->fail(instance, "mqtt.thread", "The system gives no thread for the connection.");
    if (mqtt->courier)
        return mqtt;
    source_free(source);
    return NULL;
}
