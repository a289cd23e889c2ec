#define _GNU_SOURCE

#include "CSpawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <unistd.h>

static int add_actions(posix_spawn_file_actions_t *actions, const char *folder, int input, int output, int error) {
    int failure = input < 0 ? posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                            : posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    }
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(actions, error, STDERR_FILENO);
    }
    if (failure == 0) {
        failure = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    }
    if (failure == 0 && folder != NULL) {
        failure = posix_spawn_file_actions_addchdir_np(actions, folder);
    }
    return failure;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawnattr_setsigmask(attributes, &none);
    if (failure == 0) {
        failure = posix_spawnattr_setsigdefault(attributes, &all);
    }
    if (failure == 0) {
        failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    return failure;
}

int fleetgate_spawn(
    pid_t *child, const char *program, char *const arguments[], char *const environment[], const char *folder, int input,
    int output, int error) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) {
        return failure;
    }
    failure = posix_spawnattr_init(&attributes);
    if (failure == 0) {
        failure = add_actions(&actions, folder, input, output, error);
        if (failure == 0) {
            failure = set_attributes(&attributes);
        }
        if (failure == 0) {
            failure = posix_spawnp(
                child, program, &actions, &attributes, arguments, environment != NULL ? environment : environ);
        }
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}
