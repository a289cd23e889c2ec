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
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    DEVICES_MAX = 20000,
    BATCH_MAX = 128,              /* PUBLISH packets in one TLS record */
    PAYLOAD_BYTES = 64,
    SOURCE_ADDRESSES = 16,        /* 127.0.0.2 and on: one address has some 28,000 ports towards one server */
    KEEP_ALIVE_SECONDS = 600,
    WRITES_PER_TURN = 4,          /* of one device in a flood, so that all get their turn */
    SAMPLES_MAX = 2000000,
    COMPLAINTS_MAX = 5,           /* failures that are told in full on standard error */
};

enum mode { CONNECT, IDLE, FLOOD, LATENCY };
enum state { AWAY, IN_TCP, IN_TLS, IN_CONNACK, LIVE, GONE };
enum failure { TCP_FAILED, TLS_FAILED, MQTT_REFUSED, CLOSED_BY_SERVER, TIMED_OUT, FAILURE_KINDS };
static const char *const failureNames[FAILURE_KINDS] = {"tcp", "tls", "refused", "closed", "timeout"};

struct device {
    X509 *certificate;
    EVP_PKEY *key;
    SSL_SESSION *session;
    SSL *ssl;
    int fd;
    enum state state;
    bool wantsWrite;              /* what epoll is told */
    unsigned number, visits;
    char name[24];
    unsigned char in[512];        /* an MQTT packet that is not whole yet */
    size_t inBytes;
    unsigned char *out;           /* flood and latency: the packets of a record */
    size_t outBytes;
    bool outPending;              /* `out` has to be written again: the socket was full */
    bool finalSent;
    uint64_t sent, acknowledged;
    uint16_t packetId;
    bool underWay;                /* latency: a message is */
    uint64_t dueNs, countedFromNs;
};

static struct {
    enum mode mode;
    struct sockaddr_in target;
    const char *tls, *ca, *issuer, *issuerKey;
    unsigned first, count, devices, concurrency, batch, window, qos, periodUs, timeoutSeconds;
    uint64_t messages;
    bool resume;
} option = {.tls = "1.3", .first = 100000, .count = 1000, .devices = 0, .concurrency = 24, .batch = 1, .window = 16,
            .periodUs = 1000, .timeoutSeconds = 120, .messages = 1000};

static struct {
    uint64_t attempted, connected, resumed, failed[FAILURE_KINDS], lost;
    uint64_t beganNs, cpuBeganNs;
} tally;

static SSL_CTX *context;
static struct device *devices;
static unsigned deviceCount;
static int poller, timer = -1;
static uint64_t *samples;
static size_t sampleCount;
static unsigned complaints;
static X509 *issuerCertificate;
static EVP_PKEY *issuerKey;
static unsigned underWayCount;
static uint64_t floodsDone;

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("openssl_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static uint64_t nowNs(void) { return nanoseconds(CLOCK_MONOTONIC); }

/* --- certificates ------------------------------------------------------------------------------------------------- */

static void addExtension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX about;
    X509V3_set_ctx(&about, issuerCertificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &about, nid, value);
    if (!extension || !X509_add_ext(certificate, extension, -1)) fail("cannot make a certificate extension");
    X509_EXTENSION_free(extension);
}

static void makeCredential(struct device *device) {
    device->key = EVP_EC_gen("P-256");
    X509 *certificate = device->certificate = X509_new();
    if (!device->key || !certificate) fail("cannot make a key");
    unsigned char serial[16];
    RAND_bytes(serial, sizeof serial);
    serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 7 * 86400);
    char site[24];
    snprintf(site, sizeof site, "site-%u", device->number % 10);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"FleetGate Bench", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_UTF8, (const unsigned char *)site, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)device->name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuerCertificate));
    X509_set_pubkey(certificate, device->key);
    addExtension(certificate, NID_basic_constraints, "critical,CA:FALSE");
    addExtension(certificate, NID_key_usage, "critical,digitalSignature");
    addExtension(certificate, NID_ext_key_usage, "clientAuth");
    addExtension(certificate, NID_subject_key_identifier, "hash");
    addExtension(certificate, NID_authority_key_identifier, "keyid");
    if (!X509_sign(certificate, issuerKey, EVP_sha256())) fail("cannot sign a certificate");
}

static int keepSession(SSL *ssl, SSL_SESSION *session) {
    struct device *device = SSL_get_app_data(ssl);
    SSL_SESSION_free(device->session);
    device->session = session;
    return 1;
}

static void makeContext(void) {
    if (strcmp(option.tls, "none") == 0) return;
    FILE *file = fopen(option.issuer, "r");
    if (!file || !(issuerCertificate = PEM_read_X509(file, NULL, NULL, NULL))) fail("cannot read %s", option.issuer);
    fclose(file);
    file = fopen(option.issuerKey, "r");
    if (!file || !(issuerKey = PEM_read_PrivateKey(file, NULL, NULL, NULL))) fail("cannot read %s", option.issuerKey);
    fclose(file);
    int version = strcmp(option.tls, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    context = SSL_CTX_new(TLS_client_method());
    /* What small devices have: P-256 for everything, AES-128 in GCM. The same for every server. */
    if (!context || !SSL_CTX_set_min_proto_version(context, version) || !SSL_CTX_set_max_proto_version(context, version)
        || !SSL_CTX_set1_groups_list(context, "P-256")
        || !SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256")
        || !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256")
        || !SSL_CTX_load_verify_file(context, option.ca))
        fail("cannot set up TLS");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* Nobody is sent the CA that it trusts anyway: a device sends its own certificate and no more. */
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    /* firmware-sim asks for no ticket when it will not come again; nor does this, so that the two can be compared. */
    if (!option.resume) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keepSession);
}

/* --- MQTT packets ------------------------------------------------------------------------------------------------- */

static size_t putText(unsigned char *to, const char *text) {
    size_t bytes = strlen(text);
    to[0] = (unsigned char)(bytes >> 8);
    to[1] = (unsigned char)bytes;
    memcpy(to + 2, text, bytes);
    return bytes + 2;
}

static size_t connectPacket(const struct device *device, unsigned char *to) {
    static const unsigned char head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, KEEP_ALIVE_SECONDS >> 8,
                                         KEEP_ALIVE_SECONDS & 0xff};
    memcpy(to + 2, head, sizeof head);
    /* A client id for each visit: with one alone, the broker could still be about to end the visit before. */
    char clientId[40];
    snprintf(clientId, sizeof clientId, "%s.%u", device->name, device->visits);
    size_t bytes = sizeof head + putText(to + 2 + sizeof head, clientId);
    to[0] = 0x10;
    to[1] = (unsigned char)bytes;
    return bytes + 2;
}

/* One PUBLISH of 64 bytes; always shorter than 128 bytes, so that its length is one byte. */
static size_t publishPacket(const struct device *device, unsigned qos, uint16_t packetId, unsigned char *to) {
    char topic[64];
    snprintf(topic, sizeof topic, "meters/site-%u/%s/telemetry", device->number % 10, device->name);
    size_t bytes = putText(to + 2, topic);
    if (qos) {
        to[2 + bytes] = (unsigned char)(packetId >> 8);
        to[3 + bytes] = (unsigned char)packetId;
        bytes += 2;
    }
    memset(to + 2 + bytes, 'x', PAYLOAD_BYTES);
    bytes += PAYLOAD_BYTES;
    to[0] = (unsigned char)(0x30 | qos << 1);
    to[1] = (unsigned char)bytes;
    return bytes + 2;
}

static uint16_t nextPacketId(struct device *device) {
    if (++device->packetId == 0) device->packetId = 1;
    return device->packetId;
}

/* --- one device's connection -------------------------------------------------------------------------------------- */

static void watch(struct device *device, bool write) {
    if (device->wantsWrite == write) return;
    device->wantsWrite = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.ptr = device};
    epoll_ctl(poller, EPOLL_CTL_MOD, device->fd, &event);
}

static void leave(struct device *device, bool politely) {
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

static void failed(struct device *device, enum failure kind, const char *what) {
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

static void begin(struct device *device) {
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

static ssize_t transmit(struct device *device, const unsigned char *bytes, size_t count) {
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

/* > 0: so many bytes; 0: nothing there; < 0: the end. */
static ssize_t receive(struct device *device, unsigned char *to, size_t room) {
    if (!device->ssl) {
        ssize_t count = recv(device->fd, to, room, 0);
        return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
    }
    int count = SSL_read(device->ssl, to, (int)room);
    if (count > 0) return count;
    int why = SSL_get_error(device->ssl, count);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void accepted(struct device *device) {
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

/* --- flood and latency -------------------------------------------------------------------------------------------- */

static void fillBatch(struct device *device, unsigned qos, unsigned packets) {
    device->outBytes = 0;
    for (unsigned index = 0; index < packets; index++)
        device->outBytes += publishPacket(device, qos, qos ? nextPacketId(device) : 0, device->out + device->outBytes);
}

/* Writes as much as the window and the socket allow, up to WRITES_PER_TURN records. */
static void pump(struct device *device) {
    for (unsigned turn = 0; turn < WRITES_PER_TURN; turn++) {
        if (!device->outPending) {
            uint64_t left = option.messages - device->sent;
            unsigned packets = left < option.batch ? (unsigned)left : option.batch;
            if (packets == 0) {
                /* The broker answers the last one, at QoS 1, when it has read all before it. */
                if (option.qos == 1 || device->finalSent) break;
                device->finalSent = true;
                fillBatch(device, 1, 1);
            } else {
                if (option.qos == 1 && device->sent - device->acknowledged + packets > option.window) break;
                fillBatch(device, option.qos, packets);
                device->sent += packets;
            }
            device->outPending = true;
        }
        ssize_t written = transmit(device, device->out, device->outBytes);
        if (written < 0) { failed(device, CLOSED_BY_SERVER, "the server closed in the flood"); return; }
        if (written == 0) { watch(device, true); return; }
        device->outPending = false;
    }
    bool more = option.qos == 1
        ? device->sent < option.messages && device->sent - device->acknowledged + option.batch <= option.window
        : !device->finalSent;
    watch(device, more);
}

static void sendProbe(struct device *device, uint64_t now) {
    uint64_t periodNs = (uint64_t)option.periodUs * 1000;
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

static void addSample(uint64_t ns) {
    if (sampleCount < SAMPLES_MAX) samples[sampleCount++] = ns;
}

static void puback(struct device *device) {
    if (option.mode == LATENCY && device->underWay) {
        uint64_t now = nowNs();
        device->underWay = false;
        device->acknowledged++;
        addSample(now - device->countedFromNs);
        if (device->dueNs <= now) sendProbe(device, now);
    } else if (option.mode == FLOOD) {
        device->acknowledged++;
        uint64_t expected = option.qos == 1 ? option.messages : 1;
        if (device->acknowledged == expected) { floodsDone++; watch(device, false); }
        else if (device->acknowledged < expected && option.qos == 1 && !device->wantsWrite) pump(device);
    }
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

static void step(struct device *device, uint32_t events) {
    ERR_clear_error();
    if (device->state == IN_TCP) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) { failed(device, TCP_FAILED, strerror(error)); return; }
        if (!(events & EPOLLOUT)) return;
        device->state = IN_TLS;
        if (context) {
            device->ssl = SSL_new(context);
            if (!device->ssl || !SSL_set_fd(device->ssl, device->fd)
                || !SSL_use_certificate(device->ssl, device->certificate)
                || !SSL_use_PrivateKey(device->ssl, device->key))
                fail("cannot begin a TLS connection");
            SSL_set_app_data(device->ssl, device);
            SSL_set_tlsext_host_name(device->ssl, "localhost");
            SSL_set1_host(device->ssl, "localhost");
            if (option.resume && device->session) SSL_set_session(device->ssl, device->session);
        }
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
        unsigned char packet[64];
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

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void beginMeasure(void) {
    memset(&tally, 0, sizeof tally);
    sampleCount = 0;
    tally.beganNs = nowNs();
    tally.cpuBeganNs = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static double quantileUs(double share) {
    if (sampleCount == 0) return 0;
    return (double)samples[(size_t)(share * (double)(sampleCount - 1) + 0.5)] / 1000.0;
}

static void report(const char *event) {
    uint64_t acknowledged = 0, sent = 0;
    for (unsigned index = 0; index < deviceCount; index++) {
        acknowledged += devices[index].acknowledged;
        sent += devices[index].sent;
    }
    printf("{\"event\":\"%s\",\"attempted\":%" PRIu64 ",\"connected\":%" PRIu64 ",\"resumed\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"failures\":{",
           event, tally.attempted, tally.connected, tally.resumed, tally.lost, sent, acknowledged);
    for (unsigned kind = 0; kind < FAILURE_KINDS; kind++)
        printf("%s\"%s\":%" PRIu64, kind ? "," : "", failureNames[kind], tally.failed[kind]);
    printf("},\"wallSeconds\":%.6f,\"cpuSeconds\":%.6f", (double)(nowNs() - tally.beganNs) / 1e9,
           (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - tally.cpuBeganNs) / 1e9);
    if (option.mode == FLOOD) {
        unsigned char packet[256];
        printf(",\"recordBytes\":%zu", option.batch * publishPacket(&devices[0], option.qos, 1, packet));
    }
    if (option.mode == LATENCY) {
        /* A message that waits longer than a period counts with the time it has waited until now: without these, the
           slowest ones would be missing. */
        uint64_t now = nowNs(), periodNs = (uint64_t)option.periodUs * 1000;
        for (unsigned index = 0; index < deviceCount; index++) {
            const struct device *device = &devices[index];
            if (device->state == LIVE && device->underWay && now > device->countedFromNs + periodNs)
                addSample(now - device->countedFromNs);
        }
        qsort(samples, sampleCount, sizeof *samples, ascending);
        printf(",\"samples\":%zu,\"p50Us\":%.1f,\"p90Us\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f", sampleCount,
               quantileUs(0.5), quantileUs(0.9), quantileUs(0.99), quantileUs(1));
    }
    printf("}\n");
    fflush(stdout);
}

/* The next line of standard input; ends the program when there is none any more. */
static void awaitLine(void) {
    char byte = 0;
    do {
        if (read(STDIN_FILENO, &byte, 1) != 1) exit(0);
    } while (byte != '\n');
}

static void turn(int timeoutMs) {
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, timeoutMs);
    for (int index = 0; index < count; index++) {
        if (events[index].data.ptr) step(events[index].data.ptr, events[index].events);
        else { uint64_t expired; (void)!read(timer, &expired, sizeof expired); }
    }
}

/* Connects `count` times: devices one after the other, round and round, but none that is still at it. */
static void connectAll(unsigned count, unsigned concurrency) {
    uint64_t deadline = nowNs() + (uint64_t)option.timeoutSeconds * 1000000000u;
    unsigned begun = 0, next = 0;
    while (begun < count || underWayCount > 0) {
        while (begun < count && underWayCount < concurrency) {
            struct device *device = &devices[next];
            if (device->state != AWAY && device->state != GONE) break;
            next = (next + 1) % deviceCount;
            begun++;
            begin(device);
        }
        turn(100);
        if (nowNs() > deadline) break;
    }
    for (unsigned index = 0; index < deviceCount; index++) {
        enum state state = devices[index].state;
        if (state == IN_TCP || state == IN_TLS || state == IN_CONNACK)
            failed(&devices[index], TIMED_OUT, "not connected in time");
    }
}

static void flood(void) {
    uint64_t deadline = nowNs() + (uint64_t)option.timeoutSeconds * 1000000000u;
    for (unsigned index = 0; index < deviceCount; index++)
        if (devices[index].state == LIVE) pump(&devices[index]);
    while (floodsDone + tally.lost < deviceCount && nowNs() < deadline) turn(100);
}

/* Until standard input ends: sends what is due, and tells the figures at each line. */
static void probe(void) {
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    static struct device standardInput;
    standardInput.fd = STDIN_FILENO;
    uint64_t start = nowNs();
    for (unsigned index = 0; index < deviceCount; index++)
        devices[index].dueNs = start + (uint64_t)option.periodUs * 1000 * (index + 1) / deviceCount;
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &standardInput};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
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
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, 1000);
        for (int index = 0; index < count; index++) {
            struct device *device = events[index].data.ptr;
            if (device == &standardInput) {
                char line[64];
                ssize_t bytes = read(STDIN_FILENO, line, sizeof line);
                if (bytes == 0) return;
                for (ssize_t at_ = 0; at_ < bytes; at_++)
                    if (line[at_] == '\n') { report("phase"); beginMeasure(); }
            } else if (device) {
                step(device, events[index].events);
            } else {
                uint64_t expired;
                (void)!read(timer, &expired, sizeof expired);
            }
        }
    }
}

static unsigned number(const char *text, unsigned least, unsigned most) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == 0 || *end != 0 || value < least || value > most)
        fail("%s is not a number from %u to %u", text, least, most);
    return (unsigned)value;
}

static void parse(int count, char **words) {
    if (count < 2)
        fail("usage: openssl_load connect|idle|flood|latency --port PORT [--tls none] [--ca FILE --issuer FILE ...]");
    static const char *const modes[] = {"connect", "idle", "flood", "latency"};
    int mode = -1;
    for (int index = 0; index < 4; index++) if (strcmp(words[1], modes[index]) == 0) mode = index;
    if (mode < 0) fail("unknown work: %s", words[1]);
    option.mode = (enum mode)mode;
    option.target = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int index = 2; index < count; index++) {
        const char *name = words[index];
        if (strcmp(name, "--resume") == 0) { option.resume = true; continue; }
        if (++index == count) fail("%s needs a value", name);
        const char *value = words[index];
        if (strcmp(name, "--port") == 0) option.target.sin_port = htons((uint16_t)number(value, 1, 65535));
        else if (strcmp(name, "--tls") == 0) option.tls = value;
        else if (strcmp(name, "--ca") == 0) option.ca = value;
        else if (strcmp(name, "--issuer") == 0) option.issuer = value;
        else if (strcmp(name, "--issuer-key") == 0) option.issuerKey = value;
        else if (strcmp(name, "--first") == 0) option.first = number(value, 1, 900000000);
        else if (strcmp(name, "--count") == 0) option.count = number(value, 1, 10000000);
        else if (strcmp(name, "--devices") == 0) option.devices = number(value, 1, DEVICES_MAX);
        else if (strcmp(name, "--concurrency") == 0) option.concurrency = number(value, 1, DEVICES_MAX);
        else if (strcmp(name, "--messages") == 0) option.messages = number(value, 1, 100000000);
        else if (strcmp(name, "--batch") == 0) option.batch = number(value, 1, BATCH_MAX);
        else if (strcmp(name, "--window") == 0) option.window = number(value, 1, 65535);
        else if (strcmp(name, "--qos") == 0) option.qos = number(value, 0, 1);
        else if (strcmp(name, "--period-us") == 0) option.periodUs = number(value, 1, 60000000);
        else if (strcmp(name, "--timeout") == 0) option.timeoutSeconds = number(value, 1, 3600);
        else fail("unknown option: %s", name);
    }
    if (option.target.sin_port == 0) fail("--port is missing");
    if (strcmp(option.tls, "none") != 0 && (!option.ca || !option.issuer || !option.issuerKey))
        fail("--ca, --issuer and --issuer-key are needed");
    if (option.window < option.batch) fail("--window is less than --batch: nothing could be sent");
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    parse(count, words);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
    makeContext();
    deviceCount = option.devices ? option.devices : option.count;
    if (deviceCount > DEVICES_MAX) fail("at most %d devices", DEVICES_MAX);
    devices = calloc(deviceCount, sizeof *devices);
    samples = option.mode == LATENCY ? calloc(SAMPLES_MAX, sizeof *samples) : NULL;
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!devices || poller < 0 || (option.mode == LATENCY && !samples)) fail("out of memory");

    for (unsigned index = 0; index < deviceCount; index++) {
        struct device *device = &devices[index];
        device->number = option.first + index;
        device->fd = -1;
        snprintf(device->name, sizeof device->name, "meter-%06u", device->number);
        if (context) makeCredential(device);
        if (option.mode == FLOOD || option.mode == LATENCY) {
            device->out = malloc((size_t)option.batch * 192);
            if (!device->out) fail("out of memory");
        }
    }
    if (option.resume || option.mode == FLOOD || option.mode == LATENCY) {
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
        /* Whoever was closed in the meantime is known when all has been read. */
        for (unsigned rounds = 0; rounds < 100 && tally.lost < deviceCount; rounds++) turn(0);
        report("ended");
    }
    for (unsigned index = 0; index < deviceCount; index++)
        if (devices[index].state == LIVE) leave(&devices[index], true);
    return 0;
}
