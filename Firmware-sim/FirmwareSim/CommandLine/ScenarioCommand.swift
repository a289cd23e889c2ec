import ArgumentParser

/// `firmware-sim scenario`.
struct ScenarioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario",
        abstract: "Runs whole exercises from YAML files: fleets, stages, assertions.",
        discussion: """
            A scenario says which fleets there are, what happens to them when, and what must come out. Some ship with \
            the program; your own are files, and 'scenario show' gives you one to begin with.

            EXAMPLES
              firmware-sim scenario list
              firmware-sim scenario run steady-fleet --target gateway:8883 --pki ./pki
              firmware-sim scenario show reconnect-storm > my-storm.yaml
              firmware-sim scenario check my-storm.yaml

            The format is described in Firmware-sim/Scenarios/README.md; scenario.schema.json beside it makes editors \
            complete and check it.
            """,
        subcommands: [
            ScenarioRunCommand.self, ScenarioListCommand.self, ScenarioShowCommand.self, ScenarioCheckCommand.self,
        ]
    )
}
