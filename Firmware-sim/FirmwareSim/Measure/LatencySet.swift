import NIOCore

/// One histogram for each kind of latency that occurred. Without memory for the others.
struct LatencySet: Sendable {
    private let resolution: LatencyHistogram.Resolution
    /// By ``LatencyKind/place``.
    private var histograms = [LatencyHistogram?](repeating: nil, count: LatencyKind.allCases.count)

    init(_ resolution: LatencyHistogram.Resolution) {
        self.resolution = resolution
    }

    mutating func record(_ kind: LatencyKind, _ time: TimeAmount) {
        if histograms[kind.place] == nil { histograms[kind.place] = LatencyHistogram(resolution) }
        histograms[kind.place]?.record(time)
    }

    mutating func merge(_ other: LatencySet) {
        for kind in LatencyKind.allCases {
            guard let theirs = other[kind] else { continue }
            if histograms[kind.place] == nil { histograms[kind.place] = LatencyHistogram(resolution) }
            histograms[kind.place]?.merge(theirs)
        }
    }

    /// Nil: none was recorded.
    subscript(kind: LatencyKind) -> LatencyHistogram? { histograms[kind.place] }

    var all: [(kind: LatencyKind, histogram: LatencyHistogram)] {
        LatencyKind.allCases.compactMap { kind in self[kind].map { (kind, $0) } }
    }
}

extension LatencyKind {
    /// From 0, in the order of `allCases`.
    var place: Int {
        switch self {
        case .tcp: 0
        case .tls: 1
        case .connack: 2
        case .connected: 3
        case .send: 4
        case .publish: 5
        case .established: 6
        case .command: 7
        }
    }
}
