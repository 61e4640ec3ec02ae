import Countersign

/// Countersign with one more action; every command knows it.
@main
enum Program {
    static func main() async {
        await Application.run(actions: .builtIn.adding(CSVAction.self))
    }
}
