// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Which mbedTLS: the installed one, or (for `make … MBEDTLS=…`) an unpacked copy of Debian's package, whose root
// directory the Makefile names here. Only the C target sees its headers, so nothing else is rebuilt on a change.
let mbedTLSPrefix = ProcessInfo.processInfo.environment["FLEETGATE_MBEDTLS_PREFIX"].flatMap { $0.isEmpty ? nil : $0 }

#if arch(x86_64)
    let multiarch = "x86_64-linux-gnu"
#else
    let multiarch = "aarch64-linux-gnu"
#endif

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),  // data races are errors: two planes and many event loops leave no room for them
    .enableUpcomingFeature("ExistentialAny"),  // an existential on a hot path is a cost, so it must be written out
    .enableUpcomingFeature("MemberImportVisibility"),  // a file says what it uses: import rules stay checkable
    .enableUpcomingFeature("InternalImportsByDefault"),  // a dependency leaks into an API only by a written `public`
    .treatAllWarnings(as: .error),  // a warning nobody reads is a defect nobody sees
]

/// Where no pointer belongs, the compiler refuses it unless marked; the TLS layer, which is all pointers, is reviewed
/// by hand instead.
let pointerFreeSettings: [SwiftSetting] = swiftSettings + [.strictMemorySafety()]

/// mbedTLS is linked statically, because only then can the linker redirect some of its operations (`--wrap`).
let mbedTLSLinkerFlags: [String] =
    (mbedTLSPrefix.map { ["-L\($0)/usr/lib/\(multiarch)"] } ?? [])
    + [
        "-Xlinker", "--start-group",
        "-Xlinker", "-l:libmbedtls.a", "-Xlinker", "-l:libmbedx509.a", "-Xlinker", "-l:libmbedcrypto.a",
        "-Xlinker", "--end-group",
    ]
let accelerationLinkerFlags = [
    "-Xlinker", "--wrap=mbedtls_ecp_mul",
    "-Xlinker", "--wrap=mbedtls_ecp_mul_restartable",
    "-Xlinker", "--wrap=mbedtls_ecp_muladd_restartable",
    "-Xlinker", "--wrap=mbedtls_mpi_gcd_modinv_odd",  // mbedTLS 3.6's inversion; 2.28 has no such function
    "-Xlinker", "--wrap=mbedtls_mpi_inv_mod",  // 2.28's
    "-Xlinker", "--wrap=mbedtls_ecdsa_read_signature",
    "-Xlinker", "--wrap=mbedtls_pk_verify_ext",
    "-Xlinker", "--wrap=mbedtls_x509_crt_verify_restartable",
    "-Xlinker", "--wrap=mbedtls_gcm_crypt_and_tag",
    "-Xlinker", "--wrap=mbedtls_gcm_auth_decrypt",
    "-Xlinker", "--wrap=mbedtls_sha256_update",
    "-Xlinker", "--wrap=mbedtls_sha256_finish",
    "-Xlinker", "--wrap=mbedtls_sha256_update_ret",  // 2.28's
    "-Xlinker", "--wrap=mbedtls_sha256_finish_ret",  // 2.28's
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTestUtils = Target.Dependency.product(name: "NIOTestUtils", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "fleetgate",
    products: [
        .executable(name: "fleetgate", targets: ["fleetgate"]),
        .executable(name: "firmware-sim", targets: ["firmware-sim"]),
    ],
    traits: [
        .trait(
            name: "FastP256",
            description:
                "P-256, SHA-256 and AES-GCM by libcrypto under mbedTLS, and remembered signatures, at link time"),
        .default(enabledTraits: ["FastP256"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Without its default traits: nothing here reads its configuration from the environment.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        // What Hummingbird's requests and answers are made of; the admin server's own handlers see them.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(
            name: "CMbedTLS",
            cSettings: [
                .define("FLEETGATE_FAST_P256", .when(traits: ["FastP256"])),
                .unsafeFlags(mbedTLSPrefix.map { ["-I\($0)/usr/include"] } ?? []),
            ],
            linkerSettings: [
                .unsafeFlags(mbedTLSLinkerFlags),
                .unsafeFlags(accelerationLinkerFlags, .when(traits: ["FastP256"])),
                .linkedLibrary("crypto"),
            ]
        ),
        .target(name: "CPKCS12", linkerSettings: [.linkedLibrary("crypto")]),
        .target(
            name: "NIOMbedTLS",
            dependencies: ["CMbedTLS", nioCore],
            swiftSettings: swiftSettings
        ),
        .target(name: "MQTTCodec", dependencies: [nioCore], swiftSettings: pointerFreeSettings),
        .target(name: "FleetPolicy", swiftSettings: pointerFreeSettings),
        .target(
            name: "DeviceRegistry",
            dependencies: [
                "FleetPolicy", grdb, logging,
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: pointerFreeSettings
        ),
        .target(
            name: "FleetPKI",
            dependencies: [
                "CPKCS12",
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: pointerFreeSettings
        ),
        .target(name: "CSpawn"),
        .target(
            name: "Gateway",
            dependencies: [
                "CSpawn", "NIOMbedTLS", "MQTTCodec", "FleetPolicy", nioCore, nioPosix, nioConcurrency, logging, metrics,
                coreMetrics, serviceLifecycle, .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: pointerFreeSettings
        ),
        .target(
            name: "AdminAPI",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"), logging, coreMetrics, serviceLifecycle,
                nioCore,
            ],
            swiftSettings: pointerFreeSettings
        ),
        .executableTarget(
            name: "fleetgate",
            dependencies: [
                "Gateway", "AdminAPI", "DeviceRegistry", "FleetPolicy", "FleetPKI", "NIOMbedTLS", argumentParser,
                logging, metrics, nioCore, nioPosix, .product(name: "NIOHTTP1", package: "swift-nio"),
                serviceLifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"), yams,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            // `init` writes the shipped profiles wherever the program has been copied to; they stay data in one place.
            exclude: ["DeviceProfiles/README.md"],
            resources: [
                .embedInCode("DeviceProfiles/smart-meter.yaml"), .embedInCode("DeviceProfiles/asset-tracker.yaml"),
                .embedInCode("DeviceProfiles/building-gateway.yaml"),
                .embedInCode("DeviceProfiles/device-profile.schema.json"),
            ],
            swiftSettings: pointerFreeSettings
        ),
        .target(name: "CProcess", path: "Firmware-sim/CProcess"),
        .target(
            name: "FirmwareSim",
            dependencies: [
                "CProcess", "NIOMbedTLS", "MQTTCodec", "FleetPKI", nioCore, nioPosix, nioEmbedded, nioConcurrency,
                argumentParser, histogram, yams,
                // The metrics endpoint, and the hashes in a report's content security policy.
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"), logging,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Firmware-sim/FirmwareSim",
            // Classes and scenarios stay data in one place, and the program needs no files beside it.
            exclude: [
                "DeviceClasses/README.md", "DeviceClasses/device-class.schema.json",
                "Scenarios/README.md", "Scenarios/scenario.schema.json",
            ],
            resources: [
                "c1-m0-154", "c2-m0p-154", "c2-m4sw-ble", "c3-m4cc-ble", "c3-m4sw-wifi", "c3-m33-asm", "esp8266",
                "esp32-wifi", "ltem-m33", "nbiot-m33", "linux-gw",
            ].map { .embedInCode("DeviceClasses/\($0).yaml") }
                + [
                    "steady-fleet", "ramp", "boot-storm", "reconnect-storm", "thundering-herd",
                    "thundering-herd-jitter", "soak", "mixed-fleet", "hostile-mix",
                ].map { .embedInCode("Scenarios/\($0).yaml") },
            swiftSettings: pointerFreeSettings
        ),
        .executableTarget(
            name: "firmware-sim",
            dependencies: ["FirmwareSim"],
            path: "Firmware-sim/firmware-sim",
            swiftSettings: pointerFreeSettings
        ),
        .target(name: "AllocationCount", path: "Firmware-sim/Benchmarks/AllocationCount"),
        .executableTarget(
            name: "policy-bench",
            dependencies: ["AllocationCount", "FleetPolicy", "FleetPKI", argumentParser, yams],
            path: "Firmware-sim/Benchmarks/PolicyBenchmark",
            swiftSettings: pointerFreeSettings
        ),
        .target(
            name: "TestKit", dependencies: ["CSpawn", "FleetPKI"], path: "Tests/TestKit", swiftSettings: swiftSettings),
        .testTarget(
            name: "NIOMbedTLSTests",
            dependencies: ["TestKit", "NIOMbedTLS", "CMbedTLS", "FleetPKI", nioCore, nioEmbedded],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "MQTTCodecTests",
            dependencies: ["MQTTCodec", nioCore, nioTestUtils],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "FleetPolicyTests",
            dependencies: ["TestKit", "FleetPolicy", yams],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "DeviceRegistryTests",
            dependencies: ["DeviceRegistry", "FleetPolicy", grdb, logging],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "FleetPKITests",
            dependencies: [
                "TestKit", "FleetPKI",
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "NIOMbedTLS", "MQTTCodec", "FleetPolicy", "FleetPKI", nioCore, nioPosix, nioEmbedded,
                logging,
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AdminAPITests",
            dependencies: ["TestKit", "AdminAPI", coreMetrics, metrics, serviceLifecycle, logging, nioCore, nioPosix],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "fleetgateTests",
            dependencies: [
                "TestKit", "fleetgate", "AdminAPI", "DeviceRegistry", "FleetPolicy", "FleetPKI", "Gateway",
                "NIOMbedTLS", logging,
                nioCore, nioPosix, argumentParser,
                .product(name: "NIOHTTP1", package: "swift-nio"),  // the servers that lists are fetched from
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "FirmwareSimTests",
            dependencies: [
                "TestKit", "FirmwareSim", "NIOMbedTLS", "MQTTCodec", "FleetPKI", nioCore, nioPosix, nioEmbedded,
                argumentParser,
                yams, .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "EndToEndTests",
            // The programs are run, not linked: naming them has them built.
            dependencies: ["TestKit", "FleetPKI", "fleetgate", "firmware-sim"],
            swiftSettings: swiftSettings
        ),
    ]
)

// Fuzz targets (`make fuzz`) are built with libFuzzer, and everything they use with its counters: they replace the tests,
// some of whose folders they share.
if ProcessInfo.processInfo.environment["FLEETGATE_FUZZ"] == "1" {
    package.targets.removeAll { $0.type == .test }
    package.targets += [
        .target(
            name: "HostileInput", dependencies: ["NIOMbedTLS"], path: "Tests/NIOMbedTLSTests/HostileInput",
            swiftSettings: swiftSettings),
        .target(
            name: "HostileRevocation", dependencies: ["FleetPKI"], path: "Tests/FleetPKITests/HostileRevocation",
            swiftSettings: swiftSettings),
    ]
    package.targets += ["FuzzTicket", "FuzzIdentity", "FuzzClientHello"].map {
        .executableTarget(name: $0, dependencies: ["HostileInput"], path: "Tests/Fuzz/\($0)")
    }
    package.targets += ["FuzzCRL", "FuzzOCSP"].map {
        .executableTarget(name: $0, dependencies: ["HostileRevocation"], path: "Tests/Fuzz/\($0)")
    }
}
