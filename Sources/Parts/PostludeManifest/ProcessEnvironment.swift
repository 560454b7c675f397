internal import FoundationEssentials

/// The variables with which this process was started.
package enum ProcessEnvironment {
    package static var variables: [String: String] { ProcessInfo.processInfo.environment }
}
