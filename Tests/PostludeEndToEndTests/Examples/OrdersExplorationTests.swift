import Foundation
import GRDB
import HTTPTypes
import Postlude
import PostludeDurable
import PostludeTesting
import Testing

@testable import PostludeOrdersExample

@Suite("The orders example, with a crash at each point")
struct OrdersExplorationTests {
    private struct TestPayments: Payments {
        let process: ExploredProcess

        func charge(_ order: String, key: String) throws { try process.call("charge", order, key: key) }
    }

    private struct TestReceipts: ReceiptSender {
        let process: ExploredProcess

        func send(_ order: String, to address: EmailAddress, id: UUID) throws {
            try process.call("receipt", order, key: id.uuidString)
        }
    }

    private func explore(headers: HTTPFields, schedules: Int) async throws -> Exploration {
        let app = try await TestApplication(
            OrdersApplication(), manifestAt: BuildProducts.repository + "/examples/orders/routes.yaml")
        let order = ["id": "17", "email": "ada@example.org"]
        return try await app.explore(.post("/orders", json: order, headers: headers), schedules: schedules) {
            process in
            OrdersApplication(
                payments: TestPayments(process: process), receipts: TestReceipts(process: process))
        } check: { app in
            try app.expect(app.response?.status == .accepted || app.response?.status == .ok, "no answer")
            try app.expect("charge", times: 1)
            try app.expect("receipt", times: 1)
            let database = try DatabaseQueue(path: app.process.path("tasks.sqlite"))
            for table in ["placed_order", "charge", "ledger"] {
                let count = try await database.read {
                    try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)")
                }
                try app.expect(count == 1, "\(table) has \(count ?? 0) rows")
            }
            let state = try await app.send(.get("/orders/17")).json(OrderState.self)
            let steps = [state.charge, state.receipt, state.ledger]
            try app.expect(
                steps.allSatisfy { $0.state == .done }, "a task is not done: \(steps.map(\.state))")
        }
    }

    /// The events before which a process has died, in their order.
    private func deaths(in exploration: Exploration) -> [String] {
        var events: [String] = []
        for point in exploration.points {
            let event = point.components(separatedBy: " and before ").last ?? point
            let end =
                event.range(of: ", and what ")?.lowerBound ?? event.range(of: ", when what ")?.lowerBound
            let text = String(event[..<(end ?? event.endIndex)])
            if events.last != text { events.append(text) }
        }
        return events
    }

    private static let tasks = [
        "the answer 202",
        "the beginning of Charge",
        "the call of charge for 17",
        "the commit of the transaction with the end of Charge",
        "the note that Charge is done",
        "the beginning of SendReceipt",
        "the call of receipt for 17",
        "the note that SendReceipt is done",
        "the beginning of EnterInLedger",
        "the commit of the transaction with the end of EnterInLedger",
        "the note that EnterInLedger is done",
    ]

    @Test("Charge, receipt and entry happen once, at whatever point a process dies")
    func repeated() async throws {
        let key = try #require(HTTPField.Name("Idempotency-Key"))
        let exploration = try await explore(headers: [key: "order-17"], schedules: 10)
        let commit = "the commit of the transaction with Charge, SendReceipt, EnterInLedger, the answer"
        #expect(deaths(in: exploration) == [commit] + Self.tasks)
    }

    @Test("The order's row is enough for a client that sends no key")
    func withoutKey() async throws {
        let exploration = try await explore(headers: [:], schedules: 0)
        let commit = "the commit of the transaction with Charge, SendReceipt, EnterInLedger"
        #expect(deaths(in: exploration) == [commit] + Self.tasks)
    }
}
