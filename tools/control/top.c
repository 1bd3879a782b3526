/* muengstenctl top: the state, again and again, until a key says enough. */
#include "gateway/base/clock.h"
#include "tools/control/client.h"
#include "tools/control/look.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* A screen of its own without a cursor, and back to what was there before. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

static volatile sig_atomic_t over;
static struct termios before;
static bool changed; /* the terminal's settings */

static void end(int number)
{
    (void)number;
    over = 1;
}

/* Only to break off the waiting: the size is asked for with each picture. */
static void resized(int number)
{
    (void)number;
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = resized;
    sigaction(SIGWINCH, &action, NULL);
    if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0) {
        struct termios now = before;
        now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        changed = tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
    }
    fputs(ENTER, stdout);
}

static void restore(void)
{
    fputs(LEAVE, stdout);
    fflush(stdout);
    if (changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Waits for the next picture; a key or a signal may end that. */
static void wait_for(unsigned seconds)
{
    struct pollfd input = {.fd = changed ? STDIN_FILENO : -1, .events = POLLIN};
    int64_t until = mg_clock_monotonic() + (int64_t)seconds * 1000000, left;
    while (!over && (left = until - mg_clock_monotonic()) > 0) {
        char key;
        int ready = poll(&input, 1, (int)(left / 1000) + 1);
        if (ready < 0)
            return;
        if (ready == 0)
            continue;
        if (read(STDIN_FILENO, &key, 1) != 1)
            over = 1;
        else if (key == 'q' || key == 'Q')
            over = 1;
        else
            return;
    }
}

/* ---- the picture ---- */

/* Lets lines end where the screen ends, and the picture too. */
static void show(struct mg_buffer *text, size_t width, size_t height)
{
    struct mg_buffer picture = {0};
    const char *line = text->data ? text->data : "";
    mg_buffer_add_text(&picture, "\033[H");
    for (size_t row = 0; row < height && *line; row++) {
        size_t length = strcspn(line, "\n");
        mg_screen_cut(&picture, line, length, width);
        mg_buffer_add_text(&picture, row + 1 < height ? "\033[K\n" : "\033[K");
        line += length + (line[length] == '\n');
    }
    mg_buffer_add_text(&picture, "\033[J");
    mg_screen_write(&picture);
    mg_buffer_free(&picture);
}

static void add_picture(const struct mg_control *control, const json_t *status,
                        const struct mg_error *error, struct mg_buffer *text)
{
    char moment[32];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(moment, sizeof moment, "%H:%M:%S", &local);
    mg_buffer_print(text, mg_say("%s  every %u s, q ends\n\n", "%s  alle %u s, q beendet\n\n"),
                    moment, control->options.interval);
    if (!status) {
        mg_screen_colour(&control->screen, text, MG_COLOUR_BAD, error->text);
        mg_buffer_add_text(text, "\n");
        return;
    }
    mg_look_health(&control->screen, status, text);
    mg_look_figures(&control->screen, status, text);
    mg_buffer_add_text(text, "\n");
    mg_look_destinations(&control->screen, status, text);
}

static void draw(struct mg_control *control, const json_t *status, const struct mg_error *error)
{
    struct mg_buffer text = {0};
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    control->screen.width = size.ws_col;
    add_picture(control, status, error, &text);
    show(&text, size.ws_col, size.ws_row);
    mg_buffer_free(&text);
}

/* ---- for programs: one object a line ---- */

static int stream(struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    int status = MG_CONTROL_DONE;
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    while (!over && status == MG_CONTROL_DONE) {
        json_t *answer;
        status = mg_client_get(control, "/status", &answer, &error);
        if (status != MG_CONTROL_DONE)
            mg_control_fail(&error, status);
        else if (!mg_control_write_json(answer, JSON_COMPACT))
            over = 1;
        json_decref(answer);
        wait_for(control->options.interval);
    }
    return status;
}

int mg_control_top(struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    if (control->options.json)
        return stream(control);
    if (isatty(STDOUT_FILENO) != 1)
        return mg_control_mistake(mg_say("top needs a terminal; status does not.",
                                         "top braucht ein Terminal; status nicht."));
    prepare();
    int status = MG_CONTROL_DONE;
    while (!over) {
        json_t *answer;
        status = mg_client_get(control, "/status", &answer, &error);
        draw(control, status == MG_CONTROL_DONE ? answer : NULL, &error);
        json_decref(answer);
        wait_for(control->options.interval);
    }
    restore();
    return status;
}
