import Testing

@testable import CountersignServer

struct DescriptorBudgetTests {
    @Test(arguments: [64, 256, 1_024, 4_096, 1_048_576])
    func `no listener gets so many descriptors that another one, or files and programs, have none`(limit: Int) {
        let budget = DescriptorBudget(limit: limit)
        #expect(budget.callbacks > budget.admin && budget.admin >= budget.control && budget.control > 0)
        #expect(budget.callbacks + budget.admin + budget.control <= limit * 3 / 4)
    }
}
