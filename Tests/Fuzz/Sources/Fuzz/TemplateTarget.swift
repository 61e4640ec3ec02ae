import CountersignCore
import CountersignRules
import Foundation

/// Text as a template, and as a path.
enum TemplateTarget {
    static func check(_ bytes: [UInt8]) -> CInt {
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(TemplateError) {
            let template = try Template(parsing: text)
            require(template.source == text, "a template keeps its source")
            require(printed(template) == text, "the pieces of a template make its source: \(text)")
            checkRendering(template)
        } catch {
            require((0...text.count).contains(error.offset), "the fault is in the text: \(error)")
        }
        do throws(JSONPathError) {
            let path = try JSONPath(parsing: text)
            require((try? JSONPath(parsing: path.description)) == path, "a path is read as it is printed: \(path)")
        } catch {
            require((0...text.utf8.count).contains(error.offset), "the fault is in the path: \(error.offset)")
        }
        return 0
    }

    private static func printed(_ template: Template) -> String {
        let characters = Array(template.source)
        return template.segments
            .map { segment in
                switch segment {
                case .literal(let text): escaped(text)
                case .value(let expression):
                    String(characters[expression.offset..<(expression.offset + expression.length)])
                }
            }
            .joined()
    }

    private static func escaped(_ text: String) -> String {
        var characters: [Character] = []
        for character in text {
            if character == "{", characters.last == "$" {
                characters.append(contentsOf: "${")
            } else {
                characters.append(character)
            }
        }
        return String(characters)
    }

    /// Rendering is plain in its outcome: a text, or a reason; the same one each time.
    private static func checkRendering(_ template: Template) {
        let messages = Markup.allCases.map { EncodingContext.message($0) }
        for place in [EncodingContext.text, .filePath, .url, .header, .mailHeader] + messages {
            let first = rendered(template, for: place)
            require(first == rendered(template, for: place), "a template renders to the same text each time")
            guard case .success(let text) = first else { continue }
            if place == .header {
                require(!text.utf8.contains { [0, 0x0A, 0x0D].contains($0) }, "a header is one line")
            }
        }
    }

    private static func rendered(_ template: Template, for place: EncodingContext) -> Result<String, StepFailure> {
        do throws(StepFailure) {
            return .success(try template.text(in: scope, for: place))
        } catch {
            return .failure(error)
        }
    }

    private static let scope: Scope = {
        let payload: JSON = [
            "name": "PACKAGE_COMPLETE", "packageId": "5n4obeO8jYoPp126Cm-Y3fxdfbo=", "message": "a\r\nb/../c${x}\u{0}",
            "createdDate": "2018-06-30T20:15:01.038Z", "items": [["id": 1], ["id": "é\u{202E}"]],
        ]
        let event = Event(
            id: Event.ID(rawValue: 1),
            name: "PACKAGE_COMPLETE",
            payload: payload,
            origin: .callback,
            receivedAt: Date(timeIntervalSince1970: 1_530_450_000)
        )
        return Scope(
            event: event,
            ruleID: "rule",
            ruleFolder: "/rules",
            runID: Run.ID(rawValue: 1),
            steps: ["a": .known(["status": "succeeded", "stdout": "x"]), "b": .assumed],
            secrets: .hidden
        )
    }()
}
