#ifndef FLEETGATE_SPAWN_H
#define FLEETGATE_SPAWN_H

#include <sys/types.h>

/// Starts a program with nothing of the caller's but what is named here: its own three standard descriptors and no other,
/// no signal blocked, every signal's action the default.
///
/// SwiftNIO's sockets are not marked close-on-exec, and what leaves them out is an extension of posix_spawn(3) that Swift
/// does not import (`posix_spawn_file_actions_addclosefrom_np`, glibc 2.34). A child that kept them would keep
/// connections open that its parent has closed.
///
/// @param child        where its process id goes
/// @param program      a path, or a name to look for in `PATH`
/// @param arguments    argv, with a null pointer at its end
/// @param environment  its variables, with a null pointer at the end; the caller's when null
/// @param folder       where it runs; where the caller does when null
/// @param input        its standard input; /dev/null when negative
/// @param output       its standard output
/// @param error        its standard error; may be the same as `output`
/// @return 0, or the number of the error
int fleetgate_spawn(
    pid_t *child, const char *program, char *const arguments[], char *const environment[], const char *folder, int input,
    int output, int error);

#endif
