/* muengstenctl retry, cancel, move, erase, pause, resume, reload: what changes something. Each
 * needs a reason, which goes into the audit trail. */
#include "tools/control/client.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body of an act; NULL, and the mistake is told, without a reason. */
static json_t *body_of(const struct mg_control *control)
{
    const char *why = control->options.why;
    json_t *body = why && *why ? json_pack("{s:s}", "why", why) : NULL;
    if (!body)
        mg_control_mistake(mg_say("Say why, with --why TEXT: it goes into the audit trail.",
                                  "Sagen Sie warum, mit --why TEXT: Es kommt ins Protokoll."));
    return body;
}

/* Shows what an act has given: as JSON, or as a line that add writes. */
static int finish(const struct mg_control *control, const json_t *answer, int end,
                  const struct mg_error *error,
                  void (*add)(const json_t *answer, struct mg_buffer *text))
{
    struct mg_buffer text = {0};
    if (control->options.json && answer)
        mg_control_show_json(answer, end);
    if (end != MG_CONTROL_DONE)
        return mg_control_fail(error, end);
    if (control->options.json)
        return end;
    add(answer, &text);
    return mg_control_show(&text, end);
}

/* ---- deliveries ---- */

/* The delivery that is meant; NULL, and the mistake is told, if that is not clear. */
static const json_t *choose(const json_t *message, const char *destination)
{
    const json_t *deliveries = mg_pick(message, "deliveries");
    if (!destination && json_array_size(deliveries) == 1)
        return json_array_get(deliveries, 0);
    for (size_t i = 0; destination && i < json_array_size(deliveries); i++)
        if (strcmp(mg_pick_text(json_array_get(deliveries, i), "destination"), destination) == 0)
            return json_array_get(deliveries, i);
    if (destination)
        mg_control_mistake(mg_say("The message has no delivery for %s.",
                                  "Die Nachricht hat keine Zustellung für %s."),
                           destination);
    else
        mg_control_mistake(
            mg_say("The message has several deliveries: name one with --destination.",
                   "Die Nachricht hat mehrere Zustellungen: Nennen Sie eine mit "
                   "--destination."));
    return NULL;
}

/* Acts on a delivery as it was just seen: whoever was quicker makes the gateway refuse. */
static int act_on(const struct mg_control *control, const char *verb, const char *id,
                  const json_t *delivery, const char *to, json_t **answer, struct mg_error *error)
{
    json_t *body = json_pack("{s:s, s:s, s:{s:s, s:I}}", "why", control->options.why, "destination",
                             mg_pick_text(delivery, "destination"), "seen", "state",
                             mg_pick_text(delivery, "state"), "attempts",
                             (json_int_t)mg_pick_count(delivery, "attempts"));
    struct mg_buffer target = {0};
    if (to)
        json_object_set_new(body, "to", json_string(to));
    mg_buffer_print(&target, "/messages/%s/%s", id, verb);
    int end = mg_client_post(control, target.data, body, answer, error);
    mg_buffer_free(&target);
    return end;
}

static void add_delivery(const json_t *answer, struct mg_buffer *text)
{
    char room[MG_PICK_SIZE];
    const char *state = mg_pick_text(answer, "delivery.state");
    mg_screen_text(text, mg_pick_text(answer, "message.id"));
    mg_buffer_add_text(text, "  ");
    mg_screen_text(text, mg_pick_text(answer, "delivery.destination"));
    mg_buffer_add_text(text, "  ");
    mg_screen_text(text, mg_words_say("delivery", state));
    if (strcmp(state, "waiting") == 0)
        mg_buffer_print(text, mg_say(", next attempt %s", ", nächster Versuch %s"),
                        mg_pick_moment(answer, "delivery.next_attempt", room));
    mg_buffer_add_text(text, "\n");
}

static int act_on_one(const struct mg_control *control, const char *verb, const char *to)
{
    const char *id = control->words[0];
    struct mg_error error = {.code = ""};
    struct mg_buffer target = {0};
    json_t *message = NULL, *answer = NULL, *body = body_of(control);
    if (!body || !mg_control_is_id(id)) {
        json_decref(body);
        return MG_CONTROL_USAGE;
    }
    json_decref(body);
    mg_buffer_print(&target, "/messages/%s", id);
    int end = mg_client_get(control, target.data, &message, &error);
    if (end == MG_CONTROL_DONE) {
        const json_t *delivery = choose(message, control->options.destination);
        end =
            delivery ? act_on(control, verb, id, delivery, to, &answer, &error) : MG_CONTROL_USAGE;
        if (delivery)
            end = finish(control, answer, end, &error, add_delivery);
    } else {
        end = mg_control_fail(&error, end);
    }
    mg_buffer_free(&target);
    json_decref(answer);
    json_decref(message);
    return end;
}

/* ---- many deliveries ---- */

struct batch {
    const struct mg_control *control;
    const char *state;
    json_t *done; /* ids */
    size_t failed;
    int end;
};

/* One that somebody else has changed meanwhile is told, and the others go on. */
static void act_on_next(struct batch *batch, const json_t *message)
{
    const struct mg_control_options *options = &batch->control->options;
    const json_t *deliveries = mg_pick(message, "deliveries");
    const char *id = mg_pick_text(message, "id");
    for (size_t i = 0; i < json_array_size(deliveries); i++) {
        const json_t *delivery = json_array_get(deliveries, i);
        struct mg_error error = {.code = ""};
        json_t *answer = NULL;
        if (strcmp(mg_pick_text(delivery, "state"), batch->state) != 0 ||
            strcmp(mg_pick_text(delivery, "destination"), options->destination) != 0)
            continue;
        int end =
            act_on(batch->control, batch->control->command, id, delivery, NULL, &answer, &error);
        json_decref(answer);
        if (end == MG_CONTROL_DONE) {
            json_array_append_new(batch->done, json_string(id));
            continue;
        }
        mg_error_at(&error, "%s", id);
        batch->end = mg_control_fail(&error, end);
        batch->failed++;
    }
}

static int finish_batch(const struct batch *batch)
{
    struct mg_buffer text = {0};
    size_t done = json_array_size(batch->done);
    if (batch->control->options.json) {
        json_t *answer =
            json_pack("{s:O, s:I}", "messages", batch->done, "failed", (json_int_t)batch->failed);
        int end = mg_control_show_json(answer, batch->end);
        json_decref(answer);
        return end;
    }
    mg_buffer_print(&text, mg_say("%zu done, %zu not.\n", "%zu getan, %zu nicht.\n"), done,
                    batch->failed);
    return mg_control_show(&text, batch->end);
}

/* All that a destination has in a state: looked up first, whole, then acted on one by one. */
static int act_on_all(struct mg_control *control)
{
    const char *state = control->options.state ? control->options.state : "dead";
    struct mg_error error = {.code = ""};
    json_t *found = NULL, *body = body_of(control);
    json_decref(body);
    if (!body)
        return MG_CONTROL_USAGE;
    if (!control->options.destination || control->word_count > 0)
        return mg_control_mistake(mg_say("--all needs --destination, and no id.",
                                         "--all braucht --destination und keine ID."));
    struct batch batch = {.control = control, .state = state, .done = json_array()};
    int end = mg_control_search(control, state, control->options.destination, &found, &error);
    const json_t *messages = json_object_get(found, "messages");
    for (size_t i = 0; end == MG_CONTROL_DONE && i < json_array_size(messages) &&
                       batch.end != MG_CONTROL_UNREACHABLE && batch.end != MG_CONTROL_FORBIDDEN;
         i++)
        act_on_next(&batch, json_array_get(messages, i));
    end = end == MG_CONTROL_DONE ? finish_batch(&batch) : mg_control_fail(&error, end);
    json_decref(batch.done);
    json_decref(found);
    return end;
}

static int retry_or_cancel(struct mg_control *control, const char *verb)
{
    if (control->options.all)
        return act_on_all(control);
    if (control->word_count == 0 || control->options.state)
        return mg_control_mistake(
            mg_say("Name a message, or --all with --destination.",
                   "Nennen Sie eine Nachricht oder --all mit --destination."));
    return act_on_one(control, verb, NULL);
}

int mg_control_retry(struct mg_control *control)
{
    return retry_or_cancel(control, "retry");
}

int mg_control_cancel(struct mg_control *control)
{
    return retry_or_cancel(control, "cancel");
}

int mg_control_move(struct mg_control *control)
{
    return act_on_one(control, "move", control->words[1]);
}

/* ---- everything else ---- */

/* A POST of the reason to a path, of which {} is the first word. */
static int act(const struct mg_control *control, const char *before, const char *behind,
               json_t *body, void (*add)(const json_t *answer, struct mg_buffer *text))
{
    struct mg_error error = {.code = ""};
    struct mg_buffer target = {0};
    json_t *answer = NULL;
    if (!body)
        return MG_CONTROL_USAGE;
    mg_buffer_add_text(&target, before);
    if (control->word_count > 0)
        mg_client_encode(&target, control->words[0]);
    mg_buffer_add_text(&target, behind);
    int end = mg_client_post(control, target.data, body, &answer, &error);
    end = finish(control, answer, end, &error, add);
    json_decref(answer);
    mg_buffer_free(&target);
    return end;
}

static void add_pause(const json_t *answer, struct mg_buffer *text)
{
    mg_screen_text(text, mg_pick_text(answer, "destination"));
    if (!mg_pick(answer, "paused_by")) {
        mg_buffer_add_text(text, mg_say(": not paused\n", ": nicht angehalten\n"));
        return;
    }
    mg_buffer_add_text(text, mg_say(": paused by ", ": angehalten von "));
    mg_screen_text(text, mg_pick_text(answer, "paused_by.by"));
    mg_buffer_add_text(text, "\n");
}

int mg_control_pause(struct mg_control *control)
{
    return act(control, "/destinations/", "/pause", body_of(control), add_pause);
}

int mg_control_resume(struct mg_control *control)
{
    return act(control, "/destinations/", "/resume", body_of(control), add_pause);
}

static void add_erased(const json_t *answer, struct mg_buffer *text)
{
    mg_screen_text(text, mg_pick_text(answer, "erased"));
    mg_buffer_add_text(text, mg_say(": erased; the audit trail keeps its entries\n",
                                    ": gelöscht; die Protokolleinträge bleiben\n"));
    if (!mg_pick_truth(answer, "gone_from_log"))
        mg_buffer_add_text(text, mg_say("It will be gone from the database's log within minutes.\n",
                                        "Aus dem Log der Datenbank verschwindet sie in einigen "
                                        "Minuten.\n"));
}

int mg_control_erase(struct mg_control *control)
{
    if (!mg_control_is_id(control->words[0]))
        return MG_CONTROL_USAGE;
    json_t *body = body_of(control);
    if (body && control->options.cancel)
        json_object_set_new(body, "cancel", json_true());
    return act(control, "/messages/", "/erase", body, add_erased);
}

/* ---- reload ---- */

/* Where there is no control socket, the gateway can still be asked, but does not say how it ended.
 */
static int send_signal(const char *word)
{
    char *end;
    long process = strtol(word, &end, 10);
    if (*end || process <= 1)
        return mg_control_mistake(mg_say("--signal takes the number of the gateway's process.",
                                         "--signal nimmt die Nummer des Prozesses des Gateways."));
    if (kill((pid_t)process, SIGHUP) != 0) {
        fprintf(stderr, "muengstenctl: SIGHUP: %s\n", strerror(errno));
        return errno == EPERM ? MG_CONTROL_FORBIDDEN : MG_CONTROL_UNREACHABLE;
    }
    puts(mg_say(
        "There is no control socket: asked by SIGHUP. The log says how it ends.",
        "Es gibt keinen Steuerungs-Socket: per SIGHUP gebeten. Das Log sagt, wie es endet."));
    return fflush(stdout) == 0 ? MG_CONTROL_DONE : MG_CONTROL_USAGE;
}

static void add_reloaded(const json_t *answer, struct mg_buffer *text)
{
    mg_buffer_add_text(text, mg_say("In force: configuration ", "In Kraft: Konfiguration "));
    mg_screen_text(text, mg_pick_text(answer, "configuration"));
    mg_buffer_add_text(text, "\n");
}

/* One mistake a line, as FILE:LINE: reason. */
static void tell_problems(const json_t *problems)
{
    struct mg_buffer text = {0};
    for (size_t i = 0; i < json_array_size(problems); i++) {
        mg_screen_text(&text, json_string_value(json_array_get(problems, i)));
        mg_buffer_add_text(&text, "\n");
    }
    if (text.length > 0)
        fputs(text.data, stderr);
    mg_buffer_free(&text);
}

int mg_control_reload(struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    json_t *answer = NULL, *body = body_of(control);
    if (!body)
        return MG_CONTROL_USAGE;
    int end = mg_client_post(control, "/reload", body, &answer, &error);
    if (end == MG_CONTROL_UNREACHABLE && control->options.signal &&
        strcmp(error.code, "control.unreachable") == 0) {
        end = send_signal(control->options.signal);
    } else {
        if (!control->options.json)
            tell_problems(mg_pick(answer, "problems"));
        end = finish(control, answer, end, &error, add_reloaded);
    }
    json_decref(answer);
    return end;
}
