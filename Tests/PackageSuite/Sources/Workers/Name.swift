public let name = "Workers"
