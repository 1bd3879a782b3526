/* muengstenctl status, routes, destinations, certs, whoami: one look at GET /status or /whoami. */
#include "tools/control/client.h"
#include "tools/control/look.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <string.h>

typedef void look(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text);

/* Shows one part of the status; as JSON that part alone, or with name NULL the whole. */
static int show(const struct mg_control *control, const char *name, look *add,
                int (*judge)(const json_t *status))
{
    json_t *status;
    struct mg_error error = {.code = ""};
    int end = mg_client_get(control, "/status", &status, &error);
    if (end == MG_CONTROL_DONE) {
        struct mg_buffer text = {0};
        end = judge ? judge(status) : MG_CONTROL_DONE;
        if (control->options.json) {
            const json_t *part = name ? json_object_get(status, name) : status;
            end = mg_control_show_json(part ? part : json_null(), end);
        } else {
            add(&control->screen, status, &text);
            end = mg_control_show(&text, end);
        }
    } else {
        end = mg_control_fail(&error, end);
    }
    json_decref(status);
    return end;
}

static void add_status(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text)
{
    mg_look_health(screen, status, text);
    mg_look_figures(screen, status, text);
    mg_buffer_add_text(text, "\n");
    mg_look_destinations(screen, status, text);
}

static int judge_health(const json_t *status)
{
    return strcmp(mg_pick_text(status, "health.state"), "critical") == 0 ? MG_CONTROL_NO
                                                                         : MG_CONTROL_DONE;
}

static int judge_certificates(const json_t *status)
{
    const json_t *list = mg_pick(status, "certificates");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (mg_pick_count(json_array_get(list, i), "days_left") < 0)
            return MG_CONTROL_NO;
    return MG_CONTROL_DONE;
}

int mg_control_status(struct mg_control *control)
{
    return show(control, NULL, add_status, judge_health);
}

int mg_control_routes(struct mg_control *control)
{
    return show(control, "routes", mg_look_routes, NULL);
}

int mg_control_destinations(struct mg_control *control)
{
    return show(control, "destinations", mg_look_destinations, NULL);
}

int mg_control_certs(struct mg_control *control)
{
    return show(control, "certificates", mg_look_certificates, judge_certificates);
}

int mg_control_whoami(struct mg_control *control)
{
    json_t *answer;
    struct mg_error error = {.code = ""};
    int end = mg_client_get(control, "/whoami", &answer, &error);
    if (end != MG_CONTROL_DONE) {
        end = mg_control_fail(&error, end);
    } else if (control->options.json) {
        end = mg_control_show_json(answer, end);
    } else {
        struct mg_buffer text = {0};
        mg_screen_text(&text, mg_pick_text(answer, "name"));
        mg_buffer_add_text(&text, ": ");
        mg_screen_text(&text, mg_words_say("who", mg_pick_text(answer, "role")));
        if (mg_pick_truth(answer, "contents"))
            mg_buffer_add_text(&text, mg_say(", may see contents", ", darf Inhalte sehen"));
        mg_buffer_add_text(&text, "\n");
        end = mg_control_show(&text, end);
    }
    json_decref(answer);
    return end;
}
