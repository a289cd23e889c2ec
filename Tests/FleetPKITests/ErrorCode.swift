import FleetPKI
import Testing

/// The reason code of the ``PKIError`` the body throws; nil when it throws nothing.
func code(_ body: () throws -> some Any) throws -> PKIError.Code? {
    do {
        _ = try body()
        return nil
    } catch let error as PKIError {
        return error.code
    }
}
