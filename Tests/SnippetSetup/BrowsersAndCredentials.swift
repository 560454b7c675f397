import Postlude

func secret() throws -> String { "open sesame" }
