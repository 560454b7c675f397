/// Where a worker's reads land.
package final class ReadBuffer {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)

    package init() {}
}
