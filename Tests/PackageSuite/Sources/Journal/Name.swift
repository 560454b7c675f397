public let name = "Journal"
