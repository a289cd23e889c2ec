#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// From values to 0 to 1 along an axis, with ticks at numbers that people like.
struct PlotScale: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case linear
        case logarithmic
    }

    let kind: Kind
    let lower: Double
    let upper: Double
    /// Ascending, within the bounds.
    let ticks: [Double]

    /// Where a value lies, 0 at the lower end, 1 at the upper; values beyond the ends are moved to them.
    func position(_ value: Double) -> Double {
        guard upper > lower, value.isFinite else { return 0 }
        switch kind {
        case .linear:
            return min(max((value - lower) / (upper - lower), 0), 1)
        case .logarithmic:
            guard value > lower else { return 0 }
            return min(log10(value / lower) / log10(upper / lower), 1)
        }
    }

    /// From 0 to at least `maximum`, with about `tickCount` steps.
    static func linear(to maximum: Double, unit: PlotUnit, tickCount: Int = 5) -> PlotScale {
        var maximum = maximum.isFinite ? min(max(maximum, 0), 1e15) : 0
        // An axis without any height is drawn as if to one.
        if maximum <= 0 { maximum = unit == .bytes ? 1_024 : 1 }
        var divisor = 1.0
        if unit == .bytes {
            while maximum / divisor >= 1_024 { divisor *= 1_024 }
        }
        var step = niceStep(maximum / divisor / Double(tickCount)) * divisor
        if unit.isWhole { step = max(1, step) }
        if unit == .share, maximum <= 1 { step = 0.25 }
        let count = (maximum / step - 1e-9).rounded(.up)
        let upper = unit == .share && maximum <= 1 ? 1 : max(1, count) * step
        return PlotScale(
            kind: .linear, lower: 0, upper: upper,
            ticks: stride(from: 0, through: upper * 1.000_001, by: step).map(\.self)
        )
    }

    /// Powers of ten around the values, with 2 and 5 between them where there is room.
    static func logarithmic(from minimum: Double, to maximum: Double) -> PlotScale {
        let minimum = minimum.isFinite ? min(max(minimum, 1), 1e14) : 1
        let maximum = maximum.isFinite ? min(max(maximum, minimum), 1e15) : minimum
        var low = log10(minimum).rounded(.down)
        var high = log10(maximum).rounded(.up)
        if high <= low { high = low + 1 }
        if maximum <= minimum, pow(10, low) >= minimum, low > 0 { low -= 1 }
        var lower = pow(10, low)
        var upper = pow(10, high)
        // Two thirds of a decade without a value are no use.
        if minimum >= 5 * lower { lower *= 5 } else if minimum >= 2 * lower { lower *= 2 }
        if maximum <= upper / 5, upper / 5 > lower {
            upper /= 5
        } else if maximum <= upper / 2, upper / 2 > lower {
            upper /= 2
        }
        let isShort = high - low <= 3
        var ticks: [Double] = []
        for exponent in stride(from: low, through: high, by: 1) {
            for factor in isShort ? [1.0, 2, 5] : [1.0] {
                let tick = factor * pow(10, exponent)
                if tick >= lower * 0.999, tick <= upper * 1.001 { ticks.append(tick) }
            }
        }
        return PlotScale(kind: .logarithmic, lower: lower, upper: upper, ticks: ticks)
    }

    /// Seconds from 0, with ticks at whole seconds, minutes, hours, days.
    static func time(to seconds: Double, tickCount: Int = 8) -> PlotScale {
        let upper = seconds.isFinite && seconds > 0 ? min(seconds, 1e9) : 1
        let wanted = upper / Double(tickCount)
        let usual: [Double] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
        ]
        let step = wanted < 1 ? niceStep(wanted) : usual.first { $0 >= wanted } ?? niceStep(wanted / 86_400) * 86_400
        return PlotScale(
            kind: .linear, lower: 0, upper: upper, ticks: stride(from: 0, through: upper, by: step).map(\.self))
    }

    /// How the ticks of an axis of time are written: all in the largest unit that makes every one of them whole.
    var timeText: @Sendable (Double) -> String {
        let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
        let units: [(String, Double)] = [("d", 86_400), ("h", 3_600), ("min", 60)]
        let (name, seconds) =
            units.first { _, seconds in
                step >= seconds && (step / seconds - (step / seconds).rounded()).magnitude < 1e-6
            } ?? ("s", 1)
        return { "\(PlotUnit.short($0 / seconds)) \(name)" }
    }

    /// 1, 2 or 5 times a power of ten, not below the value.
    private static func niceStep(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        let magnitude = pow(10, log10(value).rounded(.down))
        for factor in [1.0, 2, 5] where factor * magnitude >= value * 0.999_999 {
            return factor * magnitude
        }
        return 10 * magnitude
    }
}
