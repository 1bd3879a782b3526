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

struct unit_test {
    const char *sentence;
    void (*run)(void);
};

#define UNIT_TEST(function) {#function, function}

/* Runs the tests in order. Returns 0 if all passed, 1 otherwise: the exit status of the program. */
int unit_run(const char *suite, const struct unit_test *tests, size_t count);

/* Marks the running test as skipped, with the reason; what it asserted still counts. */
void unit_skip(const char *reason);

#endif
