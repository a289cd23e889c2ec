import NIOCore

/// A stage with its place in the run's time and everything about fleets resolved to their places in the plan.
struct StageOutline: Sendable {
    let name: String
    let isWarmUp: Bool
    /// From the run's first intended start.
    let start: TimeAmount
    let duration: TimeAmount
    /// In the order in which they are done, at the stage's beginning.
    let steps: [Step]
    /// Fleets whose devices have power in it: started in it or before, and not stopped since.
    let powered: Set<Int>

    struct Step: Sendable, Equatable {
        var kind: Stage.Kind
        var fleets: Set<Int>
        /// Its place among all steps of the run, from 0.
        var sequence: Int
    }

    /// Fleets whose connections end at its beginning.
    var disconnected: Set<Int> {
        steps.reduce(into: []) { fleets, step in
            switch step.kind {
            case .cut, .outage, .stop: fleets.formUnion(step.fleets)
            case .start: break
            }
        }
    }

    /// Fleets whose link is down while it lasts.
    var withoutLink: Set<Int> {
        steps.reduce(into: []) { fleets, step in
            if case .outage = step.kind { fleets.formUnion(step.fleets) }
        }
    }
}

extension RunPlan {
    /// The stages in order.
    var outline: [StageOutline] {
        let places = Dictionary(fleets.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let all = Set(fleets.indices)
        var powered = mode == .scenario ? [] : all
        var start = TimeAmount.zero
        var sequence = 0
        return stages.map { stage in
            var steps: [StageOutline.Step] = []
            for action in mode == .scenario ? stage.actions : [] {
                let named = action.fleets.isEmpty ? all : Set(action.fleets.compactMap { places[$0] })
                steps.append(.init(kind: action.kind, fleets: named, sequence: sequence))
                sequence += 1
                switch action.kind {
                case .start: powered.formUnion(named)
                case .cut, .stop: powered.subtract(named)
                case .outage: break
                }
            }
            defer { start = start + stage.duration }
            return StageOutline(
                name: stage.name, isWarmUp: stage.isWarmUp, start: start, duration: stage.duration, steps: steps,
                powered: powered)
        }
    }
}
