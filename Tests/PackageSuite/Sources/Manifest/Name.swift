public let name = "Manifest"
