import Postlude

func rows(of item: Int) -> [Int] { [item] }
func price(of row: Int) -> Int { row }
