internal import CPostludeLinux
import Glibc

/// Finds the names of the functions that contain addresses.
package enum FunctionNames {
    /// One frame of a stack.
    package struct Frame: Sendable, Hashable {
        /// The demangled name; the image and the offset in it if no name is known.
        package let function: String
        /// The mangled symbol; empty if it is not known.
        package let symbol: String
        /// Whether the function is in the executable, not in a library.
        package let isInExecutable: Bool

        package init(function: String, symbol: String, isInExecutable: Bool) {
            self.function = function
            self.symbol = symbol
            self.isInExecutable = isInExecutable
        }
    }

    /// All symbols of the executable, including those that it does not export.
    private static let executable = ELFSymbols(file: "/proc/self/exe")
    private static let executableBase = UInt(clinux_executable_base())

    /// Returns the frames of a stack.
    ///
    /// - Parameter stack: the innermost address first; the others are return addresses.
    package static func frames(of stack: [UInt]) -> [Frame] {
        // The instruction after a call that never returns may belong to the next function.
        let addresses = stack.enumerated().map { $0.offset == 0 ? $0.element : $0.element &- 1 }
        let found = addresses.map(symbol)
        let own = zip(addresses, found).compactMap { address, symbol in
            symbol?.base == executableBase ? address : nil
        }
        let names = executable?.names(of: own, loadedAt: executableBase) ?? [:]
        return zip(addresses, found).map { address, symbol in
            let isOwn = symbol?.base == executableBase
            guard let name = (isOwn ? names[address] : nil) ?? symbol?.name else {
                let image = symbol?.image.split(separator: "/").last.map(String.init) ?? "unknown"
                let offset = String(address &- (symbol?.base ?? 0), radix: 16)
                return Frame(function: "\(image)+0x\(offset)", symbol: "", isInExecutable: isOwn)
            }
            return Frame(function: demangled(name), symbol: name, isInExecutable: isOwn)
        }
    }

    private static func symbol(at address: UInt) -> (image: String, base: UInt, name: String?)? {
        var symbol = clinux_symbol()
        guard clinux_find_symbol(address, &symbol) != 0 else { return nil }
        return (
            symbol.image.map { String(cString: $0) } ?? "", UInt(symbol.base),
            symbol.name.map { String(cString: $0) }
        )
    }

    private static func demangled(_ name: String) -> String {
        guard let text = swift_demangle(name, name.utf8.count, nil, nil, 0) else { return name }
        defer { free(text) }
        return String(cString: text)
    }
}

/// The symbol table of a 64-bit ELF file (System V ABI, chapter 4), which stays mapped into memory.
///
/// The file need not be well-formed: nothing outside of it is read, and a name without an end is ignored.
// Unchecked: the mapping is read-only, and is never removed.
package struct ELFSymbols: @unchecked Sendable {
    private let file: UnsafeRawBufferPointer
    private let symbols: Range<Int>
    private let strings: Range<Int>
    /// Whether addresses are relative to the address at which the file is loaded.
    private let isRelative: Bool

    /// - Returns: nil if the file cannot be read, or has no symbol table.
    package init?(file path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0,
            let start = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0),
            start != MAP_FAILED
        else { return nil }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(status.st_size))
        guard let parsed = ELFSymbols(bytes) else {
            munmap(start, bytes.count)
            return nil
        }
        self = parsed
    }

    /// - Parameter bytes: a whole file, which must stay in memory at this address.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        // 64 bits, least significant byte first.
        guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
            let type = bytes.number(UInt16.self, at: 16),
            let table = bytes.number(UInt64.self, at: 40).flatMap(Int.init(exactly:)),
            let size = bytes.number(UInt16.self, at: 58), size >= 64,
            let count = bytes.number(UInt16.self, at: 60)
        else { return nil }
        func section(_ index: Int) -> Int? {
            let (place, overflow) = table.addingReportingOverflow(index * Int(size))
            return overflow ? nil : place
        }
        func range(at section: Int) -> Range<Int>? {
            guard let start = bytes.number(UInt64.self, at: section + 24).flatMap(Int.init(exactly:)),
                let length = bytes.number(UInt64.self, at: section + 32).flatMap(Int.init(exactly:)),
                start <= bytes.count, length <= bytes.count - start
            else { return nil }
            return start..<(start + length)
        }
        for index in 0..<Int(count) {
            guard let place = section(index), bytes.number(UInt32.self, at: place + 4) == 2,  // SHT_SYMTAB
                let symbols = range(at: place), let link = bytes.number(UInt32.self, at: place + 40),
                let other = section(Int(link)), let strings = range(at: other)
            else { continue }
            file = bytes
            self.symbols = symbols
            self.strings = strings
            isRelative = type == 3  // ET_DYN
            return
        }
        return nil
    }

    /// Returns the names of the functions that contain `addresses`; an address without a known name is left out.
    ///
    /// - Parameter base: the address at which the file is loaded.
    package func names(of addresses: [UInt], loadedAt base: UInt) -> [UInt: String] {
        var names: [UInt: String] = [:]
        guard !addresses.isEmpty else { return names }
        let places = addresses.map { (address: $0, value: UInt64(isRelative ? $0 &- base : $0)) }
        let lowest = places.map(\.value).min() ?? 0
        let highest = places.map(\.value).max() ?? 0
        for place in stride(from: symbols.lowerBound, to: symbols.upperBound - 23, by: 24) {
            // Elf64_Sym: name 4, info 1, other 1, section 2, value 8, size 8.
            guard let value = file.number(UInt64.self, at: place + 8), value <= highest,
                let size = file.number(UInt64.self, at: place + 16), size > 0,
                lowest < value.addingReportingOverflow(size).partialValue,
                let info = file.number(UInt8.self, at: place + 4), info & 15 == 2  // STT_FUNC
            else { continue }
            for other in places where other.value >= value && other.value - value < size {
                names[other.address] = file.number(UInt32.self, at: place).flatMap { name(at: Int($0)) }
            }
        }
        return names
    }

    private func name(at offset: Int) -> String? {
        guard offset < strings.count else { return nil }
        let rest = file[(strings.lowerBound + offset)..<strings.upperBound]
        guard let end = rest.firstIndex(of: 0), end > rest.startIndex else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at offset: Int
    ) -> Number? {
        guard offset >= 0, count >= MemoryLayout<Number>.size, offset <= count - MemoryLayout<Number>.size
        else { return nil }
        return loadUnaligned(fromByteOffset: offset, as: Number.self).littleEndian
    }
}
