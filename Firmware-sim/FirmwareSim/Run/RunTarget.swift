extension RunPlan.Target {
    /// Reads `HOST:PORT`, `[IPV6]:PORT` or `HOST` (port 8883, MQTT over TLS).
    init(option text: String, serverName: String?) throws(SimulatorError) {
        let mistake = SimulatorError.options("bad-target", "--target '\(text)' is not HOST:PORT or [IPV6]:PORT")
        let host: Substring
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw mistake }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw mistake }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first else { throw mistake }
            host = first
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host.utf8.count <= 255, !host.contains(where: \.isWhitespace) else { throw mistake }
        self.port = 8883
        if let portText {
            guard let port = Int(portText), (1...65_535).contains(port) else { throw mistake }
            self.port = port
        }
        self.host = String(host)
        self.serverName = serverName ?? self.host
    }
}
