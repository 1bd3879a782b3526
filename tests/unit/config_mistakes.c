/* Each mistake in a configuration gives one problem, at its line, with a reason that says what to
 * do. */
#include "tests/unit/config_fixture.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The lines of the fixture's configuration. */
enum {
    GATEWAY = 2,
    STORE,
    IDENTITY,
    TRUST,
    LISTENER,
    PROFILE,
    PARTNER,
    PERMISSION,
    PARTNER_END,
    SOURCE,
    DESTINATION,
    ROUTE,
};

static bool has(const struct mg_config_problem *problem, const char *file, int line,
                const char *reason)
{
    char start[600];
    snprintf(start, sizeof start, "%s:%d: ", fixture_path(file), line);
    return strncmp(problem->text, start, strlen(start)) == 0 && strstr(problem->text, reason);
}

static void show(const struct mg_config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        printf("# %s: %s\n", problems->list[i].warning ? "warning" : "error",
               problems->list[i].text);
}

static void expect_one(const char *path, const char *file, int line, bool warning,
                       const char *reason)
{
    struct mg_config_problems problems = {0};
    struct mg_config *config = mg_config_load(path, &problems);
    bool right = problems.count == 1 && has(&problems.list[0], file, line, reason) &&
                 problems.list[0].warning == warning && (config != NULL) == warning;
    if (!right)
        show(&problems);
    CU_ASSERT(right);
    mg_config_release(config);
    mg_config_problems_free(&problems);
}

/* With that text in the place of a line there is exactly one error, at that line. */
static void expect_error(int line, const char *text, const char *reason)
{
    fixture_configure(line, text);
    expect_one(fixture_path("gateway.xml"), "gateway.xml", line, false, reason);
}

static void expect_warning(int line, const char *text, const char *reason)
{
    fixture_configure(line, text);
    expect_one(fixture_path("gateway.xml"), "gateway.xml", line, true, reason);
}

static void expect_error_at(int line, const char *text, int error_line, const char *reason)
{
    fixture_configure(line, text);
    expect_one(fixture_path("gateway.xml"), "gateway.xml", error_line, false, reason);
}

#define IDENTITY_WITH(tls, tls_key, seal, seal_key)                                                \
    "<identity tls-certificate=\"" tls "\" tls-key=\"" tls_key "\" seal-certificate=\"" seal       \
    "\" seal-key=\"" seal_key "\"/>"
#define PARTNER_WITH(attributes) "<partner name=\"portal\" " attributes ">"
#define PORTAL_TLS               "tls-certificate=\"portal-tls.pem\" "
#define PORTAL_SIGNING           "signing-certificate=\"portal-signing.pem\" "
#define PROFILE_WITH(attributes)                                                                   \
    "<profile name=\"service\" namespace=\"urn:test:service\" " attributes
#define OFFICE "<destination name=\"office\" adapter=\"folder\" folder=\"out\""

static void an_unknown_element_is_an_error(void)
{
    expect_error(STORE, "<store folder=\"store\"/><shop/>",
                 "Element 'shop': This element is not expected");
    expect_error(PERMISSION, "<permissoin author=\"ags:1\" type=\"service:*\" reader=\"ags:*\"/>",
                 "Element 'permissoin': This element is not expected. Expected is ( permission )");
}

static void an_unknown_attribute_is_an_error(void)
{
    expect_error(PARTNER, PARTNER_WITH(PORTAL_TLS PORTAL_SIGNING "quotas=\"5\""),
                 "Element 'partner', attribute 'quotas': The attribute 'quotas' is not allowed");
    expect_error(ROUTE, "<route reader=\"ags:*\" to=\"office\" schemaLocation=\"x\"/>",
                 "The attribute 'schemaLocation' is not allowed");
}

static void a_missing_attribute_is_an_error(void)
{
    expect_error(LISTENER, "<listener name=\"city\"/>",
                 "The attribute 'address' is required but missing");
}

static void text_between_elements_is_an_error(void)
{
    expect_error_at(STORE, "<store folder=\"store\"/>oops", GATEWAY, "Character content");
}

static void a_bad_duration_is_an_error(void)
{
    expect_error(DESTINATION, OFFICE " timeout=\"5x\"/>",
                 "attribute 'timeout': The value '5x' is not allowed. A duration: a "
                 "whole number with ms, s, min, h or d.");
    expect_error(DESTINATION, OFFICE " timeout=\"2h\"/>",
                 "timeout=\"2h\" has to be between 100ms and 1h");
}

static void numbers_out_of_bounds_are_errors(void)
{
    expect_error(STORE, "<store folder=\"store\" reserve=\"1K\"/>",
                 "reserve=\"1K\" has to be between 1M and 1024G");
    expect_error(DESTINATION, OFFICE " concurrency=\"0\"/>",
                 "concurrency=\"0\" has to be between 1 and 1000");
    expect_error(PARTNER, PARTNER_WITH(PORTAL_TLS PORTAL_SIGNING "quota=\"999999999999999\""),
                 "quota=\"999999999999999\" has to be between 1 and 10000000");
    expect_error(STORE, "<store folder=\"store\"/><limits xml-depth=\"251\"/>",
                 "xml-depth=\"251\" has to be between 4 and 250");
    expect_error(DESTINATION, OFFICE "><retry factor=\"0.5\"/></destination>",
                 "factor=\"0.5\" has to be between 1 and 10");
    expect_error(LISTENER, "<listener name=\"city\" address=\"127.0.0.1:65536\"/>",
                 "with a port up to 65535");
}

static void a_word_that_is_no_choice_is_an_error(void)
{
    expect_error(DESTINATION, OFFICE " seal=\"inside\"/>",
                 "The value 'inside' is not an element of the set {'detached', 'enveloped'}");
}

static void numbers_that_contradict_each_other_are_errors(void)
{
    expect_error(STORE, "<store folder=\"store\"/><retention content=\"30d\" duplicates=\"7d\"/>",
                 "duplicates is shorter than content");
    expect_error(STORE, "<store folder=\"store\"/><limits message=\"16M\" intake-bytes=\"8M\"/>",
                 "intake-bytes is less than message");
    expect_error(STORE, "<store folder=\"store\"/><retry first=\"20min\"/>",
                 "longest is shorter than first");
    expect_error(DESTINATION, OFFICE "><retry give-up=\"2s\"/></destination>",
                 "give-up is shorter than first");
}

static void unknown_names_are_errors_that_tell_the_known_ones(void)
{
    expect_error(SOURCE,
                 "<source name=\"submission\" adapter=\"rest\" listener=\"town\"/>"
                 "<source name=\"two\" adapter=\"rest\" listener=\"city\"/>",
                 "there is no listener \"town\"; there are city");
    expect_error(SOURCE,
                 "<source name=\"submission\" adapter=\"rest\" listener=\"city\" partner=\"x\"/>",
                 "there is no partner \"x\"; there are portal");
    expect_error(ROUTE, "<route reader=\"ags:*\" to=\"office bureau\"/>",
                 "there is no destination \"bureau\"; there are office");
    expect_error(ROUTE,
                 "<route reader=\"ags:*\" to=\"office\"/>"
                 "<route type=\"register:*\" reader=\"ags:*\" to=\"office\"/>",
                 "there is no profile \"register\"; there are service");
    expect_error(PERMISSION,
                 "<permission author=\"ags:1\" type=\"service:*\" reader=\"ags:*\"/>"
                 "<permission author=\"ags:1\" type=\"reg*\" reader=\"ags:*\"/>",
                 "there is no profile \"reg*\"; there are service");
}

static void a_name_that_occurs_twice_is_an_error_with_both_places(void)
{
    char reason[700];
    snprintf(reason, sizeof reason,
             "the name \"office\" is already that of the destination at %s:%d",
             fixture_path("gateway.xml"), DESTINATION);
    expect_error_at(ROUTE, "<route reader=\"ags:*\" to=\"office\"/>\n" OFFICE "/>", ROUTE + 1,
                    reason);
    expect_error_at(ROUTE,
                    "<route reader=\"ags:*\" to=\"office\"/>\n"
                    "<listener name=\"city\" address=\"127.0.0.1:8444\"/>",
                    ROUTE + 1, "the name \"city\" is already that of the listener");
    expect_error_at(
        ROUTE, "<route reader=\"ags:*\" to=\"office\"/>\n" PROFILE_WITH("schema=\"service.xsd\"/>"),
        ROUTE + 1, "the name \"service\" is already that of the profile");
    expect_error_at(ROUTE,
                    "<route reader=\"ags:*\" to=\"office\"/>\n"
                    "<partner name=\"portal\" tls-subject=\"CN=x\" issuer=\"authority.pem\"/>",
                    ROUTE + 1, "the name \"portal\" is already that of the partner");
    expect_error_at(ROUTE,
                    "<route reader=\"ags:*\" to=\"office\"/>\n"
                    "<source name=\"submission\" adapter=\"rest\" listener=\"city\"/>",
                    ROUTE + 1, "the name \"submission\" is already that of the source");
}

static void two_listeners_at_one_address_are_an_error(void)
{
    expect_error(SOURCE,
                 "<source name=\"submission\" adapter=\"rest\" listener=\"city\"/>"
                 "<source name=\"two\" adapter=\"rest\" listener=\"two\"/>"
                 "<listener name=\"two\" address=\"127.0.0.1:8443\"/>",
                 "the address 127.0.0.1:8443 is already that of the listener");
}

static void a_status_that_others_can_reach_needs_operators(void)
{
    static const char *const open[] = {"192.0.2.1:9980", "*:9980", "[::]:9980", "0.0.0.0:9980",
                                       "128.0.0.1:9980"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        char text[128];
        snprintf(text, sizeof text, "<store folder=\"store\"/><status address=\"%s\"/>", open[i]);
        expect_error(STORE, text, "others can reach the gateway, and there is no <operator> yet");
    }
    expect_error(STORE,
                 "<store folder=\"store\"/><status address=\"*:9980\" role=\"operator\"/>"
                 "<operator name=\"anna\" subject=\"CN=anna\" issuer=\"authority.pem\"/>",
                 "role=\"…\" is for an address of this machine alone");
}

static void a_status_at_no_address_is_an_error(void)
{
    static const char *const wrong[] = {"localhost:9980", "127.0.0.1:65536", "[127.0.0.1]:9980"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        snprintf(text, sizeof text, "<store folder=\"store\"/><status address=\"%s\"/>", wrong[i]);
        expect_error(STORE, text, "is not an address: say 127.0.0.1:PORT");
    }
}

static void an_operator_that_nobody_can_recognise_is_an_error(void)
{
    expect_error(STORE, "<store folder=\"store\"/><operator name=\"anna\"/>",
                 "operator \"anna\" cannot be recognised: give it a certificate, or a subject");
    expect_error(STORE, "<store folder=\"store\"/><operator name=\"anna\" subject=\"CN=anna\"/>",
                 "operator \"anna\" is known by the subject of its certificates, which every "
                 "trusted authority could issue");
    expect_error(STORE,
                 "<store folder=\"store\"/><operator name=\"loopback\" subject=\"CN=anna\" "
                 "issuer=\"authority.pem\"/>",
                 "stands for whoever asks from this machine");
}

static void two_operators_with_one_subject_are_an_error(void)
{
    expect_error(STORE,
                 "<store folder=\"store\"/>"
                 "<operator name=\"anna\" subject=\"CN=anna\" issuer=\"authority.pem\"/>"
                 "<operator name=\"berta\" subject=\"CN=anna\" issuer=\"authority.pem\"/>",
                 "operator \"berta\" has the same subject as operator \"anna\"");
}

static void a_control_socket_for_a_group_that_is_not_there_is_an_error(void)
{
    expect_error(
        STORE, "<store folder=\"store\"/><control socket=\"control\" operators=\"no-such-group\"/>",
        "operators=\"no-such-group\": this machine has no such group");
    char text[300];
    snprintf(text, sizeof text, "<store folder=\"store\"/><control socket=\"/%0200d\"/>", 1);
    expect_error(STORE, text, "the path is longer than the 107 bytes");
}

static void a_status_at_the_address_of_a_listener_is_an_error(void)
{
    expect_error(STORE, "<store folder=\"store\"/><status address=\"127.0.0.1:8443\"/>",
                 "the address 127.0.0.1:8443 is already that of the listener");
}

static void a_second_status_is_an_error(void)
{
    expect_error(STORE,
                 "<store folder=\"store\"/><status address=\"127.0.0.1:1\"/>"
                 "<status address=\"127.0.0.1:2\"/>",
                 "<status> is already said at");
}

static void a_second_route_for_the_same_is_an_error(void)
{
    expect_error(ROUTE,
                 "<route reader=\"ags:*\" to=\"office\"/><route reader=\"ags:*\" to=\"office\"/>",
                 "there is already a route for type=\"*\" reader=\"ags:*\"");
    expect_error(ROUTE, "<route reader=\"ags:*\" to=\"office office\"/>", "to names office twice");
}

static void what_a_gateway_needs_is_missed(void)
{
    expect_error_at(STORE, "", 1, "<store> is missing");
    expect_error_at(IDENTITY, "", 1, "<identity> is missing");
    expect_error_at(TRUST, "", 1, "<trust> is missing");
    expect_error_at(GATEWAY, "<gateway xmlns=\"urn:muengsten:config:1\">", 1,
                    "the gateway has no name");
}

static void a_certificate_that_cannot_be_read_is_an_error(void)
{
    expect_error(PARTNER, PARTNER_WITH(PORTAL_SIGNING "tls-certificate=\"nowhere.pem\""),
                 "tls-certificate: ");
    expect_error(PARTNER, PARTNER_WITH(PORTAL_TLS "signing-certificate=\"service.xsd\""),
                 "signing-certificate: ");
    expect_error(IDENTITY, IDENTITY_WITH("nowhere.pem", "tls.key", "seal.pem", "seal.key"),
                 "nowhere.pem");
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "tls.key", "nowhere.pem", "seal.key"),
                 "nowhere.pem");
    expect_error(TRUST, "<trust authorities=\"nowhere.pem\"/>", "certificate.");
    expect_error(TRUST, "<trust authorities=\"authority.pem\" revocation=\"nowhere.pem\"/>",
                 "certificate.list-unreadable");
}

static void a_certificate_that_has_expired_is_an_error(void)
{
    fixture_certificate("old", "old.example", -20, -10);
    expect_error(PARTNER, PARTNER_WITH(PORTAL_SIGNING "tls-certificate=\"old.pem\""),
                 "old.pem expired on 20");
    expect_error(PARTNER, PARTNER_WITH(PORTAL_TLS "signing-certificate=\"portal-tls.pem old.pem\""),
                 "old.pem expired on 20");
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "tls.key", "old.pem", "old.key"),
                 "old.pem expired on 20");
}

static void a_certificate_that_expires_within_30_days_is_a_warning(void)
{
    fixture_certificate("soon", "soon.example", -10, 29);
    fixture_certificate("later", "later.example", -10, 31);
    expect_warning(PARTNER, PARTNER_WITH(PORTAL_SIGNING "tls-certificate=\"later.pem soon.pem\""),
                   "soon.pem expires on 20");
    expect_warning(IDENTITY, IDENTITY_WITH("soon.pem", "soon.key", "seal.pem", "seal.key"),
                   "soon.pem expires on 20");
}

static void a_certificate_that_is_not_valid_yet_is_a_warning(void)
{
    fixture_certificate("next", "next.example", 10, 400);
    expect_warning(PARTNER, PARTNER_WITH(PORTAL_SIGNING "tls-certificate=\"next.pem\""),
                   "next.pem is not valid yet");
}

static void a_key_of_another_certificate_is_an_error(void)
{
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "seal.key", "seal.pem", "seal.key"),
                 "tls-key: the key ");
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "tls.key", "seal.pem", "tls.key"),
                 "(signer.mismatch)");
}

static void a_key_that_others_can_read_is_an_error(void)
{
    fixture_certificate("open", "open.example", -1, 365);
    chmod(fixture_path("open.key"), 0640);
    expect_error(IDENTITY, IDENTITY_WITH("open.pem", "open.key", "seal.pem", "seal.key"),
                 "run: chmod 600 ");
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "tls.key", "open.pem", "open.key"),
                 "(key.permissions)");
}

static void a_key_that_cannot_be_read_is_an_error(void)
{
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "nowhere.key", "seal.pem", "seal.key"),
                 "nowhere.key cannot be opened: No such file");
    fixture_write("no.key", "no key\n");
    chmod(fixture_path("no.key"), 0600);
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "no.key", "seal.pem", "seal.key"),
                 "no.key is no private key in PEM without a passphrase");
    expect_error(IDENTITY, IDENTITY_WITH("tls.pem", "tls.key", "seal.pem", "nowhere.key"),
                 "(key.unreadable)");
}

/* <identity> with a certificate to come; and the same with another one that seals until then. */
#define NEXT_WITH(seal, attributes)                                                                \
    "<identity tls-certificate=\"tls.pem\" tls-key=\"tls.key\" seal-certificate=\"" seal ".pem\" " \
    "seal-key=\"" seal ".key\"><next-seal " attributes "/></identity>"

static void a_next_seal_certificate_that_cannot_take_over_is_an_error(void)
{
    fixture_certificate("coming", "coming.example", -1, 365);
    fixture_certificate("brief", "brief.example", -1, 40);
    fixture_certificate("future", "future.example", 400, 800);
    expect_error(
        IDENTITY, NEXT_WITH("seal", "certificate=\"coming.pem\" key=\"coming.key\" from=\"soon\""),
        "attribute 'from': 'soon' is not a valid value of the atomic type 'moment'. A moment");
    expect_error(IDENTITY,
                 NEXT_WITH("seal", "certificate=\"coming.pem\" key=\"coming.key\" "
                                   "from=\"9999-01-01T00:00:00Z\""),
                 "too early to come into force");
    expect_error(IDENTITY,
                 NEXT_WITH("seal", "certificate=\"future.pem\" key=\"future.key\" "
                                   "from=\"2020-01-01T00:00:00Z\""),
                 "future.pem is not yet valid when it comes into force");
    expect_error(IDENTITY,
                 NEXT_WITH("seal", "certificate=\"coming.pem\" key=\"brief.key\" "
                                   "from=\"2020-01-01T00:00:00Z\""),
                 "(signer.mismatch)");
    expect_error(IDENTITY,
                 NEXT_WITH("seal", "certificate=\"seal.pem\" key=\"seal.key\" "
                                   "from=\"2020-01-01T00:00:00Z\""),
                 "that is the seal-certificate itself");
}

static void a_seal_certificate_that_has_been_replaced_may_expire(void)
{
    fixture_certificate("former", "former.example", -20, -10);
    fixture_certificate("coming", "coming.example", -1, 365);
    expect_warning(IDENTITY,
                   NEXT_WITH("former", "certificate=\"coming.pem\" key=\"coming.key\" "
                                       "from=\"2020-01-01T00:00:00Z\""),
                   "former.pem expired on 20");
}

#define PLACED(place, destination)                                                                 \
    "<place name=\"city\" " place "/><destination name=\"office\" adapter=\"folder\" "             \
    "folder=\"out\" " destination "/>"

static void a_place_that_is_not_on_the_earth_is_an_error(void)
{
    expect_error(DESTINATION, PLACED("latitude=\"90.000001\" longitude=\"7\"", ""),
                 "latitude=\"90.000001\" is no number of degrees from -90 to 90");
    expect_error(DESTINATION, PLACED("latitude=\"-90.0\" longitude=\"181\"", ""),
                 "longitude=\"181\" is no number of degrees from -180 to 180");
    expect_error(DESTINATION, PLACED("latitude=\"051.2\" longitude=\"7\"", ""), "051.2");
}

static void a_place_that_nobody_has_named_is_an_error(void)
{
    expect_error(DESTINATION, PLACED("latitude=\"51.2\" longitude=\"7\"", "place=\"village\""),
                 "village");
}

static void a_gap_between_two_seal_certificates_is_a_warning(void)
{
    fixture_certificate("lasting", "lasting.example", -1, 3650);
    expect_warning(IDENTITY,
                   NEXT_WITH("seal", "certificate=\"lasting.pem\" key=\"lasting.key\" "
                                     "from=\"2030-06-01T12:00:00Z\""),
                   "the seal-certificate expires before 2030-06-01T12:00:00.000Z");
}

static void a_seal_that_may_change_unannounced_is_a_warning(void)
{
    expect_warning(IDENTITY,
                   "<identity tls-certificate=\"tls.pem\" tls-key=\"tls.key\" "
                   "seal-certificate=\"seal.pem\" seal-key=\"seal.key\" unannounced=\"true\"/>",
                   "remove it once the new one does");
}

static void a_schema_that_does_not_compile_is_an_error(void)
{
    fixture_write("broken.xsd", "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n"
                                "<xs:element name=\"x\" type=\"nothing\"/></xs:schema>");
    expect_error(PROFILE, PROFILE_WITH("schema=\"broken.xsd\"/>"), "(schema.does-not-compile)");
    expect_error(PROFILE, PROFILE_WITH("schema=\"nowhere.xsd\"/>"), "(schema.unreadable)");
}

#define FACTS(uuid)                                                                                \
    "<header uuid=\"" uuid "\" type-list=\"'l'\" type-code=\"'1'\" created=\"/a/b\" "              \
    "author=\"/a/c\" reader=\"/a/d\"/></profile>"

static void an_xpath_that_does_not_compile_is_an_error(void)
{
    expect_error_at(PROFILE,
                    PROFILE_WITH("schema=\"service.xsd\" layout=\"xpath\">\n" FACTS("/a[")),
                    PROFILE + 1, "(config.profile-xpath)");
    expect_error_at(PROFILE,
                    PROFILE_WITH("schema=\"service.xsd\" layout=\"xpath\">\n" FACTS("/x:a")),
                    PROFILE + 1, "(config.profile-xpath)");
}

static void xpaths_stand_where_the_layout_wants_them_and_nowhere_else(void)
{
    expect_error(PROFILE, PROFILE_WITH("schema=\"service.xsd\" layout=\"xpath\"/>"),
                 "layout=\"xpath\" needs a child element <header>");
    expect_error(PROFILE, PROFILE_WITH("schema=\"service.xsd\">") FACTS("/a"),
                 "which only layout=\"xpath\" asks for");
}

static void two_demands_for_one_way_are_an_error(void)
{
    expect_error(PROFILE,
                 PROFILE_WITH("schema=\"service.xsd\">") "<way adapter=\"rest\" signature="
                                                         "\"optional\"/><way adapter=\"rest\" "
                                                         "signature=\"required\"/></profile>",
                 "has a <way adapter=\"rest\"> already");
}

static void a_partner_that_nobody_can_recognise_is_an_error(void)
{
    expect_error(PARTNER, PARTNER_WITH(PORTAL_SIGNING), "partner \"portal\" cannot be recognised");
}

static void a_certificate_of_two_partners_is_an_error(void)
{
    expect_error_at(ROUTE,
                    "<route reader=\"ags:*\" to=\"office\"/>\n"
                    "<partner name=\"other\" " PORTAL_TLS "/>",
                    ROUTE + 1,
                    "partner \"other\" has the same tls-certificate as partner \"portal\"");
    expect_error_at(ROUTE,
                    "<route reader=\"ags:*\" to=\"office\"/>\n"
                    "<partner name=\"one\" tls-subject=\"CN=x\" issuer=\"authority.pem\"/>\n"
                    "<partner name=\"two\" tls-subject=\"CN=x\" issuer=\"authority.pem\"/>",
                    ROUTE + 2, "partner \"two\" has the same tls-subject as partner \"one\"");
}

static void a_subject_without_its_issuer_is_an_error(void)
{
    expect_error(PARTNER, PARTNER_WITH(PORTAL_SIGNING "tls-subject=\"CN=x\""),
                 "partner \"portal\" is known by the subject of its certificates");
    expect_error(PARTNER, PARTNER_WITH(PORTAL_TLS "signing-subject=\"CN=x\""),
                 "say with issuer=\"FILE\" which one does");
    expect_error(PARTNER,
                 PARTNER_WITH(PORTAL_SIGNING "tls-subject=\"CN=x\" issuer=\"nowhere.pem\""),
                 "issuer: ");
    expect_error(PARTNER,
                 PARTNER_WITH(PORTAL_SIGNING "tls-subject=\"CN=x\" issuer=\"portal-tls.pem\""),
                 "portal-tls.pem is no certificate of an authority");
    expect_warning(PARTNER, PARTNER_WITH(PORTAL_TLS PORTAL_SIGNING "issuer=\"authority.pem\""),
                   "issuer means nothing without");
}

static void a_partner_that_has_to_sign_and_cannot_is_a_warning(void)
{
    expect_warning(PARTNER, PARTNER_WITH(PORTAL_TLS), "has no signing-certificate");
}

static void a_day_that_has_passed_is_a_warning(void)
{
    expect_warning(PARTNER, PARTNER_WITH(PORTAL_TLS PORTAL_SIGNING "rsa-2048-until=\"2020-01-01\""),
                   "rsa-2048-until=\"2020-01-01\" has passed");
}

static void what_leads_nowhere_is_a_warning(void)
{
    expect_warning(DESTINATION, OFFICE "/><destination name=\"spare\" adapter=\"rest\"/>",
                   "destination \"spare\" never gets anything: no <route> leads to it");
    expect_warning(PROFILE,
                   PROFILE_WITH("schema=\"service.xsd\"/>") "<profile name=\"register\" "
                                                            "namespace=\"urn:r\" "
                                                            "schema=\"service.xsd\"/>",
                   "profile \"register\" is of no use: no <permission> lets anybody send it");
    expect_warning(LISTENER,
                   "<listener name=\"city\" address=\"127.0.0.1:8443\"/>"
                   "<listener name=\"spare\" address=\"127.0.0.1:8444\"/>",
                   "listener \"spare\" serves nothing: no <source> and no <destination> names it");
}

static void a_folder_that_cannot_be_used_is_an_error(void)
{
    expect_error(STORE, "<store folder=\"nowhere/store\"/>", "nowhere/store cannot be used");
    expect_error(STORE, "<store folder=\"tls.pem\"/>", "tls.pem is not a folder");
    expect_error(STORE, "<store folder=\"store\"/><adapters folder=\"nowhere\"/>",
                 "nowhere cannot be used: No such file");
}

static void what_is_no_xml_is_an_error_at_its_line(void)
{
    expect_error(DESTINATION, OFFICE " name=\"again\"/>", "Attribute name redefined");
    expect_error_at(PARTNER_END, "", FIXTURE_LINES, "Opening and ending tag mismatch: partner");
    fixture_write("gateway.xml", "");
    expect_one(fixture_path("gateway.xml"), "gateway.xml", 1, false, "");
}

static void a_document_type_declaration_is_an_error(void)
{
    expect_error_at(1, "<!DOCTYPE gateway [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", 1,
                    "(xml.doctype)");
}

static void another_kind_of_document_is_an_error(void)
{
    fixture_write("gateway.xml", "<?xml version=\"1.0\"?>\n<gateway name=\"x\"/>\n");
    expect_one(fixture_path("gateway.xml"), "gateway.xml", 2, false,
               "the document element is <gateway>, but a configuration begins with <gateway "
               "xmlns=\"urn:muengsten:config:1\">");
}

static void a_file_that_is_not_there_is_an_error(void)
{
    expect_one(fixture_path("nowhere.xml"), "nowhere.xml", 1, false,
               "cannot be read: No such file");
    fixture_folder("empty.d");
    expect_one(fixture_path("empty.d"), "empty.d", 1, false, "the folder has no file *.xml");
}

static void all_mistakes_are_told_at_once_in_the_order_of_lines(void)
{
    fixture_configure(DESTINATION, OFFICE
                      " timeout=\"1ms\"/>\n<shop/>\n<listener name=\"Big\" "
                      "address=\"127.0.0.1:1\"/>\n" PROFILE_WITH("schema=\"nowhere.xsd\"/>"));
    struct mg_config_problems problems = {0};
    CU_ASSERT_PTR_NULL(mg_config_load(fixture_path("gateway.xml"), &problems));
    CU_ASSERT_EQUAL_FATAL(problems.count, 5);
    CU_ASSERT(has(&problems.list[0], "gateway.xml", 12, "timeout=\"1ms\" has to be between"));
    CU_ASSERT(has(&problems.list[1], "gateway.xml", 13, "'shop'"));
    CU_ASSERT(has(&problems.list[2], "gateway.xml", 14, "'Big'"));
    CU_ASSERT(has(&problems.list[3], "gateway.xml", 15, "schema.unreadable"));
    CU_ASSERT(has(&problems.list[4], "gateway.xml", 15, "already that of the profile"));
    mg_config_problems_free(&problems);
}

static void a_second_identity_in_conf_d_is_an_error_with_both_places(void)
{
    char reason[700];
    fixture_folder_like_it("double.d");
    fixture_configure(0, NULL);
    char *all = fixture_read(fixture_path("gateway.xml"));
    fixture_write("double.d/10-all.xml", all);
    free(all);
    fixture_write("double.d/20-again.xml",
                  "<gateway xmlns=\"urn:muengsten:config:1\">\n\n" IDENTITY_WITH(
                      "tls.pem", "tls.key", "seal.pem", "seal.key") "</gateway>\n");
    snprintf(reason, sizeof reason, "<identity> is already said at %s:%d; keep one of both",
             fixture_path("double.d/10-all.xml"), IDENTITY);
    expect_one(fixture_path("double.d"), "double.d/20-again.xml", 3, false, reason);
    fixture_write("double.d/20-again.xml",
                  "<gateway xmlns=\"urn:muengsten:config:1\" name=\"other.example\"/>\n");
    expect_one(fixture_path("double.d"), "double.d/20-again.xml", 1, false,
               "the gateway's name is already said at");
}

static void a_schema_of_the_configuration_that_is_missing_is_an_error(void)
{
    struct mg_config_problems problems = {0};
    fixture_configure(0, NULL);
    setenv("MUENGSTEN_DATA", fixture_path("nowhere"), 1);
    CU_ASSERT_PTR_NULL(mg_config_load(fixture_path("gateway.xml"), &problems));
    setenv("MUENGSTEN_DATA", MG_SOURCE_FOLDER, 1);
    CU_ASSERT(problems.errors > 0 &&
              strstr(problems.list[problems.count - 1].text, "MUENGSTEN_DATA"));
    mg_config_problems_free(&problems);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_unknown_element_is_an_error),
        UNIT_TEST(an_unknown_attribute_is_an_error),
        UNIT_TEST(a_missing_attribute_is_an_error),
        UNIT_TEST(text_between_elements_is_an_error),
        UNIT_TEST(a_bad_duration_is_an_error),
        UNIT_TEST(numbers_out_of_bounds_are_errors),
        UNIT_TEST(a_word_that_is_no_choice_is_an_error),
        UNIT_TEST(numbers_that_contradict_each_other_are_errors),
        UNIT_TEST(unknown_names_are_errors_that_tell_the_known_ones),
        UNIT_TEST(a_name_that_occurs_twice_is_an_error_with_both_places),
        UNIT_TEST(two_listeners_at_one_address_are_an_error),
        UNIT_TEST(a_status_that_others_can_reach_needs_operators),
        UNIT_TEST(a_status_at_no_address_is_an_error),
        UNIT_TEST(an_operator_that_nobody_can_recognise_is_an_error),
        UNIT_TEST(two_operators_with_one_subject_are_an_error),
        UNIT_TEST(a_control_socket_for_a_group_that_is_not_there_is_an_error),
        UNIT_TEST(a_status_at_the_address_of_a_listener_is_an_error),
        UNIT_TEST(a_second_status_is_an_error),
        UNIT_TEST(a_second_route_for_the_same_is_an_error),
        UNIT_TEST(what_a_gateway_needs_is_missed),
        UNIT_TEST(a_certificate_that_cannot_be_read_is_an_error),
        UNIT_TEST(a_certificate_that_has_expired_is_an_error),
        UNIT_TEST(a_certificate_that_expires_within_30_days_is_a_warning),
        UNIT_TEST(a_certificate_that_is_not_valid_yet_is_a_warning),
        UNIT_TEST(a_key_of_another_certificate_is_an_error),
        UNIT_TEST(a_key_that_others_can_read_is_an_error),
        UNIT_TEST(a_key_that_cannot_be_read_is_an_error),
        UNIT_TEST(a_next_seal_certificate_that_cannot_take_over_is_an_error),
        UNIT_TEST(a_seal_certificate_that_has_been_replaced_may_expire),
        UNIT_TEST(a_gap_between_two_seal_certificates_is_a_warning),
        UNIT_TEST(a_seal_that_may_change_unannounced_is_a_warning),
        UNIT_TEST(a_schema_that_does_not_compile_is_an_error),
        UNIT_TEST(an_xpath_that_does_not_compile_is_an_error),
        UNIT_TEST(xpaths_stand_where_the_layout_wants_them_and_nowhere_else),
        UNIT_TEST(two_demands_for_one_way_are_an_error),
        UNIT_TEST(a_partner_that_nobody_can_recognise_is_an_error),
        UNIT_TEST(a_certificate_of_two_partners_is_an_error),
        UNIT_TEST(a_subject_without_its_issuer_is_an_error),
        UNIT_TEST(a_partner_that_has_to_sign_and_cannot_is_a_warning),
        UNIT_TEST(a_day_that_has_passed_is_a_warning),
        UNIT_TEST(what_leads_nowhere_is_a_warning),
        UNIT_TEST(a_folder_that_cannot_be_used_is_an_error),
        UNIT_TEST(what_is_no_xml_is_an_error_at_its_line),
        UNIT_TEST(a_document_type_declaration_is_an_error),
        UNIT_TEST(another_kind_of_document_is_an_error),
        UNIT_TEST(a_file_that_is_not_there_is_an_error),
        UNIT_TEST(a_place_that_is_not_on_the_earth_is_an_error),
        UNIT_TEST(a_place_that_nobody_has_named_is_an_error),
        UNIT_TEST(all_mistakes_are_told_at_once_in_the_order_of_lines),
        UNIT_TEST(a_second_identity_in_conf_d_is_an_error_with_both_places),
        UNIT_TEST(a_schema_of_the_configuration_that_is_missing_is_an_error),
    };
    if (!mg_trust_start(NULL))
        return 1;
    fixture_start();
    int status = unit_run("config_mistakes", tests, sizeof tests / sizeof *tests);
    fixture_stop();
    mg_trust_stop();
    return status;
}
