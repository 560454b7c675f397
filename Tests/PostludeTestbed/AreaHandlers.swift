import Postlude

// Returns the chosen route and its value, to be compared with the location that nginx chose.

func admin(request: Request) -> Response { .text("admin \(request.path)") }

func files(request: Request) -> Response { .text("files \(request.path)") }

func publicArea(request: Request) -> Response { .text("public \(request.path)") }

func elsewhere(request: Request) -> Response { .text("elsewhere \(request.path)") }
