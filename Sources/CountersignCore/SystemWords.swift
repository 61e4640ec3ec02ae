import Foundation

/// Why a file or folder could not be used, in the words of the system where it has any.
package func systemWords(_ error: any Error) -> String {
    let error = error as NSError
    // What lies beneath is a `POSIXError` or an `NSError`.
    let cause = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? error
    guard cause.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return String(cString: strerror(Int32(cause.code))).lowercased()
}
