import Foundation

/// Whether tests take their long forms, which try every state, and many more schedules.
package let isLongRun = ProcessInfo.processInfo.environment["POSTLUDE_LONG_TESTS"] != nil
