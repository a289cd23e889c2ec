import MQTTCodec
import NIOCore
import NIOMbedTLS

/// What a device needs of the event loop it runs on. Everything happens on that loop.
protocol DeviceHost: AnyObject {
    var eventLoop: any EventLoop { get }
    var mqtt: MQTTProtocolVersion { get }

    func record(_ observation: Observation, of device: SimulatedDevice, now: NIODeadline)
    /// The device came into the state "accepted by the server", or left it.
    func connectedChanged(_ runner: DeviceRunner, isConnected: Bool)
    /// Makes the device's TLS context and then has it connect (``DeviceRunner/connect(with:to:serverName:from:)``).
    func openConnection(for runner: DeviceRunner)
    /// The attempt under way is decided.
    func attemptDecided(_ runner: DeviceRunner)
    /// The device has no connection and wants none.
    func finished(_ runner: DeviceRunner)
    /// Filler of that length, shared by all devices of the loop.
    func payload(bytes: Int) -> ByteBuffer
    /// A device of a fleet, by its place in it from 0; nil if there is no such fleet or place.
    func peer(fleet: String, place: Int) -> SimulatedDevice?
    /// How many devices a fleet has in the whole run; 0 for one that does not exist.
    func count(fleet: String) -> Int
    /// Makes a new key and certificate for the device, off the loop; `body` is called on the loop.
    func renewCredential(of runner: DeviceRunner, _ body: @escaping (Bool) -> Void)
    /// Whether the device's link is up; while it is down no connection can be made.
    func isLinkUp(for device: SimulatedDevice) -> Bool
    /// When the present stage began: whoever was connected then is established.
    var stageStart: NIODeadline { get }
}
