/*
 * muengstend: the gateway's daemon: puts the rooms together, runs the loop, stops gracefully.
 */
#include "config.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
    const char *config;
    bool test;
};

static void print_help(void)
{
    puts("usage: muengstend [-t] [-c FILE]\n"
         "\n"
         "Receives signed messages, checks, seals and stores them, and delivers them by its "
         "adapters.\n"
         "\n"
         "  -c, --config FILE  configuration: a file, or a folder of *.xml files\n"
         "                     [" SYSCONFDIR "/muengsten/muengsten.xml]\n"
         "  -t, --test         check the configuration and everything it names, then exit:\n"
         "                     0 if all is well, 1 with FILE:LINE: reason for every problem\n"
         "  -l, --log LEVEL    error, warning, notice, info or debug [info]\n"
         "  -h, --help         this text\n"
         "  -V, --version      the version\n"
         "\n"
         "SIGTERM stops gracefully, SIGHUP reads the configuration again. See muengstend(8).");
}

static bool set_log_level(const char *name)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            mg_log_set_level((enum mg_log_level)i);
            return true;
        }
    }
    fprintf(stderr, "muengstend: there is no log level \"%s\"\n", name);
    return false;
}

/* Fills the arguments; -1, or the status to exit with at once. */
static int read_arguments(int count, char **values, struct arguments *arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
        {"log", required_argument, NULL, 'l'},    {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {0},
    };
    *arguments = (struct arguments){.config = SYSCONFDIR "/muengsten/muengsten.xml"};
    for (int option; (option = getopt_long(count, values, "c:tl:hV", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            arguments->config = optarg;
            break;
        case 't':
            arguments->test = true;
            break;
        case 'l':
            if (!set_log_level(optarg))
                return EX_USAGE;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case 'V':
            puts("muengstend " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        default:
            fputs("Try muengstend --help\n", stderr);
            return EX_USAGE;
        }
    }
    if (optind < count) {
        fprintf(stderr, "muengstend: what is \"%s\"? Try muengstend --help\n", values[optind]);
        return EX_USAGE;
    }
    return -1;
}

/* Reads and checks the configuration and the adapters that it uses, and tells every problem. NULL
 * if it cannot be used. */
static struct mg_config *load_config(const char *path, bool starting,
                                     struct mg_catalogue **catalogue)
{
    struct mg_config_problems problems = {.starting = starting};
    struct mg_config *config = mg_config_load(path, &problems);
    if (config)
        *catalogue = mg_catalogue_new(config, &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s%s\n", problems.list[i].text,
                problems.list[i].warning ? " (warning)" : "");
    if (problems.errors > 0 && config) {
        mg_config_release(config);
        config = NULL;
    }
    mg_config_problems_free(&problems);
    return config;
}

int main(int count, char **values)
{
    struct arguments arguments;
    struct mg_error error;
    int status = read_arguments(count, values, &arguments);
    if (status >= 0)
        return status;
    if (!mg_trust_start(&error)) {
        fprintf(stderr, "muengstend: %s\n", error.text);
        return EX_SOFTWARE;
    }
    if (!arguments.test)
        mg_gateway_postpone_reload();
    struct mg_catalogue *catalogue = NULL;
    struct mg_config *config = load_config(arguments.config, !arguments.test, &catalogue);
    status = config ? EXIT_SUCCESS : EXIT_FAILURE;
    if (config && arguments.test)
        fprintf(stderr, "%s: the configuration is in order\n", arguments.config);
    else if (config)
        status = mg_gateway_run(config, catalogue) ? EXIT_SUCCESS : EXIT_FAILURE;
    mg_catalogue_release(catalogue);
    mg_config_release(config);
    mg_trust_stop();
    return status;
}
