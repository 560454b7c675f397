/// The manifest of a test: its settings, followed by the testbed's routes.
struct TestManifest {
    let text: String

    init(text: String) { self.text = text }

    init(_ settings: String = "workers: { min: 2, max: 8 }", routes: String = TestManifest.allRoutes) {
        text = settings + "\nroutes:\n" + routes + "\n"
    }

    static let allRoutes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /echo, methods: [POST, PUT], handler: echo }
          - { path: /small, method: POST, handler: echo, limits: { body: 4KiB } }
          - { path: /ignore, method: POST, handler: ignore-body }
          - { path: /who, methods: [GET, POST], handler: who }
          - { path: /big, method: GET, handler: big }
          - { path: /slow, methods: [GET, POST], handler: slow }
          - { path: /hold, method: GET, handler: hold }
          - { path: /slow-async, method: GET, handler: slow-async }
          - { path: /boom, method: GET, handler: boom }
          - { path: /main-actor, method: GET, handler: main-actor }
          - { path: /inspect, method: GET, handler: inspect }
          - { path: /steps, methods: [GET, POST], handler: steps }
          - { path: /steps-async, methods: [GET, POST], handler: steps-async }
          - { path: /steps-closures, methods: [GET, POST], handler: steps-closures }
          - { path: /failing, method: GET, handler: failing }
          - { path: /late, method: GET, handler: late }
          - { path: /children, method: GET, handler: children }
          - { path: /threads, method: GET, handler: threads }
          - { path: /threads-async, method: GET, handler: threads-async }
          - { path: /send, method: POST, handler: send-notification }
          - { path: "/process/{item_id:int}", method: POST, handler: process-item }
          - { path: "/value/{item_id}", method: POST, handler: process-item }
          - { path: /register, method: POST, handler: register }
          - { path: /tagged, method: GET, handler: tagged }
          - { path: /large-head, method: GET, handler: large-head }
        """
}
