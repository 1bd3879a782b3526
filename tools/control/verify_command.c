/* muengstenctl verify FILE */
#include "gateway/base/log.h"
#include "gateway/trust/signature.h"
#include "tools/control/control.h"
#include "tools/control/say.h"
#include "tools/control/verify_show.h"

#include <stdlib.h>

static int show(struct mg_control *control, const char *file, const struct mg_verdict *verdict)
{
    static const int statuses[] = {
        [MG_VERIFY_PASSED] = MG_CONTROL_DONE,
        [MG_VERIFY_UNCLEAR] = MG_CONTROL_USAGE,
        [MG_VERIFY_FAILED] = MG_CONTROL_NO,
    };
    int status = statuses[verdict->result];
    if (control->options.json) {
        json_t *object = mg_verify_json(file, verdict);
        status = mg_control_show_json(object, status);
        json_decref(object);
        return status;
    }
    struct mg_buffer text = {0};
    mg_verify_explain(&control->screen, file, control->options.certificate != NULL, verdict, &text);
    return mg_control_show(&text, status);
}

int mg_control_verify(struct mg_control *control)
{
    const struct mg_control_options *options = &control->options;
    struct mg_error error = {.code = ""};
    if (options->revocation && !options->authorities)
        return mg_control_mistake(
            mg_say("--revocation needs --authorities, which sign the lists.",
                   "--revocation braucht --authorities, die die Listen signieren."));
    const struct mg_verify_request request = {
        .file = control->words[0],
        .authorities = options->authorities,
        .revocation = options->revocation,
        .certificate = options->certificate,
        .content = options->content,
    };
    mg_log_set_level(MG_LOG_ERROR);
    if (!mg_trust_start(&error))
        return mg_control_fail(&error, MG_CONTROL_USAGE);
    struct mg_verdict *verdict = mg_allocate(sizeof *verdict);
    int status = mg_verify(&request, verdict, &error) ? show(control, request.file, verdict)
                                                      : mg_control_fail(&error, MG_CONTROL_USAGE);
    free(verdict);
    mg_trust_stop();
    return status;
}
