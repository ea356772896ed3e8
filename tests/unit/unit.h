/*
 * What every unit test includes before cmocka's own header, which needs these four.
 */
#ifndef SALLYPORT_TESTS_UNIT_H
#define SALLYPORT_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
