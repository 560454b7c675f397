internal import CPostludeLinux
import Glibc

/// The pages of the program's file, and of its libraries, that are mapped into this process.
package enum ProgramPages {
    /// Unmaps those that equal their file. The kernel maps such a page again, from its cache or from the disk, when it is next
    /// used.
    ///
    /// The kernel maps 64 KiB around each place that a program uses, and the start uses many that are not used later. They would
    /// count as memory of the process for as long as it runs: they are about half of it.
    ///
    /// A page that does not equal its file, because a debugger or a tracer has put a breakpoint into it, stays. One that is
    /// changed during the call may lose the change.
    package static func unmap() throws(SystemError) {
        let pagemap = try openPagemap()
        defer { close(pagemap) }
        var descriptor = pagemap
        clinux_visit_read_only_segments(
            { start, end, descriptor in
                guard let pagemap = descriptor?.load(as: CInt.self) else { return }
                ProgramPages.unmap(start..<end, pagemap)
            }, &descriptor)
    }

    /// Unmaps those pages of a range of addresses that equal their file, as ``unmap()`` does for the program.
    static func unmap(_ addresses: Range<UInt>) throws(SystemError) {
        let pagemap = try openPagemap()
        defer { close(pagemap) }
        unmap(addresses, pagemap)
    }

    private static func openPagemap() throws(SystemError) -> CInt {
        let pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
        guard pagemap >= 0 else { throw SystemError("open(/proc/self/pagemap)") }
        return pagemap
    }

    private static let pageSize = UInt(getpagesize())
    /// The bits of a page's entry: it is in memory, and it is one of a file. See the kernel's "pagemap, from the userspace
    /// perspective".
    private static let presentFilePage: UInt64 = 1 << 63 | 1 << 61

    private static func unmap(_ addresses: Range<UInt>, _ pagemap: CInt) {
        let first = addresses.lowerBound / pageSize
        let count = Int((addresses.upperBound + pageSize - 1) / pageSize - first)
        var entries = [UInt64](repeating: 0, count: count)
        let size = MemoryLayout<UInt64>.stride
        let read = pread(pagemap, &entries, count * size, off_t(first) * off_t(size))
        // If it fails, the pages stay, which does no harm.
        guard read == count * size else { return }
        var index = 0
        while index < count {
            let start = index
            while index < count, entries[index] & presentFilePage == presentFilePage { index += 1 }
            if index > start {
                let address = UnsafeMutableRawPointer(bitPattern: (first + UInt(start)) * pageSize)
                madvise(address, (index - start) * Int(pageSize), MADV_DONTNEED)
            }
            index += 1
        }
    }
}
