/*
 * A load generator for mutual-TLS MQTT servers, on OpenSSL: the second opinion beside firmware-sim on mbedTLS.
 * One thread, one epoll loop. Every device has a key and a certificate of its own (P-256), made here before anything is
 * measured. It speaks MQTT 3.1.1.
 *
 *   connect  devices connect, are accepted, and leave; with --resume each has been there before and resumes its session
 *   idle     devices connect and stay
 *   flood    connected devices publish as fast as the server takes it
 *   latency  connected devices publish at QoS 1, one message under way at a time, and the round trips are timed
 *
 * The other side of the pipe says when: each line on standard input begins the next step, its end ends the program.
 * Each step that is done is a line of JSON on standard output:
 *   ready    certificates are made (and for flood and latency: all devices are connected; for --resume: have a ticket)
 *   done     the work of `connect`, `idle` or `flood` is done
 *   phase    (latency) the figures since the line before
 */
#include <inttypes.h>
#include <signal.h>

#include "connection.h"
#include "device.h"
#include "figures.h"
#include "options.h"
#include "process.h"
#include "works.h"

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    parse(count, words);
    liftFileLimit();
    if (withTLS()) {
        readIssuer();
        makeContext();
    }
    makePoller();
    if (option.mode == LATENCY) makeSamples();
    makeDevices();
    if (option.resume || publishes()) {
        connectAll(deviceCount, 24);
        if (tally.connected != deviceCount) fail("only %" PRIu64 " of %u devices got in", tally.connected, deviceCount);
    }
    report("ready");
    awaitLine();
    beginMeasure();
    switch (option.mode) {
    case CONNECT: connectAll(option.count, option.concurrency); break;
    case IDLE: connectAll(deviceCount, option.concurrency); break;
    case FLOOD: flood(); break;
    case LATENCY: probe(); break;
    }
    if (option.mode != LATENCY) {
        report("done");
        awaitLine();
    }
    if (option.mode == IDLE) {
        findLost();
        report("ended");
    }
    for (unsigned index = 0; index < deviceCount; index++)
        if (devices[index].state == LIVE) leave(&devices[index], true);
    return 0;
}
