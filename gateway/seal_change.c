/* Which certificate seals changes by itself, with each message; here it is only told when it does.
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

/* The audit trail has one text for each act of the gateway itself. */
static void write_line(struct gateway *gateway, const char *act, const char *certificate,
                       const char *more)
{
    char reason[DIGEST_TEXT_SIZE + 64];
    snprintf(reason, sizeof reason, "certificate %s, %s", certificate, more);
    mg_audit_gateway(gateway->audit, act, gateway->config->hash, reason);
}

static void tell_change(struct gateway *gateway, const struct mg_fingerprint *now)
{
    static const struct mg_fingerprint none;
    struct mg_seal_told *told = &gateway->seal_told;
    char text[DIGEST_TEXT_SIZE];
    if (are_equal(&told->sealing, now))
        return;
    bool is_first = are_equal(&told->sealing, &none);
    bool was_announced = are_equal(&told->announced, now);
    told->sealing = *now;
    if (is_first)
        return;
    mg_log(was_announced ? MG_LOG_NOTICE : MG_LOG_WARNING, "seal.changed", "certificate",
           digest_text(now, text), "announced", was_announced ? "yes" : "no", NULL);
    write_line(gateway, "seal-changed", text, was_announced ? "announced" : "unannounced");
}

static void tell_announcement(struct gateway *gateway, const struct mg_seal_announcement *next)
{
    struct mg_seal_told *told = &gateway->seal_told;
    char text[DIGEST_TEXT_SIZE], from[MG_CLOCK_TEXT_SIZE];
    if (next && (!are_equal(&told->announced, &next->certificate) || told->from != next->from)) {
        digest_text(&next->certificate, text);
        mg_log(MG_LOG_NOTICE, "seal.announced", "certificate", text, "from",
               mg_clock_text(next->from, from), NULL);
        write_line(gateway, "seal-announced", text, from);
    }
    told->announced = next ? next->certificate : (struct mg_fingerprint){{0}};
    told->from = next ? next->from : 0;
}

static void is_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    gateway_watch_seal(context);
}

static void look_again(struct gateway *gateway, int64_t pause)
{
    if (!gateway->seal_timer)
        gateway->seal_timer = evtimer_new(gateway->base, is_due, gateway);
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    struct timeval after = {pause / 1000, pause % 1000 * 1000};
    evtimer_add(gateway->seal_timer, &after);
}

void gateway_watch_seal(struct gateway *gateway)
{
    int64_t now = mg_clock_now();
    const struct mg_signer *signer = mg_config_signer(gateway->config, now);
    const struct mg_seal_announcement *next = mg_config_announcement(gateway->config, now);
    struct mg_fingerprint sealing = mg_certificate_fingerprint(mg_signer_certificate(signer));
    tell_change(gateway, &sealing);
    tell_announcement(gateway, next);
    if (next)
        look_again(gateway, next->from - now + 1);
}
