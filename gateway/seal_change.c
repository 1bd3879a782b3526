/*
 * Which certificate seals changes by itself, with each message; here it is only told when it does.
 * A reload that would let an unannounced one seal is refused (mg_config_may_seal). A start is not,
 * since a gateway has to come up when its key was lost; but it is compared with what the audit
 * trail remembers, and whoever sealed unannounced stays a reason of the health until an operator
 * says that it is meant, or the certificate that partners know seals again.
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/parts.h"

#include <stdio.h>
#include <string.h>

/* The clock may be set meanwhile. */
#define LONGEST_PAUSE 60000

#define DIGEST_TEXT_SIZE 65

static const char *digest_text(const struct mg_fingerprint *digest, char text[DIGEST_TEXT_SIZE])
{
    for (size_t i = 0; i < sizeof digest->bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
    return text;
}

static bool are_equal(const struct mg_fingerprint *left, const struct mg_fingerprint *right)
{
    return memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static bool is_one(const struct mg_fingerprint *digest)
{
    static const struct mg_fingerprint none;
    return !are_equal(digest, &none);
}

/* ---- what is so now ---- */

/* Whether partners know the certificate, after all that was so before. What seals unannounced
 * announces nothing, for nobody has a reason to believe it. */
static bool is_known(const struct mg_audit_seal *before, const struct mg_fingerprint *certificate,
                     int64_t now)
{
    if (!is_one(&before->known) || are_equal(&before->known, certificate))
        return true;
    return before->since == 0 && before->from > 0 && before->from <= now &&
           are_equal(&before->next, certificate);
}

static struct mg_audit_seal look(const struct gateway *gateway, int64_t now)
{
    const struct mg_config *config = gateway->config;
    const struct mg_audit_seal *before = &gateway->seal;
    const struct mg_seal_announcement *next = mg_config_announcement(config, now);
    struct mg_audit_seal seal = {.since = 0};
    seal.certificate =
        mg_certificate_fingerprint(mg_signer_certificate(mg_config_signer(config, now)));
    bool known = config->unannounced || is_known(before, &seal.certificate, now);
    seal.known = known ? seal.certificate : before->known;
    if (!known)
        seal.since = before->since > 0 ? before->since : now;
    if (next) {
        seal.next = next->certificate;
        seal.from = next->from;
    }
    return seal;
}

bool gateway_may_seal(const struct gateway *gateway, const struct mg_config *config,
                      struct mg_error *error)
{
    int64_t now = mg_clock_now();
    struct mg_fingerprint certificate =
        mg_certificate_fingerprint(mg_signer_certificate(mg_config_signer(config, now)));
    return (gateway->seal.since > 0 && are_equal(&gateway->seal.known, &certificate)) ||
           mg_config_may_seal(config, gateway->config, now, error);
}

/* ---- telling ---- */

/* The audit trail has one text for each act of the gateway itself. */
static void write_line(struct gateway *gateway, const char *act, const char *certificate,
                       const char *more)
{
    char reason[DIGEST_TEXT_SIZE + 64];
    snprintf(reason, sizeof reason, "certificate %s, %s", certificate, more);
    mg_audit_seal(gateway->audit, act, &gateway->seal, gateway->config->hash, reason);
}

static void tell_change(struct gateway *gateway, const struct mg_audit_seal *before, int64_t now)
{
    const struct mg_audit_seal *seal = &gateway->seal;
    char text[DIGEST_TEXT_SIZE];
    digest_text(&seal->certificate, text);
    if (!is_one(&before->certificate)) {
        write_line(gateway, "seal-noted", text, "the first that is known of");
    } else if (!are_equal(&before->certificate, &seal->certificate)) {
        bool announced = is_known(before, &seal->certificate, now);
        mg_log(announced ? MG_LOG_NOTICE : MG_LOG_WARNING, "seal.changed", "certificate", text,
               "announced", announced ? "yes" : "no", NULL);
        write_line(gateway, "seal-changed", text, announced ? "announced" : "unannounced");
    } else if (before->since > 0 && seal->since == 0) {
        mg_log(MG_LOG_NOTICE, "seal.confirmed", "certificate", text, NULL);
        write_line(gateway, "seal-confirmed", text, "unannounced, which is meant");
    }
}

static void tell_announcement(struct gateway *gateway, const struct mg_audit_seal *before)
{
    const struct mg_audit_seal *seal = &gateway->seal;
    char text[DIGEST_TEXT_SIZE], from[MG_CLOCK_TEXT_SIZE];
    if (seal->from > 0 && (!are_equal(&before->next, &seal->next) || before->from != seal->from)) {
        digest_text(&seal->next, text);
        mg_log(MG_LOG_NOTICE, "seal.announced", "certificate", text, "from",
               mg_clock_text(seal->from, from), NULL);
        write_line(gateway, "seal-announced", text, from);
    } else if (before->from > 0 && seal->from == 0 &&
               !are_equal(&before->next, &seal->certificate)) {
        digest_text(&before->next, text);
        mg_log(MG_LOG_NOTICE, "seal.withdrawn", "certificate", text, NULL);
        write_line(gateway, "seal-withdrawn", text, "no longer announced");
    }
}

/* With each start and each new configuration, for as long as it is so. */
static void warn(const struct mg_audit_seal *seal)
{
    char text[DIGEST_TEXT_SIZE], known[DIGEST_TEXT_SIZE], since[MG_CLOCK_TEXT_SIZE];
    if (seal->since == 0)
        return;
    mg_log(MG_LOG_WARNING, "seal.unannounced", "certificate", digest_text(&seal->certificate, text),
           "known", digest_text(&seal->known, known), "since", mg_clock_text(seal->since, since),
           "reason",
           "no seal has announced the certificate that seals now: name the known one again, or say "
           "unannounced=\"true\" at <identity> if this one is meant, and tell the partners",
           NULL);
}

/* ---- the moment when the announced one seals ---- */

static void is_due(evutil_socket_t descriptor, short what, void *context);

static void look_again(struct gateway *gateway, int64_t pause)
{
    if (!gateway->seal_timer)
        gateway->seal_timer = evtimer_new(gateway->base, is_due, gateway);
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    struct timeval after = {pause / 1000, pause % 1000 * 1000};
    evtimer_add(gateway->seal_timer, &after);
}

static void tell(struct gateway *gateway)
{
    int64_t now = mg_clock_now();
    const struct mg_audit_seal before = gateway->seal;
    gateway->seal = look(gateway, now);
    tell_change(gateway, &before, now);
    tell_announcement(gateway, &before);
    mg_operate_unannounced(gateway->operate, gateway->seal.since);
    if (gateway->seal.from > 0)
        look_again(gateway, gateway->seal.from - now + 1);
}

static void is_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    tell(context);
}

void gateway_watch_seal(struct gateway *gateway)
{
    tell(gateway);
    warn(&gateway->seal);
}
