import HTTPTypes
import Testing

@testable import Postlude

@Suite("TaskCondition")
struct TaskConditionTests {
    /// Which of a status below 400, one of 400 or more, and a thrown error meet the condition.
    @Test(
        "decides after which responses a task runs",
        arguments: [
            (TaskCondition.handlerReturned, [true, true, false]), (.success, [true, false, false]),
            (.failure, [false, true, true]), (.always, [true, true, true]),
        ])
    func answers(condition: TaskCondition, expected: [Bool]) {
        for isDelivered in [true, false] {
            let outcomes = [
                RequestOutcome(hasThrown: false, status: .init(code: 399), isDelivered: isDelivered),
                RequestOutcome(hasThrown: false, status: .init(code: 400), isDelivered: isDelivered),
                RequestOutcome(hasThrown: true, status: .init(code: 200), isDelivered: isDelivered),
            ]
            #expect(outcomes.map(condition.isMet) == expected)
            #expect(outcomes.map(condition.andDelivered.isMet) == expected.map { $0 && isDelivered })
            #expect(outcomes.map(condition.andUndelivered.isMet) == expected.map { $0 && !isDelivered })
        }
    }

    @Test("delivery alone does not make a throwing handler's task run")
    func delivery() {
        #expect(TaskCondition.delivered == TaskCondition.handlerReturned.andDelivered)
        #expect(TaskCondition.undelivered == TaskCondition.handlerReturned.andUndelivered)
        let thrown = RequestOutcome(hasThrown: true, status: .internalServerError, isDelivered: false)
        #expect(!TaskCondition.undelivered.isMet(by: thrown))
        #expect(TaskCondition.always.andUndelivered.isMet(by: thrown))
    }
}
