/* What a device does about what its socket tells: on through TCP, TLS and CONNECT, and then about each packet. */
#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "connection.h"
#include "options.h"
#include "packets.h"
#include "works.h"

static void puback(struct device *device) {
    if (option.mode == LATENCY) probeAcknowledged(device);
    else if (option.mode == FLOOD) floodAcknowledged(device);
}

static void handleInput(struct device *device) {
    for (;;) {
        ssize_t count = receive(device, device->in + device->inBytes, sizeof device->in - device->inBytes);
        if (count == 0) return;
        if (count < 0) {
            failed(device, CLOSED_BY_SERVER, device->state == LIVE ? "the server closed" : "closed before CONNACK");
            return;
        }
        device->inBytes += (size_t)count;
        size_t at = 0;
        while (device->inBytes - at >= 2) {
            size_t length = device->in[at + 1];
            if (length > 127) { failed(device, MQTT_REFUSED, "an unexpected packet"); return; }
            if (device->inBytes - at < length + 2) break;
            unsigned char type = device->in[at] >> 4, code = length >= 2 ? device->in[at + 3] : 0;
            at += length + 2;
            if (device->state == IN_CONNACK && type == 2) {
                if (code != 0) { failed(device, MQTT_REFUSED, "CONNACK refuses"); return; }
                accepted(device);
            } else if (device->state == LIVE && type == 4) {
                puback(device);
            } else if (type == 14) {
                failed(device, CLOSED_BY_SERVER, "DISCONNECT from the server");
            }
            if (device->state != LIVE) return;
        }
        memmove(device->in, device->in + at, device->inBytes - at);
        device->inBytes -= at;
    }
}

void step(struct device *device, uint32_t events) {
    ERR_clear_error();
    if (device->state == IN_TCP) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) { failed(device, TCP_FAILED, strerror(error)); return; }
        if (!(events & EPOLLOUT)) return;
        device->state = IN_TLS;
        beginTLS(device);
        watch(device, false);
    }
    if (device->state == IN_TLS) {
        if (device->ssl) {
            int result = SSL_connect(device->ssl);
            if (result != 1) {
                int why = SSL_get_error(device->ssl, result);
                if (why == SSL_ERROR_WANT_WRITE) watch(device, true);
                else if (why != SSL_ERROR_WANT_READ) failed(device, TLS_FAILED, "TLS handshake");
                return;
            }
        }
        unsigned char packet[CONNECT_ROOM];
        if (transmit(device, packet, connectPacket(device, packet)) <= 0) {
            failed(device, TLS_FAILED, "CONNECT was not sent");
            return;
        }
        device->state = IN_CONNACK;
        watch(device, false);
    }
    if (device->state == IN_CONNACK || device->state == LIVE) {
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) handleInput(device);
        if (device->state == LIVE && option.mode == FLOOD && (events & EPOLLOUT) && device->wantsWrite) pump(device);
    }
}

void turn(int timeoutMs) {
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, timeoutMs);
    for (int index = 0; index < count; index++) step(events[index].data.ptr, events[index].events);
}
