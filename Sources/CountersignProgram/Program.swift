import Countersign

@main
enum Program {
    static func main() async {
        await Application.run(actions: .builtIn)
    }
}
