/// The device classes that ship.
enum DeviceClassLibrary {
    /// Each with its file's text.
    private static let files: [(name: String, bytes: [UInt8])] = [
        ("c1-m0-154", PackageResources.c1_m0_154_yaml),
        ("c2-m0p-154", PackageResources.c2_m0p_154_yaml),
        ("c2-m4sw-ble", PackageResources.c2_m4sw_ble_yaml),
        ("c3-m4cc-ble", PackageResources.c3_m4cc_ble_yaml),
        ("c3-m4sw-wifi", PackageResources.c3_m4sw_wifi_yaml),
        ("c3-m33-asm", PackageResources.c3_m33_asm_yaml),
        ("esp8266", PackageResources.esp8266_yaml),
        ("esp32-wifi", PackageResources.esp32_wifi_yaml),
        ("ltem-m33", PackageResources.ltem_m33_yaml),
        ("nbiot-m33", PackageResources.nbiot_m33_yaml),
        ("linux-gw", PackageResources.linux_gw_yaml),
    ]

    /// The slowest hardware first, `native` last. Read once; the files are part of the program.
    static let all: [DeviceClass] =
        files.compactMap { file in
            // A test reads each of them: a mistake cannot ship.
            try? DeviceClassReader.read(String(decoding: file.bytes, as: UTF8.self), file: "\(file.name).yaml")
        } + [.native]

    static var names: [String] { all.map(\.name) }

    static func deviceClass(named name: String) -> DeviceClass? { all.first { $0.name == name } }

    /// The file of a class as it ships; nil for `native`, which has none.
    static func text(named name: String) -> String? {
        files.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}
