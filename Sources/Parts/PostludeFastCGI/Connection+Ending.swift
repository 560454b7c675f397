import Glibc

extension Connection {
    /// Tells the web server that nothing more will come, while the connection's holder may still be reading from it.
    /// Its holder has to give it back unkept.
    package func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }
}
