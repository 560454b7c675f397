public let name = "Routing"
