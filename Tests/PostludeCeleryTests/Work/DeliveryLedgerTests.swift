import Testing

@testable import PostludeBroker
@testable import PostludeCelery

@Suite("A consumer's ledger") struct DeliveryLedgerTests {
    private func delivery(_ id: String, number: UInt64, consumer: UInt64 = 1, again: Bool = false) throws
        -> Delivery
    {
        let message = CeleryMessage(task: "a", id: id).redisMessage(to: "q")
        return Delivery(
            id: Delivery.ID(consumer: consumer, number: number),
            task: try IncomingTask(envelope: message.envelope),
            isRedelivered: again, earlierDeliveries: nil)
    }

    @Test("Acknowledgements go to the broker in the order of the deliveries") func order() throws {
        var ledger = DeliveryLedger()
        let numbers = try (1...3).map { ledger.add(try delivery("\($0)", number: UInt64($0)), over: 1) }
        ledger.settle(numbers[2], .acknowledge)
        ledger.settle(numbers[0], .reject(reason: "no"))
        #expect(ledger.settled(over: 1).map(\.entry.taskID) == ["1", "3"])
        ledger.remove(numbers[0])
        #expect(ledger.settled(over: 1).map(\.entry.taskID) == ["3"])
        #expect(ledger.settled(over: 2).isEmpty)
    }

    @Test("A message redelivered over another connection is recognized, whether it runs or is done")
    func recognized() throws {
        var ledger = DeliveryLedger()
        let running = ledger.add(try delivery("running", number: 1), over: 1)
        let done = ledger.add(try delivery("done", number: 2), over: 1)
        let givenBack = ledger.add(try delivery("left", number: 3), over: 1)
        ledger.settle(done, .acknowledge)
        ledger.settle(givenBack, .requeue)
        ledger.forget()
        #expect(ledger.recognize(try delivery("left", number: 1, consumer: 2, again: true), over: 2) == nil)
        #expect(
            ledger.recognize(try delivery("running", number: 2, consumer: 2, again: true), over: 2) == running
        )
        #expect(ledger.recognize(try delivery("done", number: 3, consumer: 2, again: true), over: 2) == done)
        #expect(ledger.settled(over: 2).map(\.entry.delivery) == [Delivery.ID(consumer: 2, number: 3)])
        ledger.settle(running, .acknowledge)
        #expect(ledger.settled(over: 2).count == 2)
    }

    @Test("The same id is another message on the same connection, or if it was not delivered before")
    func others()
        throws
    {
        var ledger = DeliveryLedger()
        _ = ledger.add(try delivery("a", number: 1), over: 1)
        #expect(ledger.recognize(try delivery("a", number: 2, again: true), over: 1) == nil)
        #expect(ledger.recognize(try delivery("a", number: 2, consumer: 2), over: 2) == nil)
    }

    @Test("It remembers a bounded number of finished messages, and forgets none that runs") func bounded()
        throws
    {
        var ledger = DeliveryLedger()
        let running = ledger.add(try delivery("running", number: 0), over: 1)
        for number in 1...1_500 {
            let entry = ledger.add(try delivery("\(number)", number: UInt64(number)), over: 1)
            ledger.settle(entry, .acknowledge)
        }
        ledger.forget()
        #expect(ledger.entries.count == 1_001)
        #expect(ledger.entries[running] != nil)
    }
}
