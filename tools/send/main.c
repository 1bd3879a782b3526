/*
 * muengsten-send: signs XML messages and submits them to a gateway; for integrators. See
 * muengsten-send(1).
 */
#include "gateway/base/log.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/key.h"
#include "tools/send/output.h"
#include "tools/send/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Everything that the command line names, read before anything is sent. */
struct set {
    struct mg_signer *signer;
    struct mg_anchors *anchors;
    STACK_OF(X509) * expected;
    struct mg_send_document **documents;
};

static bool read_signer(const struct mg_send_options *options, struct set *set,
                        struct mg_error *error)
{
    if (options->unsigned_ || options->status)
        return true;
    X509 *certificate = mg_certificate_from_file(options->signing_certificate, error);
    if (!certificate)
        return false;
    struct mg_key *key = mg_key_from_file(options->signing_key, error);
    if (key)
        set->signer = mg_signer_new(key, certificate, error);
    X509_free(certificate);
    return set->signer != NULL;
}

static bool read_trust(const struct mg_send_options *options, struct set *set,
                       struct mg_error *error)
{
    if (options->authorities) {
        set->anchors =
            mg_anchors_new(options->authorities, options->revocation, MG_STALE_REFUSE, error);
        if (!set->anchors)
            return false;
    }
    for (size_t i = 0; i < options->receipt_certificate_count; i++) {
        X509 *certificate = mg_certificate_from_file(options->receipt_certificates[i], error);
        if (!certificate)
            return false;
        if (!set->expected)
            set->expected = sk_X509_new_null();
        sk_X509_push(set->expected, certificate);
    }
    return true;
}

static bool read_documents(const struct mg_send_options *options, struct set *set,
                           struct mg_error *error)
{
    set->documents = mg_allocate_zeroed(options->file_count + 1, sizeof *set->documents);
    for (size_t i = 0; i < options->file_count; i++) {
        set->documents[i] = mg_send_document_read(options->files[i], options, error);
        if (!set->documents[i])
            return false;
    }
    return true;
}

static bool check_output(const struct mg_send_options *options, struct mg_error *error)
{
    struct stat facts;
    bool many = options->repeat * options->file_count > 1;
    bool folder = options->output && stat(options->output, &facts) == 0 && S_ISDIR(facts.st_mode);
    if (options->sign_only && many && !folder)
        return mg_fail(error, "send.output", "Several messages need --output with a folder.");
    if (options->sign_only && options->detached && options->gzip && options->output)
        return mg_fail(error, "send.output",
                       "A detached signature is written beside its document: without --gzip.");
    if (options->receipts && (stat(options->receipts, &facts) < 0 || !S_ISDIR(facts.st_mode)))
        return mg_fail(error, "send.output", "There is no folder %s for receipts.",
                       options->receipts);
    return true;
}

static void set_free(const struct mg_send_options *options, struct set *set)
{
    for (size_t i = 0; set->documents && i < options->file_count; i++)
        mg_send_document_free(set->documents[i]);
    free(set->documents);
    sk_X509_pop_free(set->expected, X509_free);
    mg_anchors_free(set->anchors);
    mg_signer_free(set->signer);
}

static int run(const struct mg_send_options *options)
{
    struct mg_error error = {0};
    struct set set = {0};
    int status = MG_SEND_USAGE;
    if (check_output(options, &error) && read_signer(options, &set, &error) &&
        read_trust(options, &set, &error) && read_documents(options, &set, &error)) {
        const struct mg_send_tools tools = {
            .options = options,
            .signer = set.signer,
            .anchors = set.anchors,
            .expected = set.expected,
            .documents = set.documents,
        };
        if (options->sign_only)
            status = mg_send_sign_only(&tools);
        else if (options->status)
            status = mg_send_session_status(&tools);
        else
            status = mg_send_session_send(&tools);
    } else {
        fprintf(stderr, "muengsten-send: %s%s%s\n", error.place, error.place[0] ? ": " : "",
                error.text);
    }
    set_free(options, &set);
    return status;
}

int main(int count, char *arguments[])
{
    struct mg_send_options options;
    struct mg_error error = {0};
    int status;
    if (!mg_send_options_read(count, arguments, &options, &status))
        return status;
    /* A connection that the peer closes is an error like any other, no reason to die. */
    signal(SIGPIPE, SIG_IGN);
    mg_log_set_level(MG_LOG_WARNING);
    if (!mg_trust_start(&error)) {
        fprintf(stderr, "muengsten-send: %s\n", error.text);
        return MG_SEND_USAGE;
    }
    status = run(&options);
    mg_trust_stop();
    return status;
}
