internal import Glibc
internal import PostludeSystem

/// A full-screen view of a text that changes, as `top` has one: on the terminal's alternate screen, without a cursor. The
/// terminal is restored when the view ends, is suspended, or is ended by a signal.
struct StatusScreen {
    private static let enter = "\u{1b}[?1049h\u{1b}[?25l"
    private static let leave = "\u{1b}[?25h\u{1b}[?1049l"

    private let signals: SignalDescriptor
    /// The settings of the terminal on standard input; nil if standard input is not a terminal.
    private let settings: termios?

    init() throws(SystemError) {
        signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH])
        var settings = termios()
        self.settings = tcgetattr(STDIN_FILENO, &settings) == 0 ? settings : nil
    }

    /// Shows the text, made again each second, until Ctrl-C or `q`.
    ///
    /// - Throws: `OutputError` if the terminal cannot be written.
    func run(_ text: () -> String) throws {
        begin()
        defer { end() }
        var page = text()
        while true {
            try draw(page)
            var next = MonotonicTime.now + .seconds(1)
            while .now < next {
                let left = max(1, (next - .now).saturatedNanoseconds / 1_000_000)
                waitForInput(
                    [signals.descriptor] + (settings == nil ? [] : [STDIN_FILENO]),
                    milliseconds: Int32(clamping: left))
                if hasQuit { return }
                while let signal = signals.take() {
                    switch signal {
                    case SIGWINCH: break
                    case SIGTSTP:
                        end()
                        kill(getpid(), SIGSTOP)
                        begin()
                    default: die(of: signal)
                    }
                    // The page that is known fits another size at once.
                    try draw(page)
                    next = min(next, .now + .seconds(1))
                }
            }
            page = text()
        }
    }

    private func draw(_ page: String) throws {
        let window = TerminalText.window ?? (24, 80)
        let lines = TerminalText.fit(page, into: window).split(
            separator: "\n", omittingEmptySubsequences: false)
        // Each line's rest is cleared behind it: a screen that is cleared as a whole flickers.
        let body = lines.map { "\(TerminalText.coloured($0))\u{1b}[K" }.joined(separator: "\n")
        try writeOutput(Array("\u{1b}[H\(body)\u{1b}[J".utf8))
    }

    private var hasQuit: Bool {
        var ready = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard settings != nil, poll(&ready, 1, 0) == 1 else { return false }
        var key: UInt8 = 0
        // At the end of the input, the terminal is gone.
        return read(STDIN_FILENO, &key, 1) != 1 || key == UInt8(ascii: "q")
    }

    private func begin() {
        if var quiet = settings {
            quiet.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &quiet)
        }
        try? writeOutput(Array(Self.enter.utf8))
    }

    private func end() {
        // The terminal may be gone, and there is nothing to restore then.
        try? writeOutput(Array(Self.leave.utf8))
        if var settings { tcsetattr(STDIN_FILENO, TCSANOW, &settings) }
    }

    /// Restores the terminal, and ends the process by the signal, so that the shell sees what has ended it.
    private func die(of signal: Int32) -> Never {
        end()
        Glibc.signal(signal, SIG_DFL)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, signal)
        kill(getpid(), signal)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        exit(128 + signal)
    }
}
