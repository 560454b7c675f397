internal import CPostludeRabbitMQ

/// Memory for bytes and tables that librabbitmq reads through pointers while it sends a message.
final class AMQPMemory {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    func bytes(_ bytes: some Collection<UInt8>) -> amqp_bytes_t {
        guard !bytes.isEmpty else { return amqp_bytes_t(len: 0, bytes: nil) }
        let block = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 1)
        blocks.append(block)
        UnsafeMutableRawBufferPointer(start: block, count: bytes.count).copyBytes(from: bytes)
        return amqp_bytes_t(len: bytes.count, bytes: block)
    }

    func bytes(_ text: String) -> amqp_bytes_t { bytes(text.utf8) }

    private func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Element>.stride * elements.count,
            alignment: MemoryLayout<Element>.alignment)
        blocks.append(block)
        let start = block.bindMemory(to: Element.self, capacity: elements.count)
        // The elements are C structs, which need no deinitialization.
        start.initialize(from: elements, count: elements.count)
        return start
    }

    func table(_ members: [HeaderValue.Member]) -> amqp_table_t {
        let entries = members.map { amqp_table_entry_t(key: bytes($0.name), value: value($0.value)) }
        return amqp_table_t(num_entries: Int32(clamping: entries.count), entries: array(entries))
    }

    private func value(_ value: HeaderValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        func set(_ kind: amqp_field_value_kind_t) { field.kind = UInt8(truncatingIfNeeded: kind.rawValue) }
        switch value {
        case .null: set(AMQP_FIELD_KIND_VOID)
        case .bool(let value):
            set(AMQP_FIELD_KIND_BOOLEAN)
            field.value.boolean = value ? 1 : 0
        case .integer(let value):
            set(AMQP_FIELD_KIND_I64)
            field.value.i64 = value
        case .number(let value):
            set(AMQP_FIELD_KIND_F64)
            field.value.f64 = value
        case .text(let value):
            set(AMQP_FIELD_KIND_UTF8)
            field.value.bytes = bytes(value)
        case .list(let values):
            set(AMQP_FIELD_KIND_ARRAY)
            let fields = values.map(self.value)
            field.value.array = amqp_array_t(
                num_entries: Int32(clamping: fields.count), entries: array(fields))
        case .table(let members):
            set(AMQP_FIELD_KIND_TABLE)
            field.value.table = table(members)
        }
        return field
    }
}

extension [HeaderValue.Member] {
    /// Copies a table from the broker.
    ///
    /// - Parameter budget: the number of bytes that the copy may still take, which is reduced.
    /// - Returns: `nil` if the table is nested too deeply or exceeds the budget.
    init?(_ table: amqp_table_t, depth: Int = 0, budget: inout Int) {
        self = []
        guard depth <= HeaderValue.maximumDepth else { return nil }
        guard table.num_entries > 0, let entries = table.entries else { return }
        for entry in UnsafeBufferPointer(start: entries, count: Int(table.num_entries)) {
            budget -= 16
            guard budget > 0, let value = HeaderValue(entry.value, depth: depth + 1, budget: &budget) else {
                return nil
            }
            append(.init(String(amqp: entry.key), value))
        }
    }
}

extension HeaderValue {
    fileprivate init?(_ field: amqp_field_value_t, depth: Int, budget: inout Int) {
        guard depth <= Self.maximumDepth else { return nil }
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_VOID: self = .null
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(field.value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .integer(Int64(field.value.i8))
        case AMQP_FIELD_KIND_U8: self = .integer(Int64(field.value.u8))
        case AMQP_FIELD_KIND_I16: self = .integer(Int64(field.value.i16))
        case AMQP_FIELD_KIND_U16: self = .integer(Int64(field.value.u16))
        case AMQP_FIELD_KIND_I32: self = .integer(Int64(field.value.i32))
        case AMQP_FIELD_KIND_U32: self = .integer(Int64(field.value.u32))
        case AMQP_FIELD_KIND_I64: self = .integer(field.value.i64)
        case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP: self = .integer(Int64(clamping: field.value.u64))
        case AMQP_FIELD_KIND_F32: self = .number(Double(field.value.f32))
        case AMQP_FIELD_KIND_F64: self = .number(field.value.f64)
        case AMQP_FIELD_KIND_DECIMAL: self = .integer(Int64(field.value.decimal.value))
        case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES:
            budget -= field.value.bytes.len
            guard budget > 0 else { return nil }
            self = .text(String(amqp: field.value.bytes))
        case AMQP_FIELD_KIND_ARRAY:
            var values: [HeaderValue] = []
            let array = field.value.array
            if array.num_entries > 0, let entries = array.entries {
                for entry in UnsafeBufferPointer(start: entries, count: Int(array.num_entries)) {
                    budget -= 16
                    guard budget > 0, let value = HeaderValue(entry, depth: depth + 1, budget: &budget) else {
                        return nil
                    }
                    values.append(value)
                }
            }
            self = .list(values)
        case AMQP_FIELD_KIND_TABLE:
            guard let members = [Member](field.value.table, depth: depth, budget: &budget) else { return nil }
            self = .table(members)
        default: return nil
        }
    }
}

extension String {
    /// Copies text from the broker, and replaces bytes that are not UTF-8.
    init(amqp bytes: amqp_bytes_t) {
        self.init(
            decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len),
            as: UTF8.self)
    }
}
