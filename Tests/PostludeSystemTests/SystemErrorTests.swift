import Glibc
import PostludeSystem
import Testing

@Suite("SystemError")
struct SystemErrorTests {
    @Test("Its description has the call, the kernel's reason and what to do")
    func description() {
        #expect(
            SystemError("bind(/run/a)", errno: EACCES).description
                == "bind(/run/a): Permission denied (errno 13)")
        #expect(
            SystemError("bind(/run/a)", errno: EACCES, advice: "run it as root").description
                == "bind(/run/a): Permission denied (errno 13); run it as root")
    }

    @Test("By default it has the calling thread's last error")
    func lastError() {
        errno = ENOSPC
        #expect(SystemError("write").errno == ENOSPC)
    }
}
