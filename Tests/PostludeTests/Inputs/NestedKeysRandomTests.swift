import PostludeSystem
import Testing

@testable import Postlude

/// Forms whose fields' names are written in many ways, and forms of noise.
@Suite("NestedKeys with random forms")
struct NestedKeysRandomTests {
    typealias Order = NestedKeysTests.Order

    private static func step(_ name: String, _ generator: inout SeededGenerator) -> String {
        Bool.random(using: &generator) ? "[\(name)]" : ".\(name)"
    }

    /// Fields of an order, in any order, with gaps between the indices.
    private static func fields(of order: Order, _ generator: inout SeededGenerator) -> [String] {
        var fields: [String] = []
        if let id = order.id { fields.append("id=\(id)") }
        if let city = order.address?.city { fields.append("address\(step("city", &generator))=\(city)") }
        var index = 0
        for line in order.lines ?? [] {
            index += Int.random(in: 1...90, using: &generator)
            func name(_ member: String) -> String {
                "lines" + step("\(index)", &generator) + step(member, &generator)
            }
            fields.append("\(name("name"))=\(line.name)")
            if let count = line.count { fields.append("\(name("count"))=\(count)") }
            for (place, tag) in (line.tags ?? []).enumerated() {
                fields.append("\(name("tags"))\(step("\(place)", &generator))=\(tag)")
            }
        }
        for (key, price) in order.prices ?? [:] { fields.append("prices[\(key)]=\(price)") }
        return fields.shuffled(using: &generator)
    }

    private static func order(_ generator: inout SeededGenerator) -> Order {
        var order = Order()
        if Bool.random(using: &generator) { order.id = .random(in: -9...9, using: &generator) }
        if Bool.random(using: &generator) { order.address = .init(city: "Oslo") }
        let lines = (0..<Int.random(in: 0...9, using: &generator)).map { number in
            let tags = (0..<Int.random(in: 0...3, using: &generator)).map { "t\($0)" }
            return Order.Line(
                name: "n\(number)", count: Bool.random(using: &generator) ? number : nil,
                tags: tags.isEmpty ? nil : tags)
        }
        if !lines.isEmpty { order.lines = lines }
        let keys = ["a", "17", "b.c", "d e"].filter { _ in Bool.random(using: &generator) }
        if !keys.isEmpty { order.prices = Dictionary(uniqueKeysWithValues: keys.map { ($0, 0.5) }) }
        return order
    }

    @Test("every order is read as it was written")
    func orders() throws {
        var generator = SeededGenerator(seed: 1866)
        for round in 0..<500 {
            let order = Self.order(&generator)
            let body = Self.fields(of: order, &generator).joined(separator: "&")
            #expect(try NestedKeysTests.order(body) == order, "round \(round): \(body)")
        }
    }

    @Test("any names are read or refused, in any order alike, and the place of a mistake is in the form")
    func noise() throws {
        var generator = SeededGenerator(seed: 3986)
        let crumbs = [
            "a", "lines", "0", "1", "999999999", "[", "]", "[]", ".", "[0]", "[1]", ".0", "[name]", ".name",
            "name", "address", "[city]", "%00", "%F0%9F", "\u{e9}",
        ]
        var refused = 0
        for _ in 0..<3_000 {
            let fields = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                (0..<Int.random(in: 0...12, using: &generator))
                    .map { _ in crumbs.randomElement(using: &generator) ?? "" }.joined() + "=1"
            }
            let outcomes = [fields, fields.reversed()].map { fields in
                Result { try NestedKeysTests.order(fields.joined(separator: "&")) }
            }
            let errors = outcomes.map { outcome -> InputError? in
                if case .failure(let error) = outcome { error as? InputError } else { nil }
            }
            refused += errors[0] == nil ? 0 : 1
            #expect((errors[0] == nil) == (errors[1] == nil), "\(fields)")
            for case .failure(let error) in outcomes { #expect(error is InputError, "\(fields): \(error)") }
            #expect(errors.allSatisfy { $0?.issues.count ?? 1 == 1 }, "\(fields)")
        }
        #expect((1..<3_000).contains(refused))
    }
}
