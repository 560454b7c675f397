import HTTPTypes
import Testing

@testable import Postlude

@Suite("TaskCondition")
struct TaskConditionTests {
    /// Which of answered below 400, answered with 400 or more, and thrown meet the condition.
    @Test(
        "says after which answers a task runs",
        arguments: [
            (TaskCondition.notThrown, [true, true, false]), (.success, [true, false, false]),
            (.failure, [false, true, true]), (.always, [true, true, true]),
        ])
    func answers(condition: TaskCondition, expected: [Bool]) {
        for isTaken in [true, false] {
            let outcomes = [
                RequestOutcome(hasThrown: false, status: .init(code: 399), isTaken: isTaken),
                RequestOutcome(hasThrown: false, status: .init(code: 400), isTaken: isTaken),
                RequestOutcome(hasThrown: true, status: .init(code: 200), isTaken: isTaken),
            ]
            #expect(outcomes.map(condition.isMet) == expected)
            #expect(outcomes.map(condition.andTaken.isMet) == expected.map { $0 && isTaken })
            #expect(outcomes.map(condition.andNotTaken.isMet) == expected.map { $0 && !isTaken })
        }
    }

    @Test("delivery alone does not make a throwing handler's task run")
    func delivery() {
        #expect(TaskCondition.taken == TaskCondition.notThrown.andTaken)
        #expect(TaskCondition.notTaken == TaskCondition.notThrown.andNotTaken)
        let thrown = RequestOutcome(hasThrown: true, status: .internalServerError, isTaken: false)
        #expect(!TaskCondition.notTaken.isMet(by: thrown))
        #expect(TaskCondition.always.andNotTaken.isMet(by: thrown))
    }
}
