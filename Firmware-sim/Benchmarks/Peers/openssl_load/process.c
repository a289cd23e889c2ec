#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "process.h"

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("openssl_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    ERR_print_errors_fp(stderr);
    exit(1);
}

uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t nowNs(void) { return nanoseconds(CLOCK_MONOTONIC); }

void liftFileLimit(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
}

void awaitLine(void) {
    char byte = 0;
    do {
        if (read(STDIN_FILENO, &byte, 1) != 1) exit(0);
    } while (byte != '\n');
}
