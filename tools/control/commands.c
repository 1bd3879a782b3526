#include "tools/control/commands.h"

#include "config.h"
#include "tools/control/say.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct mg_control_command mg_control_commands[] = {
    {"status", "", 0, 0, "", mg_control_status, "the gateway's health, figures and destinations",
     "Zustand, Zahlen und Ziele des Gateways"},
    {"top", "", 0, 0, "interval", mg_control_top, "the same, live, until q is pressed",
     "dasselbe, laufend, bis q gedrückt wird"},
    {"routes", "", 0, 0, "", mg_control_routes, "which types for which readers go where",
     "welche Typen für welche Leser wohin gehen"},
    {"destinations", "", 0, 0, "", mg_control_destinations, "what waits where, and why",
     "was wo wartet, und warum"},
    {"certs", "", 0, 0, "", mg_control_certs, "certificates and revocation lists by days left",
     "Zertifikate und Sperrlisten nach verbleibenden Tagen"},
    {"whoami", "", 0, 0, "", mg_control_whoami, "who the gateway takes you for, and your role",
     "für wen das Gateway Sie hält, und Ihre Rolle"},
    {"messages", "", 0, 0,
     "uuid id author reader type partner destination state from to limit cursor all",
     mg_control_messages, "find messages, newest first", "Nachrichten finden, die neuesten zuerst"},
    {"trace", "ID", 1, 1, "", mg_control_trace, "everything that happened to a message",
     "alles, was mit einer Nachricht geschah"},
    {"dead", "[DESTINATION]", 0, 1, "from to limit cursor all", mg_control_dead,
     "what was given up, and why", "was gescheitert ist, und warum"},
    {"retry", "[ID]", 0, 1, "destination state all why", mg_control_retry,
     "deliver now, also what is dead or held", "jetzt zustellen, auch Gescheitertes"},
    {"cancel", "[ID]", 0, 1, "destination state all why", mg_control_cancel, "deliver no more",
     "nicht mehr zustellen"},
    {"move", "ID DESTINATION", 2, 2, "destination why", mg_control_move,
     "deliver to another destination", "an ein anderes Ziel zustellen"},
    {"pause", "DESTINATION", 1, 1, "why", mg_control_pause, "hold what waits for a destination",
     "ein Ziel anhalten"},
    {"resume", "DESTINATION", 1, 1, "why", mg_control_resume, "let it go on",
     "ein Ziel weiterlaufen lassen"},
    {"reload", "", 0, 0, "why signal", mg_control_reload,
     "take the configuration, keys and lists anew", "Konfiguration, Schlüssel, Listen neu laden"},
    {"stored", "ID", 1, 1, "", mg_control_stored, "what is still stored of a message",
     "was von einer Nachricht noch gespeichert ist"},
    {"erase", "ID", 1, 1, "why cancel", mg_control_erase, "delete a message before its time",
     "eine Nachricht vor der Zeit löschen"},
    {"audit", "verify|show", 1, 1, "store config certificate authorities message from limit",
     mg_control_audit, "prove that the audit trail is whole, or show it",
     "beweisen, dass das Protokoll unversehrt ist, oder es zeigen"},
    {"backup", "FILE", 1, 1, "why force", mg_control_backup,
     "the whole store as one file, while the gateway works",
     "den ganzen Speicher als eine Datei, im laufenden Betrieb"},
    {"restore", "FILE", 1, 1, "store force why", mg_control_restore,
     "make a store of a backup; the gateway is stopped",
     "aus einer Sicherung einen Speicher machen; das Gateway steht"},
    {"verify", "FILE", 1, 1, "authorities revocation certificate content", mg_control_verify,
     "check a sealed message, a receipt or a report, without the gateway",
     "gesiegelte Nachricht, Quittung oder Bericht prüfen, ohne das Gateway"},
    {.name = NULL},
};

/* ---- help ---- */

static const char general_english[] =
    "\n"
    "For every command:\n"
    "      --socket PATH      the gateway's control socket [" MG_CONTROL_SOCKET "]\n"
    "      --json             what programs read\n"
    "      --colour WHEN      always, never or auto\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "Exit status: 0 done; 1 refused, not found, not valid or not healthy; 2 usage, or it cannot "
    "be\n"
    "said; 3 no gateway answers; 4 not permitted. See muengstenctl(1).\n";

static const char general_german[] =
    "\n"
    "Für jeden Befehl:\n"
    "      --socket PFAD      der Steuerungs-Socket des Gateways [" MG_CONTROL_SOCKET "]\n"
    "      --json             was Programme lesen\n"
    "      --colour WANN      always, never oder auto\n"
    "  -h, --help             dieser Text\n"
    "  -V, --version          die Version\n"
    "\n"
    "Endestatus: 0 getan; 1 abgelehnt, nicht gefunden, ungültig oder nicht gesund; 2 falscher "
    "Aufruf\n"
    "oder keine Aussage möglich; 3 kein Gateway antwortet; 4 nicht erlaubt. Siehe "
    "muengstenctl(1).\n";

static int help(void)
{
    fputs(mg_say("Usage: muengstenctl COMMAND [OPTION]...\n\n"
                 "Watches and mends a muengsten gateway.\n\n",
                 "Aufruf: muengstenctl BEFEHL [OPTION]...\n\n"
                 "Beobachtet ein muengsten-Gateway und bringt in Ordnung, was klemmt.\n\n"),
          stdout);
    for (const struct mg_control_command *command = mg_control_commands; command->name; command++) {
        char usage[80];
        snprintf(usage, sizeof usage, "%s %s", command->name, command->words);
        printf("  %-24s %s\n", usage, mg_say_is_german() ? command->german : command->english);
    }
    fputs(mg_say_is_german() ? general_german : general_english, stdout);
    return fflush(stdout) == 0 ? MG_CONTROL_DONE : MG_CONTROL_USAGE;
}

/* ---- options ---- */

enum {
    SOCKET = 256,
    JSON,
    COLOUR,
    AUTHORITIES,
    REVOCATION,
    CERTIFICATE,
    CONTENT,
    UUID,
    ID,
    AUTHOR,
    READER,
    TYPE,
    PARTNER,
    DESTINATION,
    STATE,
    FROM,
    TO,
    LIMIT,
    CURSOR,
    MESSAGE,
    WHY,
    STORE,
    SIGNAL,
    CONFIG,
    INTERVAL,
    ALL,
    FORCE,
    CANCEL,
};

static const struct option longs[] = {
    {"socket", required_argument, NULL, SOCKET},
    {"json", no_argument, NULL, JSON},
    {"colour", required_argument, NULL, COLOUR},
    {"color", required_argument, NULL, COLOUR},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"authorities", required_argument, NULL, AUTHORITIES},
    {"revocation", required_argument, NULL, REVOCATION},
    {"certificate", required_argument, NULL, CERTIFICATE},
    {"content", required_argument, NULL, CONTENT},
    {"uuid", required_argument, NULL, UUID},
    {"id", required_argument, NULL, ID},
    {"author", required_argument, NULL, AUTHOR},
    {"reader", required_argument, NULL, READER},
    {"type", required_argument, NULL, TYPE},
    {"partner", required_argument, NULL, PARTNER},
    {"destination", required_argument, NULL, DESTINATION},
    {"state", required_argument, NULL, STATE},
    {"from", required_argument, NULL, FROM},
    {"to", required_argument, NULL, TO},
    {"limit", required_argument, NULL, LIMIT},
    {"cursor", required_argument, NULL, CURSOR},
    {"message", required_argument, NULL, MESSAGE},
    {"why", required_argument, NULL, WHY},
    {"store", required_argument, NULL, STORE},
    {"signal", required_argument, NULL, SIGNAL},
    {"config", required_argument, NULL, CONFIG},
    {"interval", required_argument, NULL, INTERVAL},
    {"all", no_argument, NULL, ALL},
    {"force", no_argument, NULL, FORCE},
    {"cancel", no_argument, NULL, CANCEL},
    {NULL, 0, NULL, 0},
};

/* Where an option's text goes; NULL if it has none. */
static const char **text_of(struct mg_control_options *options, int letter)
{
    const char **const places[CANCEL + 1] = {
        [SOCKET] = &options->socket,
        [COLOUR] = &options->colour,
        [AUTHORITIES] = &options->authorities,
        [REVOCATION] = &options->revocation,
        [CERTIFICATE] = &options->certificate,
        [CONTENT] = &options->content,
        [UUID] = &options->uuid,
        [ID] = &options->id,
        [AUTHOR] = &options->author,
        [READER] = &options->reader,
        [TYPE] = &options->type,
        [PARTNER] = &options->partner,
        [DESTINATION] = &options->destination,
        [STATE] = &options->state,
        [FROM] = &options->from,
        [TO] = &options->to,
        [LIMIT] = &options->limit,
        [CURSOR] = &options->cursor,
        [MESSAGE] = &options->message,
        [WHY] = &options->why,
        [STORE] = &options->store,
        [SIGNAL] = &options->signal,
        [CONFIG] = &options->config,
    };
    return places[letter];
}

static bool *flag_of(struct mg_control_options *options, int letter)
{
    bool *const places[CANCEL + 1] = {
        [JSON] = &options->json,
        [ALL] = &options->all,
        [FORCE] = &options->force,
        [CANCEL] = &options->cancel,
    };
    return places[letter];
}

static bool is_colour(const char *word)
{
    return strcmp(word, "always") == 0 || strcmp(word, "never") == 0 || strcmp(word, "auto") == 0;
}

/* Takes one option; a status above DONE is the end. */
static int take(struct mg_control_options *options, int letter)
{
    const char **text = text_of(options, letter);
    bool *flag = flag_of(options, letter);
    char *end = optarg;
    if (text)
        *text = optarg;
    else if (flag)
        *flag = true;
    else if (letter == INTERVAL)
        options->interval = (unsigned)strtoul(optarg, &end, 10);
    if (letter == COLOUR && !is_colour(optarg))
        return mg_control_mistake(mg_say("--colour takes always, never or auto.",
                                         "--colour nimmt always, never oder auto."));
    if (letter == INTERVAL && (*end || options->interval < 1 || options->interval > 3600))
        return mg_control_mistake(mg_say("--interval takes seconds, from 1 to 3600.",
                                         "--interval nimmt Sekunden, von 1 bis 3600."));
    return MG_CONTROL_DONE;
}

/* ---- the command ---- */

static const struct mg_control_command *find(const char *name)
{
    const struct mg_control_command *command = mg_control_commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command->name ? command : NULL;
}

/* True if the word is one of those in the list, which are parted by blanks. */
static bool is_among(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* The help of one command. */
static int explain(const struct mg_control_command *command)
{
    printf(mg_say("Usage: muengstenctl %s%s%s\n\n", "Aufruf: muengstenctl %s%s%s\n\n"),
           command->name, *command->words ? " " : "", command->words);
    printf("%s\n", mg_say_is_german() ? command->german : command->english);
    if (*command->options)
        puts(mg_say("\nOptions beside those of every command:",
                    "\nOptionen neben denen jedes Befehls:"));
    for (const struct option *option = longs; option->name; option++)
        if (is_among(command->options, option->name))
            printf("      --%s%s\n", option->name,
                   option->has_arg == required_argument ? mg_say(" VALUE", " WERT") : "");
    return fflush(stdout) == 0 ? MG_CONTROL_DONE : MG_CONTROL_USAGE;
}

static bool takes(const struct mg_control_command *command, int letter)
{
    if (letter <= COLOUR)
        return true;
    for (const struct option *option = longs; option->name; option++)
        if (option->val == letter)
            return is_among(command->options, option->name);
    return false;
}

/* The command is the first word; only then is known which options may come. */
static int check(const struct mg_control_command *command, const bool *given,
                 const struct mg_control *control)
{
    for (int letter = SOCKET; letter <= CANCEL; letter++)
        if (given[letter - SOCKET] && !takes(command, letter)) {
            const struct option *option = longs;
            while (option->val != letter)
                option++;
            return mg_control_mistake(
                mg_say("%s takes no option --%s.", "%s nimmt keine Option --%s."), command->name,
                option->name);
        }
    if (control->word_count < command->least || control->word_count > command->most)
        return mg_control_mistake(mg_say("Usage: muengstenctl %s %s", "Aufruf: muengstenctl %s %s"),
                                  command->name, command->words);
    return MG_CONTROL_DONE;
}

static void set_defaults(struct mg_control_options *options)
{
    const char *named = getenv("MUENGSTEN_CONTROL");
    *options = (struct mg_control_options){
        .socket = named && *named ? named : MG_CONTROL_SOCKET,
        .colour = "auto",
        .interval = 2,
    };
}

/* Reads all options; a status above DONE is the end, and *over says that DONE is too. *helps: help
 * is wanted. */
static int read_options(int count, char *arguments[], struct mg_control_options *options,
                        bool *given, bool *over, bool *helps)
{
    int letter, status = MG_CONTROL_DONE;
    opterr = 0;
    while (status == MG_CONTROL_DONE &&
           (letter = getopt_long(count, arguments, ":hV", longs, NULL)) != -1) {
        *over = letter == 'V';
        *helps = *helps || letter == 'h';
        if (letter == 'h')
            continue;
        if (letter == 'V')
            return puts("muengstenctl " PACKAGE_VERSION) < 0 ? MG_CONTROL_USAGE : MG_CONTROL_DONE;
        if (letter == ':')
            return mg_control_mistake(mg_say("%s needs a value.", "%s braucht einen Wert."),
                                      arguments[optind - 1]);
        if (letter == '?')
            return mg_control_mistake(mg_say("There is no option %s.", "Es gibt keine Option %s."),
                                      arguments[optind - 1]);
        given[letter - SOCKET] = true;
        status = take(options, letter);
    }
    return status;
}

const struct mg_control_command *mg_control_read(int count, char *arguments[],
                                                 struct mg_control *control, int *status)
{
    bool given[CANCEL - SOCKET + 1] = {false}, over = false, helps = false;
    *control = (struct mg_control){.command = NULL};
    set_defaults(&control->options);
    *status = read_options(count, arguments, &control->options, given, &over, &helps);
    if (*status != MG_CONTROL_DONE || over)
        return NULL;
    if (helps) {
        const struct mg_control_command *one = optind < count ? find(arguments[optind]) : NULL;
        *status = one ? explain(one) : help();
        return NULL;
    }
    if (optind == count) {
        *status = mg_control_mistake(mg_say("Give a command.", "Geben Sie einen Befehl an."));
        return NULL;
    }
    const struct mg_control_command *command = find(arguments[optind]);
    if (!command) {
        *status = mg_control_mistake(mg_say("There is no command %s.", "Es gibt keinen Befehl %s."),
                                     arguments[optind]);
        return NULL;
    }
    control->command = command->name;
    control->words = arguments + optind + 1;
    control->word_count = (size_t)(count - optind - 1);
    *status = check(command, given, control);
    return *status == MG_CONTROL_DONE ? command : NULL;
}
