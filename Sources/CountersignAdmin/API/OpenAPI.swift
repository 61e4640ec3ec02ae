import CountersignCore
import CountersignOperations
import HTTPTypes

/// The description of the API (OpenAPI 3.1), made from what is served.
struct OpenAPI {
    private let endpoints: [Endpoint]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
    }

    var json: JSON {
        var paths = JSONObject()
        for endpoint in endpoints {
            var methods = paths[endpoint.path]?.object ?? JSONObject()
            methods[endpoint.method.rawValue.lowercased()] = operation(endpoint)
            paths[endpoint.path] = .object(methods)
        }
        let schemas = Schema.components.map { JSONObject.Member(key: $0.name, value: $0.schema.json) }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Countersign", "version": "1",
                "description":
                    "Events from OneSpan Sign, the runs that rules created for them, and commands to retry and repair.",
            ],
            "servers": [["url": .string(APIRoutes.root)]], "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(schemas)),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
            // Without a token on the loopback interface, with one elsewhere.
            "security": [[:], ["token": []]],
        ]
    }

    private func operation(_ endpoint: Endpoint) -> JSON {
        let parameters =
            (endpoint.pathParameter.map { [parameter($0, in: "path")] } ?? [])
            + endpoint.query.map { parameter($0, in: "query") } + (endpoint.takesToken ? [Self.token] : [])
        var object: JSONObject = [
            "summary": .string(endpoint.summary), "operationId": .string(name(of: endpoint)),
            "parameters": .array(parameters), "responses": .object(answers(of: endpoint)),
        ]
        if let body = endpoint.body {
            object["requestBody"] = [
                "required": true, "content": ["application/json": ["schema": body.json]],
            ]
        }
        return .object(object)
    }

    /// The header by which a command is carried out once.
    private static let token: JSON = [
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description":
            "Names the command: sent again within seven days with the same key, it is not carried out again.",
        "schema": ["type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"],
    ]

    private func parameter(_ parameter: Endpoint.Parameter, in place: String) -> JSON {
        [
            "name": .string(parameter.name), "in": .string(place), "description": .string(parameter.summary),
            "required": .bool(place == "path"), "schema": parameter.schema.json,
        ]
    }

    private func answers(of endpoint: Endpoint) -> JSONObject {
        let content: JSON =
            switch endpoint.content {
            case .json(let schema): ["application/json": ["schema": schema.json]]
            case .bytes: ["application/octet-stream": [:]]
            }
        var answers: JSONObject = ["200": ["description": "Done.", "content": content]]
        let error: JSON = ["application/json": ["schema": Schema.named("Error").json]]
        for refusal in endpoint.refusals {
            answers[String(refusal.rawValue)] = ["description": .string(refusal.summary), "content": error]
        }
        answers["default"] = ["description": "Any other error.", "content": error]
        return answers
    }

    /// Such as `get-events-id-body`.
    private func name(of endpoint: Endpoint) -> String {
        let parts = endpoint.path.split(separator: "/").map { $0.filter { $0 != "{" && $0 != "}" } }
        return ([endpoint.method.rawValue.lowercased()] + parts).joined(separator: "-")
    }
}
