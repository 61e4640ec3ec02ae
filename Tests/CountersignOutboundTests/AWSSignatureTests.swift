import CountersignCore
import CountersignOutbound
import Foundation
import Testing

/// The examples that Amazon publishes in "Authenticating Requests: Using the Authorization Header" of S3's API reference.
struct AWSSignatureTests {
    private let signature = AWSSignature(
        .init(keyID: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1",
        service: "s3"
    )
    private let now = Date(timeIntervalSince1970: 1_369_353_600)
    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private func authorization(_ request: OutgoingRequest, payload: String) throws -> String {
        let signed = try signature.signed(request, payload: payload, at: now)
        return try #require(signed.headers.first { $0.name == "Authorization" }?.value)
    }

    @Test(arguments: [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func `the published examples of GET Bucket come out`(path: String, expected: String) throws {
        let request = OutgoingRequest(method: "GET", url: "https://examplebucket.s3.amazonaws.com\(path)")
        let value = try authorization(request, payload: Self.empty)
        #expect(
            value == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=\(expected)"
        )
    }

    @Test func `the published example of GET Object comes out`() throws {
        let request = OutgoingRequest(
            method: "GET",
            url: "https://examplebucket.s3.amazonaws.com/test.txt",
            headers: [.init("Range", "bytes=0-9")]
        )
        let value = try authorization(request, payload: Self.empty)
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        #expect(
            value.hasSuffix("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=\(expected)"),
            "\(value)"
        )
    }

    @Test func `the published example of PUT Object comes out`() throws {
        let request = OutgoingRequest(
            method: "PUT",
            url: "https://examplebucket.s3.amazonaws.com/test$file.text",
            headers: [
                .init("Date", "Fri, 24 May 2013 00:00:00 GMT"), .init("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ]
        )
        let payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
        let value = try authorization(request, payload: payload)
        let expected = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        #expect(value.hasSuffix("Signature=\(expected)"), "\(value)")
    }

    @Test func `temporary credentials send their token, and it is signed`() throws {
        let credentials = AWSSignature.Credentials(keyID: "ASIA", secret: "s", token: "the-token")
        let signed = try AWSSignature(credentials, region: "eu-central-1", service: "s3")
            .signed(.init(method: "GET", url: "https://b.s3.amazonaws.com/"), payload: Self.empty, at: now)
        #expect(signed.headers.first { $0.name == "x-amz-security-token" }?.value == "the-token")
        #expect(signed.headers.last?.value.contains("x-amz-date;x-amz-security-token, ") == true)
    }

    @Test(arguments: [
        ("https://b.example/a (1)/%2Fb=c+d@e?x=a b&lifecycle&a=%2b#f", nil),
        (
            "https://b.example/a(1)/%2fb=c+d@e?x=a%20b&lifecycle&a=%2b#f",
            "https://b.example/a%281%29/%2Fb%3Dc%2Bd%40e?a=%2B&lifecycle=&x=a%20b"
        ),
        ("https://b.example:8443", "https://b.example:8443/"),
    ])
    func `the request goes to the very URL that is signed`(url: String, expected: String?) throws {
        let signed = try? signature.signed(.init(method: "GET", url: url), payload: Self.empty, at: now)
        #expect(signed?.url == expected)
    }
}
