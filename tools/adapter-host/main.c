/* muengsten-adapter-host: runs one adapter in a process of its own. */
#include "config.h"
#include "tools/adapter-host/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void usage(FILE *file)
{
    fputs("usage: muengsten-adapter-host [--connect SOCKET] ADAPTER.so\n"
          "       muengsten-adapter-host --help | --version\n"
          "\n"
          "Loads the adapter and speaks docs/adapter-protocol.md with the gateway: over standard\n"
          "input and output, as the gateway starts it, or over the socket that it listens at.\n",
          file);
}

static int fail(const char *text, const char *what)
{
    fprintf(stderr, "muengsten-adapter-host: %s: %s: %s\n", what, text, strerror(errno));
    return EXIT_FAILURE;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream >= 0 && connect(stream, (const struct sockaddr *)&address, sizeof address) != 0) {
        int reason = errno;
        close(stream);
        errno = reason;
        return -1;
    }
    return stream;
}

/* One socket for both directions, or two descriptors. */
static bool is_same(int one, int other)
{
    struct stat first, second;
    return fstat(one, &first) == 0 && fstat(other, &second) == 0 && S_ISSOCK(first.st_mode) &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Moves the stream away from where libraries read and print: 0 becomes empty, 1 becomes standard
 * error. */
static bool move_stream(const char *socket_path, int *input, int *output)
{
    if (socket_path) {
        *input = *output = connect_to(socket_path);
    } else {
        bool same = is_same(0, 1);
        *input = fcntl(0, F_DUPFD_CLOEXEC, 3);
        *output = same ? *input : fcntl(1, F_DUPFD_CLOEXEC, 3);
    }
    int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool moved =
        *input >= 0 && *output >= 0 && empty >= 0 && dup2(empty, 0) == 0 && dup2(2, 1) == 1;
    int reason = errno;
    if (empty > 2)
        close(empty);
    errno = reason;
    return moved;
}

int main(int count, char **words)
{
    static const struct option options[] = {{"connect", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    const char *socket_path = NULL;
    for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            socket_path = optarg;
            break;
        case 'h':
            usage(stdout);
            return EXIT_SUCCESS;
        case 'V':
            puts("muengsten-adapter-host " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (optind != count - 1) {
        usage(stderr);
        return 2;
    }
    static struct host host;
    struct mg_error error;
    int input, output;
    signal(SIGPIPE, SIG_IGN);
    if (!move_stream(socket_path, &input, &output))
        return fail("the stream cannot be had", socket_path ? socket_path : "standard input");
    if (!host_load(&host, words[optind], &error)) {
        fprintf(stderr, "%s: %s\n", error.code, error.text);
        return EXIT_FAILURE;
    }
    int status = host_run(&host, input, output);
    dlclose(host.object);
    return status;
}
