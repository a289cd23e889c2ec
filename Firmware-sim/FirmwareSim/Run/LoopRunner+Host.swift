import MQTTCodec
import NIOCore
import NIOMbedTLS

extension LoopRunner: DeviceHost {
    var mqtt: MQTTProtocolVersion { material.plan.mqtt }

    func record(_ observation: Observation, of device: SimulatedDevice, now: NIODeadline) {
        statistics.record(observation, fleet: device.fleetIndex, now: now)
        if observation == .attempt, let slot = places[device.index] { setAttempting(true, slot) }
        if case .latency(.connected, _) = observation, let slot = places[device.index] {
            countConnected(slot, at: now, isInMeasuredPart: now >= epoch + material.measuredFrom)
        }
    }

    func connectedChanged(_ runner: DeviceRunner, isConnected: Bool) {
        guard let slot = places[runner.device.index], slots[slot].isConnected != isConnected else { return }
        slots[slot].isConnected = isConnected
        connectedNow += isConnected ? 1 : -1
    }

    func openConnection(for runner: DeviceRunner) {
        let attempt = runner.session.history.attempts
        contexts.take(runner.device) { [weak self, weak runner] made in
            // The attempt may have ended while its context was being made, and the next one have begun.
            guard let self, let runner, runner.session.isConnecting, runner.session.history.attempts == attempt
            else { return }
            switch made {
            case .success(let context):
                runner.connect(
                    with: context, to: self.material.target, serverName: self.material.plan.target.serverName,
                    from: self.material.source(of: runner.device))
            case .failure(let error):
                runner.connectionFailed(FailureCode.of(error))
            }
        }
    }

    /// Filler of the given length; devices share the bytes.
    func payload(bytes: Int) -> ByteBuffer {
        if let payload = payloads[bytes] { return payload }
        var generator = SeededGenerator(seed: material.plan.seed, stream: UInt64(bytes))
        // Thirty-two of them, so that a draw of 64 bits gives eight: the longest payload takes milliseconds.
        let letters = Array("abcdefghijklmnopqrstuvwxyz012345".utf8)
        var payload = ByteBuffer()
        payload.reserveCapacity(bytes)
        while payload.readableBytes < bytes {
            var draw = generator.next()
            for _ in 0..<min(8, bytes - payload.readableBytes) {
                payload.writeInteger(letters[Int(draw % 32)])
                draw >>= 8
            }
        }
        payloads[bytes] = payload
        return payload
    }

    func peer(fleet: String, place: Int) -> SimulatedDevice? { material.device(fleet: fleet, place: place) }

    func count(fleet: String) -> Int { material.count(fleet: fleet) }

    func renewCredential(of runner: DeviceRunner, _ body: @escaping (Bool) -> Void) {
        guard let renew = material.renew else {
            body(false)
            return
        }
        let device = runner.device
        contexts.onThread {
            try renew(device)
        } then: { [weak self] result in
            switch result {
            case .success(let credential):
                self?.contexts.renew(device, credential)
                body(true)
            case .failure:
                body(false)
            }
        }
    }

    func isLinkUp(for device: SimulatedDevice) -> Bool { !fleetsWithoutLink.contains(device.fleetIndex) }
}
