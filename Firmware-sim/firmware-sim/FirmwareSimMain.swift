import FirmwareSim

@main
enum FirmwareSimMain {
    static func main() async {
        await FirmwareSimProgram.run()
    }
}
