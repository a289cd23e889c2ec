/* The work latency. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "connection.h"
#include "options.h"
#include "packets.h"
#include "process.h"
#include "works.h"

static int timer = -1;

static uint64_t periodOfProbes(void) { return (uint64_t)option.periodUs * 1000; }

static void sendProbe(struct device *device, uint64_t now) {
    uint64_t periodNs = periodOfProbes();
    /* One that could not go out in time, because the one before was still under way, counts from when it was due. */
    device->countedFromNs = now > device->dueNs + periodNs / 2 ? device->dueNs : now;
    device->dueNs += periodNs;
    fillBatch(device, 1, 1);
    if (transmit(device, device->out, device->outBytes) <= 0) {
        failed(device, CLOSED_BY_SERVER, "a probe was not sent");
        return;
    }
    device->underWay = true;
    device->sent++;
}

void probeAcknowledged(struct device *device) {
    if (!device->underWay) return;
    uint64_t now = nowNs();
    device->underWay = false;
    device->acknowledged++;
    addSample(now - device->countedFromNs);
    if (device->dueNs <= now) sendProbe(device, now);
}

void countWaiting(void) {
    uint64_t now = nowNs();
    for (unsigned index = 0; index < deviceCount; index++) {
        const struct device *device = &devices[index];
        if (device->state == LIVE && device->underWay && now > device->countedFromNs + periodOfProbes())
            addSample(now - device->countedFromNs);
    }
}

/* Sends all that is due, and sets the timer to what is due next. */
static void sendDue(void) {
    uint64_t now = nowNs(), soonest = UINT64_MAX;
    for (unsigned index = 0; index < deviceCount; index++) {
        struct device *device = &devices[index];
        if (device->state != LIVE || device->underWay) continue;
        if (device->dueNs <= now) sendProbe(device, now);
        else if (device->dueNs < soonest) soonest = device->dueNs;
    }
    struct itimerspec at = {0};
    if (soonest != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(soonest / 1000000000u);
        at.it_value.tv_nsec = (long)(soonest % 1000000000u);
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* A line ends a phase and begins the next one. False when there will be no more of them. */
static bool answerLines(void) {
    char line[64];
    ssize_t bytes = read(STDIN_FILENO, line, sizeof line);
    for (ssize_t at = 0; at < bytes; at++)
        if (line[at] == '\n') { report("phase"); beginMeasure(); }
    return bytes != 0;
}

void probe(void) {
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    static struct device standardInput;
    uint64_t start = nowNs();
    for (unsigned index = 0; index < deviceCount; index++)
        devices[index].dueNs = start + periodOfProbes() * (index + 1) / deviceCount;
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &standardInput};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        sendDue();
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, 1000);
        for (int index = 0; index < count; index++) {
            struct device *device = events[index].data.ptr;
            if (device == &standardInput) {
                if (!answerLines()) return;
            } else if (device) {
                step(device, events[index].events);
            } else {
                uint64_t expired;
                (void)!read(timer, &expired, sizeof expired);
            }
        }
    }
}
