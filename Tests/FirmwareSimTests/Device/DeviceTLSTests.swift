import NIOCore
import NIOMbedTLS
import Testing

@testable import FirmwareSim

@Suite struct DeviceTLSTests {
    @Test(
        arguments: [
            (.v12, nil, .v1_2 ... .v1_2), (.v13, nil, .v1_3 ... .v1_3), (.v12, .v1_2 ... .v1_3, .v1_2 ... .v1_2),
            (.v13, .v1_2 ... .v1_3, .v1_3 ... .v1_3),
            // A device cannot do what its stack cannot.
            (.v13, .v1_2 ... .v1_2, .v1_2 ... .v1_2), (.newest, .v1_2 ... .v1_2, .v1_2 ... .v1_2),
            (.newest, nil, .v1_2...TLSVersion.highestSupported),
        ] as [(RunPlan.TLSVersionChoice, ClosedRange<TLSVersion>?, ClosedRange<TLSVersion>)])
    func versionsAreThoseOfRunAndClass(
        choice: RunPlan.TLSVersionChoice, able: ClosedRange<TLSVersion>?, expected: ClosedRange<TLSVersion>
    ) {
        var deviceClass = DeviceClass.native
        deviceClass.tls.versions = able
        let tls = DeviceTLS(serverAuthoritiesPEM: "", choice: choice, connectTimeout: .seconds(1))
        #expect(tls.versions(for: deviceClass) == expected)
    }

    @Test(
        arguments: [
            (.never, true, false), (.byClass, true, true), (.byClass, false, false), (.always, false, true),
            (.share(0), true, false), (.share(0.1), false, true),
        ] as [(Resumption, Bool, Bool)])
    func sessionsAreKeptWhereTheyAreOfUse(resumption: Resumption, resumes: Bool, keeps: Bool) {
        var deviceClass = DeviceClass.native
        deviceClass.resumes = resumes
        let settings = DeviceSettings(
            connectTimeout: .seconds(1), firmware: DeviceSessionFirmwareTests.firmware(), deviceClass: deviceClass,
            keepAlive: .zero, resumption: resumption)
        #expect(settings.keepsSessions == keeps)
    }
}
