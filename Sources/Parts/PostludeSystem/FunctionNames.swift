internal import CPostludeLinux
import Glibc

/// The names of the functions that addresses belong to.
package enum FunctionNames {
    /// One frame of a stack.
    package struct Frame: Sendable, Hashable {
        /// Demangled; the image and the address where no name is known.
        package let function: String
        /// The symbol, empty where it is not known.
        package let symbol: String
        /// Whether it lies in the running executable, not in a library.
        package let isInExecutable: Bool

        package init(function: String, symbol: String, isInExecutable: Bool) {
            self.function = function
            self.symbol = symbol
            self.isInExecutable = isInExecutable
        }
    }

    /// The symbols of the executable that it does not export, too.
    private static let executable = ELFSymbols(file: "/proc/self/exe")
    private static let executableBase = UInt(clinux_executable_base())

    /// - Parameter stack: the innermost address first; the others are those to which a call returns.
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
