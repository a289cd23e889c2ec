import DeviceRegistry
import FleetPolicy
import Gateway
import Logging

/// Answers the gateway's questions between CONNECT and the broker from the registry.
struct RegistryAuthority: AdmissionAuthority {
    let registry: DeviceRegistry
    let logger: Logger

    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict {
        if let factor = request.secondFactor {
            switch await self.registry.verify(password: request.password ?? [], hash: factor.passwordHash) {
            case .accepted: break
            case .refused:
                return .refused(
                    code: SessionEnd.Code.badPassword.rawValue, detail: "the password is not the device's")
            case .overloaded: return .unavailable(detail: "too many passwords wait to be looked at")
            }
        }
        guard let need = request.registration else { return .admitted }
        return await self.register(need, SeenCertificate(request.certificate), address: request.remoteAddress)
    }

    /// Puts a device that was refused for now into the queue of those to be approved.
    func enqueue(_ need: RegistrationNeed, _ certificate: SeenCertificate, address: String) async {
        _ = await self.register(need, certificate, address: address)
    }

    private func register(
        _ need: RegistrationNeed, _ certificate: SeenCertificate, address: String
    ) async -> AdmissionVerdict {
        switch await self.registry.register(need, certificate: certificate, address: address) {
        case .registered:
            self.log(need, state: .active)
            return .admitted
        case .pending:
            self.log(need, state: .pending)
            // A device with a quarantine profile is let in with it while it waits.
            return need.state == .pending
                ? .admitted : .refused(code: PolicyDenial.Code.devicePending.rawValue, detail: "it waits for approval")
        case .quotaExceeded:
            let code = PolicyDenial.Code.registrationQuotaExceeded.rawValue
            self.logger.log(
                .warning, "device not registered",
                fields: [
                    .device: "\(need.key.deviceID)", .tenant: "\(need.key.tenant)", .profile: "\(need.profile)",
                    .reason: "\(code)",
                ])
            return .refused(code: code, detail: "the profile's quota of registrations is used up")
        case .failed(let error) where error.code == .wrongState:
            return .refused(code: "registration-refused", detail: error.message)
        case .failed(let error):
            return .unavailable(detail: error.message)
        }
    }

    private func log(_ need: RegistrationNeed, state: DeviceState) {
        self.logger.log(
            .notice, "device registered",
            fields: [
                .device: "\(need.key.deviceID)", .tenant: "\(need.key.tenant)", .profile: "\(need.profile)",
                .state: "\(state.rawValue)",
            ])
    }
}
