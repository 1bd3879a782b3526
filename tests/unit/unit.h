/*
 * unit: runs CUnit tests and reports each as a line of the Test Anything Protocol.
 *
 * A test's name is the sentence it proves. A program of tests is one table:
 *
 *     static void an_id_is_greater_than_the_one_before(void) { CU_ASSERT(...); }
 *
 *     int main(void)
 *     {
 *         static const struct unit_test tests[] = {
 *             UNIT_TEST(an_id_is_greater_than_the_one_before),
 *         };
 *         return unit_run("base", tests, sizeof tests / sizeof *tests);
 *     }
 */
#ifndef MUENGSTEN_TESTS_UNIT_H
#define MUENGSTEN_TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_test {
    const char *sentence;
    void (*run)(void);
};

#define UNIT_TEST(function)                                                                        \
    {                                                                                              \
#function, function                                                                        \
    }

/* Runs the tests in order. Returns 0 if all passed, 1 otherwise: the exit status of the program. */
int unit_run(const char *suite, const struct unit_test *tests, size_t count);

/* Marks the running test as skipped, with the reason; what it asserted still counts. */
void unit_skip(const char *reason);

/* Whether the system lets a process be watched as the gateway does it (pidfd_open). Where it does
 * not, as under the valgrind of Debian 12, the running test is marked as skipped. */
bool unit_can_watch_processes(void);

/* How much of the same a test does: as usual, or less if MUENGSTEN_SLOW is set, since under
 * valgrind everything takes fifty times as long. What is asserted has to hold for both. */
size_t unit_amount(size_t usual, size_t slow);

/* Milliseconds to wait for what comes at once on a quiet machine, times MUENGSTEN_PATIENCE: only a
 * defect lets such a wait pass, and no test may hang on how long it is. */
int64_t unit_patience(int64_t milliseconds);

#endif
