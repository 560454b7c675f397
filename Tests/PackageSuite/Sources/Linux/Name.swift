public let name = "Linux"
