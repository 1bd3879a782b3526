#include "tools/control/verify_show.h"

#include "tools/control/say.h"

#include <stdio.h>
#include <string.h>

static const char *const results[] = {"passed", "unclear", "failed"};

/* ---- what the checks found, in plain words ---- */

struct sentence {
    const char *code;
    const char *english, *german;
};

static const struct sentence findings[] = {
    {"intact", "What was signed is unchanged, and the signature fits to the certificate.",
     "Was signiert wurde, ist unverändert, und die Signatur passt zum Zertifikat."},
    {"trusted", "The certificate comes from a trusted authority and was valid at that time.",
     "Das Zertifikat kommt von einer vertrauten Stelle und war zu dieser Zeit gültig."},
    {"in-time", "The certificate was valid at that time.",
     "Das Zertifikat war zu dieser Zeit gültig."},
    {"nobody-trusted",
     "Whether the certificate counts cannot be said: name its authorities with --authorities, or "
     "the certificate itself with --certificate.",
     "Ob das Zertifikat zählt, lässt sich nicht sagen: Nennen Sie seine Stellen mit --authorities "
     "oder das Zertifikat selbst mit --certificate."},
    {"expected", "It was signed with the certificate that was named.",
     "Signiert wurde mit dem Zertifikat, das genannt wurde."},
    {"not-revoked", "The certificate is not revoked.", "Das Zertifikat ist nicht gesperrt."},
    {"no-list", "There is no revocation list of the certificate's issuer.",
     "Vom Aussteller des Zertifikats gibt es keine Sperrliste."},
    {"revoked-later",
     "The certificate was revoked afterwards, and the list does not say why. If its key was "
     "compromised, the time in the signature proves nothing: ask its owner.",
     "Das Zertifikat wurde danach gesperrt, und die Liste sagt nicht, warum. Wurde sein Schlüssel "
     "entwendet, beweist die Zeit in der Signatur nichts: Fragen Sie den Inhaber."},
    {"revoked-since", "The certificate was revoked afterwards, for a reason that is none here.",
     "Das Zertifikat wurde danach gesperrt, aus einem Grund, der hier nicht zählt."},
    {"same", "The receipt is about the document that was named.",
     "Die Quittung gehört zum genannten Dokument."},
    {"past", "It was signed in the past.", "Signiert wurde in der Vergangenheit."},
};

/* Of what failed; what is not here is said in the words of whoever found it. */
static const struct sentence failures[] = {
    {"signature.content-changed", "What was signed has been changed since.",
     "Was signiert wurde, ist seitdem verändert worden."},
    {"signature.value",
     "The signature was not made with the key of its certificate, or was changed.",
     "Die Signatur wurde nicht mit dem Schlüssel ihres Zertifikats gemacht oder verändert."},
    {"signature.shape",
     "The signature is not of a form that could be trusted, or does not belong to this document.",
     "Die Signatur hat keine vertrauenswürdige Form oder gehört nicht zu diesem Dokument."},
    {"signature.algorithm", "The signature uses a method or a key that is not admitted.",
     "Die Signatur verwendet ein Verfahren oder einen Schlüssel, der nicht zugelassen ist."},
    {"signature.no-certificate", "The signature brings no certificate along that could be read.",
     "Die Signatur bringt kein lesbares Zertifikat mit."},
    {"certificate.expired", "The certificate had expired at that time.",
     "Das Zertifikat war zu dieser Zeit abgelaufen."},
    {"certificate.not-yet-valid", "The certificate was not valid yet at that time.",
     "Das Zertifikat war zu dieser Zeit noch nicht gültig."},
    {"certificate.untrusted", "The certificate does not come from the authorities that were named.",
     "Das Zertifikat kommt nicht von den genannten Stellen."},
    {"certificate.usage", "The certificate is not made for signatures.",
     "Das Zertifikat ist nicht für Signaturen gemacht."},
    {"certificate.revoked", "The certificate was revoked.", "Das Zertifikat wurde gesperrt."},
    {"verify.other-certificate",
     "It was signed with another certificate than the one that was named.",
     "Signiert wurde mit einem anderen Zertifikat als dem genannten."},
    {"verify.other-content", "The receipt is about another document: the digests differ.",
     "Die Quittung gehört zu einem anderen Dokument: Die Prüfsummen sind verschieden."},
    {"verify.future", "It says that it was signed in the future: a clock is wrong, or a lie.",
     "Signiert wurde angeblich in der Zukunft: Eine Uhr geht falsch, oder es ist gelogen."},
};

static const char *look_up(const struct sentence *list, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].code, code) == 0)
            return mg_say_is_german() ? list[i].german : list[i].english;
    return NULL;
}

static const char *sentence_of(const struct mg_verify_check *check)
{
    const char *sentence =
        check->error.code[0]
            ? look_up(failures, sizeof failures / sizeof *failures, check->error.code)
            : look_up(findings, sizeof findings / sizeof *findings, check->code);
    return sentence ? sentence : check->error.text;
}

/* ---- for people ---- */

static const char *kind_of(const struct mg_verdict *verdict)
{
    switch (verdict->kind) {
    case MG_VERIFY_SEAL:
        return mg_say("the seal of a message", "das Siegel einer Nachricht");
    case MG_VERIFY_RECEIPT:
        return mg_say("a receipt", "eine Quittung");
    case MG_VERIFY_SIGNATURE:
        return mg_say("a document with its sender's signature",
                      "ein Dokument mit der Signatur seines Absenders");
    default:
        return mg_say("nothing that is signed", "nichts Signiertes");
    }
}

static void add_headline(const struct mg_screen *screen, const char *file,
                         const struct mg_verdict *verdict, struct mg_buffer *text)
{
    static const enum mg_colour colours[] = {MG_COLOUR_GOOD, MG_COLOUR_WARN, MG_COLOUR_BAD};
    const char *word = verdict->result == MG_VERIFY_PASSED   ? mg_say("VALID", "GÜLTIG")
                       : verdict->result == MG_VERIFY_FAILED ? mg_say("NOT VALID", "UNGÜLTIG")
                                                             : mg_say("UNCLEAR", "UNKLAR");
    mg_screen_colour(screen, text, colours[verdict->result], word);
    mg_buffer_add_text(text, ": ");
    mg_screen_text(text, file);
    mg_buffer_print(text, mg_say(" is %s.\n", " ist %s.\n"), kind_of(verdict));
    if (verdict->kind == MG_VERIFY_NOTHING)
        mg_buffer_add_text(
            text, mg_say("There is no signature inside, and no file NAME.seal.xml beside it.\n",
                         "Es ist keine Signatur darin und keine Datei NAME.seal.xml daneben.\n"));
}

static const char *sender_of(const struct mg_verdict *verdict, char *text, size_t size)
{
    if (strcmp(verdict->sender_signature, "valid") == 0)
        snprintf(text, size, mg_say("valid, by %s", "gültig, von %s"), verdict->sender);
    else if (strcmp(verdict->sender_signature, "none") == 0)
        snprintf(text, size, "%s", mg_say("there was none", "keine vorhanden"));
    else
        snprintf(text, size, "%s", verdict->sender_signature);
    return text;
}

static void add_message(const struct mg_screen *screen, const struct mg_verdict *verdict,
                        struct mg_buffer *text)
{
    char sender[600], way[600];
    mg_screen_fact(screen, text, mg_say("message", "Nachricht"), verdict->message);
    mg_screen_fact(screen, text, mg_say("sender's UUID", "UUID des Absenders"),
                   verdict->receipt.uuid);
    if (verdict->kind == MG_VERIFY_SEAL) {
        snprintf(way, sizeof way, mg_say("%s, by %s", "%s, über %s"), verdict->partner,
                 verdict->way);
        mg_screen_fact(screen, text, mg_say("sealed by", "gesiegelt von"), verdict->gateway);
        mg_screen_fact(screen, text, mg_say("received", "eingegangen"), verdict->time);
        mg_screen_fact(screen, text, mg_say("handed in by", "eingereicht von"), way);
        mg_screen_fact(screen, text, mg_say("sender's signature", "Absendersignatur"),
                       sender_of(verdict, sender, sizeof sender));
        mg_screen_fact(screen, text, mg_say("valid as", "gültig nach Profil"), verdict->profile);
    } else if (verdict->kind == MG_VERIFY_RECEIPT) {
        mg_screen_fact(screen, text, mg_say("issued by", "ausgestellt von"), verdict->gateway);
        mg_screen_fact(screen, text, mg_say("at", "am"), verdict->time);
    }
    mg_screen_fact(screen, text, mg_say("content, SHA-256", "Inhalt, SHA-256"), verdict->digest);
    mg_screen_fact(screen, text, mg_say("document", "Dokument"), verdict->content_file);
    mg_screen_fact(screen, text, mg_say("seal", "Siegel"), verdict->seal_file);
}

static void add_signer(const struct mg_screen *screen, const struct mg_verdict *verdict,
                       struct mg_buffer *text)
{
    char valid[120];
    if (!*verdict->subject)
        return;
    snprintf(valid, sizeof valid, mg_say("%s to %s", "%s bis %s"), verdict->not_before,
             verdict->not_after);
    mg_screen_fact(screen, text, mg_say("certificate of", "Zertifikat von"), verdict->subject);
    mg_screen_fact(screen, text, mg_say("issued by", "ausgestellt von"), verdict->issuer);
    mg_screen_fact(screen, text, mg_say("valid from", "gültig von"), valid);
    mg_screen_fact(screen, text, mg_say("serial number", "Seriennummer"), verdict->serial);
    mg_screen_fact(screen, text, mg_say("fingerprint, SHA-256", "Fingerabdruck, SHA-256"),
                   verdict->fingerprint);
    if (*verdict->next_certificate) {
        snprintf(valid, sizeof valid, mg_say("%.64s, from %.30s", "%.64s, ab %.30s"),
                 verdict->next_certificate, verdict->next_from);
        mg_screen_fact(screen, text, mg_say("next certificate", "nächstes Zertifikat"), valid);
    }
}

static const char *state_of(int status)
{
    switch (status) {
    case 0:
        return mg_say("The message is still underway.", "Die Nachricht ist noch unterwegs.");
    case 1:
        return mg_say("The message has arrived.", "Die Nachricht ist angekommen.");
    case 2:
        return mg_say("The message has arrived, after difficulties.",
                      "Die Nachricht ist nach Schwierigkeiten angekommen.");
    case 3:
        return mg_say("The message has not arrived everywhere: it was given up or cancelled.",
                      "Die Nachricht ist nicht überall angekommen: Sie wurde aufgegeben oder "
                      "abgebrochen.");
    default:
        return mg_say("What became of the message is not said.",
                      "Was aus der Nachricht wurde, ist nicht gesagt.");
    }
}

static void add_records(const struct mg_screen *screen, const struct mg_verdict *verdict,
                        struct mg_buffer *text)
{
    const char *const headings[] = {mg_say("TIME", "ZEIT"), mg_say("LEVEL", "STUFE"),
                                    mg_say("WHAT", "WAS"), mg_say("REASON", "GRUND"), NULL};
    if (verdict->kind != MG_VERIFY_RECEIPT)
        return;
    mg_buffer_print(text, "\n%s\n", state_of(verdict->receipt.status));
    struct mg_table *table = mg_table_new(headings);
    for (size_t i = 0; i < verdict->receipt.entry_count; i++) {
        const struct mg_receipt_entry *entry = &verdict->receipt.entries[i];
        enum mg_colour colour = strcmp(entry->level, "error") == 0     ? MG_COLOUR_BAD
                                : strcmp(entry->level, "warning") == 0 ? MG_COLOUR_WARN
                                                                       : MG_COLOUR_NONE;
        mg_table_add(table, MG_COLOUR_NONE, entry->time);
        mg_table_add(table, colour, entry->level);
        mg_table_add(table, MG_COLOUR_NONE, entry->code);
        mg_table_add(table, MG_COLOUR_NONE, entry->reason);
    }
    if (mg_table_rows(table) > 0)
        mg_table_show(table, screen, text);
    mg_table_free(table);
}

static void add_checks(const struct mg_screen *screen, const struct mg_verdict *verdict,
                       struct mg_buffer *text)
{
    static const enum mg_colour colours[] = {MG_COLOUR_GOOD, MG_COLOUR_WARN, MG_COLOUR_BAD};
    const char *const words[] = {mg_say("passed ", "bestanden "), mg_say("unclear", "unklar    "),
                                 mg_say("FAILED ", "VERFEHLT  ")};
    mg_buffer_add_text(text, "\n");
    for (size_t i = 0; i < verdict->check_count; i++) {
        const struct mg_verify_check *check = &verdict->checks[i];
        mg_buffer_add_text(text, "  ");
        mg_screen_colour(screen, text, colours[check->result], words[check->result]);
        mg_buffer_add_text(text, "  ");
        mg_screen_text(text, sentence_of(check));
        if (check->error.code[0])
            mg_buffer_print(text, " (%s)", check->error.code);
        mg_buffer_add_text(text, "\n");
    }
}

void mg_verify_explain(const struct mg_screen *screen, const char *file, bool expected,
                       const struct mg_verdict *verdict, struct mg_buffer *text)
{
    add_headline(screen, file, verdict, text);
    if (verdict->kind == MG_VERIFY_NOTHING)
        return;
    mg_buffer_add_text(text, "\n");
    add_message(screen, verdict, text);
    add_signer(screen, verdict, text);
    add_checks(screen, verdict, text);
    add_records(screen, verdict, text);
    if (!expected && verdict->result == MG_VERIFY_PASSED && verdict->kind != MG_VERIFY_SIGNATURE)
        mg_buffer_add_text(
            text,
            mg_say("\nThe authorities vouch for the owner of the certificate. Whether that is the "
                   "gateway,\nsee its subject, or name the gateway's certificate with "
                   "--certificate.\n",
                   "\nDie Stellen bürgen für den Inhaber des Zertifikats. Ob es das Gateway ist, "
                   "sagt der Name\ndarin, oder nennen Sie das Zertifikat des Gateways mit "
                   "--certificate.\n"));
}

/* ---- JSON ---- */

static void put(json_t *object, const char *name, const char *value)
{
    json_object_set_new(object, name, value && *value ? json_string(value) : json_null());
}

static json_t *check_json(const struct mg_verify_check *check)
{
    json_t *object = json_object();
    put(object, "check", check->name);
    put(object, "result", results[check->result]);
    put(object, "code", check->error.code[0] ? check->error.code : check->code);
    put(object, "text", check->error.text);
    return object;
}

static json_t *record_json(const struct mg_receipt_entry *entry)
{
    json_t *object = json_object();
    put(object, "time", entry->time);
    put(object, "level", entry->level);
    put(object, "code", entry->code);
    put(object, "reason", entry->reason);
    return object;
}

static json_t *signer_json(const struct mg_verdict *verdict)
{
    json_t *object = json_object();
    put(object, "subject", verdict->subject);
    put(object, "issuer", verdict->issuer);
    put(object, "serial", verdict->serial);
    put(object, "fingerprint", verdict->fingerprint);
    put(object, "not_before", verdict->not_before);
    put(object, "not_after", verdict->not_after);
    put(object, "method", verdict->method);
    return object;
}

json_t *mg_verify_json(const char *file, const struct mg_verdict *verdict)
{
    static const char *const whole[] = {"valid", "unclear", "invalid"};
    static const char *const kinds[] = {"nothing", "seal", "receipt", "signature"};
    static const char *const forms[] = {"enveloped", "detached", "multipart"};
    json_t *object = json_object(), *checks = json_array(), *records = json_array();
    put(object, "file", file);
    put(object, "result", whole[verdict->result]);
    put(object, "kind", kinds[verdict->kind]);
    put(object, "form", verdict->kind == MG_VERIFY_NOTHING ? NULL : forms[verdict->form]);
    put(object, "message", verdict->message);
    put(object, "uuid", verdict->receipt.uuid);
    put(object, "gateway", verdict->gateway);
    put(object, "time", verdict->time);
    put(object, "partner", verdict->partner);
    put(object, "way", verdict->way);
    put(object, "profile", verdict->profile);
    put(object, "sender_signature", verdict->sender_signature);
    put(object, "sender", verdict->sender);
    put(object, "next_certificate", verdict->next_certificate);
    put(object, "next_from", verdict->next_from);
    put(object, "digest", verdict->digest);
    put(object, "state", mg_receipt_state(verdict->receipt.status));
    json_object_set_new(object, "signer", *verdict->subject ? signer_json(verdict) : json_null());
    for (size_t i = 0; i < verdict->check_count; i++)
        json_array_append_new(checks, check_json(&verdict->checks[i]));
    json_object_set_new(object, "checks", checks);
    for (size_t i = 0; i < verdict->receipt.entry_count; i++)
        json_array_append_new(records, record_json(&verdict->receipt.entries[i]));
    json_object_set_new(object, "records", records);
    return object;
}
