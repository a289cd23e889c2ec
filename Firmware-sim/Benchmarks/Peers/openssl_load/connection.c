/* A connection from its socket to its end, and the bytes over it, with TLS or without. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "options.h"
#include "process.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    SOURCE_ADDRESSES = 16,        /* 127.0.0.2 and on: one address has some 28,000 ports towards one server */
    COMPLAINTS_MAX = 5,           /* failures that are told in full on standard error */
};

int poller;
unsigned underWayCount;
static unsigned complaints;

void makePoller(void) {
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("out of memory");
}

void watch(struct device *device, bool write) {
    if (device->wantsWrite == write) return;
    device->wantsWrite = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.ptr = device};
    epoll_ctl(poller, EPOLL_CTL_MOD, device->fd, &event);
}

void leave(struct device *device, bool politely) {
    if (device->ssl) {
        if (politely) {
            static const unsigned char disconnect[] = {0xe0, 0};
            SSL_write(device->ssl, disconnect, sizeof disconnect);
            SSL_shutdown(device->ssl);
        }
        SSL_free(device->ssl);
        device->ssl = NULL;
        ERR_clear_error();
    }
    if (device->fd >= 0) close(device->fd);
    device->fd = -1;
}

void failed(struct device *device, enum failure kind, const char *what) {
    if (device->state == LIVE) tally.lost++;
    else { tally.failed[kind]++; underWayCount--; }
    if (complaints++ < COMPLAINTS_MAX) {
        unsigned long code = ERR_peek_last_error();
        fprintf(stderr, "openssl_load: %s: %s%s%s\n", device->name, what, code ? ": " : "",
                code ? ERR_reason_error_string(code) : "");
    }
    ERR_clear_error();
    leave(device, false);
    device->state = GONE;
}

void begin(struct device *device) {
    tally.attempted++;
    underWayCount++;
    device->inBytes = 0;
    device->visits++;
    device->state = IN_TCP;
    device->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (device->fd < 0) { failed(device, TCP_FAILED, strerror(errno)); return; }
    int on = 1;
    setsockopt(device->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(device->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(0x7f000002u + device->number % SOURCE_ADDRESSES)};
    if (bind(device->fd, (struct sockaddr *)&source, sizeof source) != 0
        || (connect(device->fd, (struct sockaddr *)&option.target, sizeof option.target) != 0
            && errno != EINPROGRESS)) {
        failed(device, TCP_FAILED, strerror(errno));
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = device};
    device->wantsWrite = true;
    epoll_ctl(poller, EPOLL_CTL_ADD, device->fd, &event);
}

ssize_t transmit(struct device *device, const unsigned char *bytes, size_t count) {
    if (!device->ssl) {
        ssize_t written = send(device->fd, bytes, count, MSG_NOSIGNAL);
        if (written >= 0 && (size_t)written != count) fail("a packet was written in part");
        return written < 0 && (errno == EAGAIN) ? 0 : written;
    }
    int written = SSL_write(device->ssl, bytes, (int)count);
    if (written > 0) return written;
    int why = SSL_get_error(device->ssl, written);
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
}

ssize_t receive(struct device *device, unsigned char *to, size_t room) {
    if (!device->ssl) {
        ssize_t count = recv(device->fd, to, room, 0);
        return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
    }
    int count = SSL_read(device->ssl, to, (int)room);
    if (count > 0) return count;
    int why = SSL_get_error(device->ssl, count);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

void accepted(struct device *device) {
    underWayCount--;
    tally.connected++;
    if (device->ssl && SSL_session_reused(device->ssl)) tally.resumed++;
    if (option.mode == CONNECT) {
        leave(device, true);
        device->state = AWAY;
        return;
    }
    device->state = LIVE;
    watch(device, false);
}
