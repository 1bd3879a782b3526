#include "tests/unit/unit.h"

#include <CUnit/TestRun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *skipped;

void unit_skip(const char *reason)
{
    skipped = reason;
}

bool unit_can_watch_processes(void)
{
    int descriptor = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (descriptor < 0)
        unit_skip("processes cannot be watched here (pidfd_open)");
    else
        close(descriptor);
    return descriptor >= 0;
}

size_t unit_amount(size_t usual, size_t slow)
{
    return getenv("MUENGSTEN_SLOW") ? slow : usual;
}

int64_t unit_patience(int64_t milliseconds)
{
    const char *text = getenv("MUENGSTEN_PATIENCE");
    double factor = text ? strtod(text, NULL) : 1;
    return factor > 1 ? (int64_t)((double)milliseconds * factor) : milliseconds;
}

/* "an_id_is_greater" reads as "an id is greater". */
static void print_sentence(const char *name)
{
    for (; *name; name++)
        putchar(*name == '_' ? ' ' : *name);
}

static void print_failures(void)
{
    for (CU_pFailureRecord failure = CU_get_failure_list(); failure; failure = failure->pNext)
        printf("# %s:%u: %s\n", failure->strFileName ? failure->strFileName : "?",
               failure->uiLineNumber, failure->strCondition ? failure->strCondition : "?");
}

int unit_run(const char *suite, const struct unit_test *tests, size_t count)
{
    bool failed = false;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        /* A registry for each test keeps its failures apart from those of the others. */
        if (CU_initialize_registry() != CUE_SUCCESS)
            abort();
        CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
        if (!registered || !CU_add_test(registered, tests[i].sentence, tests[i].run))
            abort();
        skipped = NULL;
        CU_run_all_tests();
        bool passed = CU_get_number_of_failures() == 0;
        failed = failed || !passed;
        printf("%s %zu - %s: ", passed ? "ok" : "not ok", i + 1, suite);
        print_sentence(tests[i].sentence);
        if (skipped)
            printf(" # SKIP %s", skipped);
        putchar('\n');
        print_failures();
        CU_cleanup_registry();
    }
    return failed ? 1 : 0;
}
