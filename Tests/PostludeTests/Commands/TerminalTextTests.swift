import PostludeLogOutput
import Testing

@testable import Postlude

@Suite("Text on a terminal")
struct TerminalTextTests {
    @Test(
        "A character has as many columns as terminals give it",
        arguments: [
            ("", 0), ("abc", 3), ("ä", 1), ("a\u{308}", 1), ("日本", 4), ("한", 2), ("ｱ", 1), ("Ａ", 2), ("🙂", 2),
            ("❤️", 2), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("a\u{200b}b", 2), ("½…–", 3),
        ])
    func width(text: String, columns: Int) {
        #expect(TerminalText.width(of: text) == columns, "\(text)")
    }

    @Test("Columns of a table are aligned, whatever their cells contain")
    func table() {
        let table = TextTable(
            header: ["NAME", "N"], rows: [["日本", "1"], ["a\u{1b}[2J\nb", "2"], ["c\u{202e}d", "3"]])
        #expect(
            "\(table)" == """
                NAME           N
                日本           1
                a\\u{1b}[2J\\nb  2
                c\\u{202e}d     3
                """)
    }

    @Test("Text that is too long is cut with an ellipsis, at a character")
    func cut() {
        #expect(TerminalText.cut("abc", to: 3) == "abc")
        #expect(TerminalText.cut("abcd", to: 3) == "ab…")
        #expect(TerminalText.cut("日本語", to: 4) == "日…")
        #expect(TerminalText.cut("日本語", to: 6) == "日本語")
    }

    @Test("A page keeps its beginning, and says how much of it is not shown")
    func fit() {
        let page = (1...10).map { "line \($0) of the page" }.joined(separator: "\n")
        let shown = TerminalText.fit(page, into: (rows: 4, columns: 8))
        #expect(shown == "line 1 …\nline 2 …\nline 3 …\n… 7 mor…")
        #expect(TerminalText.fit("a\nb", into: (rows: 2, columns: 8)) == "a\nb")
        #expect(TerminalText.fit("ab\nb", into: (rows: 1, columns: 1)) == "…")
    }

    @Test("Headings are bold and failures red, unless NO_COLOR or the terminal forbids it")
    func colours() {
        #expect(TerminalText.coloured("TASK  DONE") { _ in nil } == "\u{1b}[1mTASK  DONE\u{1b}[m")
        #expect(
            TerminalText.coloured("tasks: 0 failed, 2 dropped") { _ in "" }
                == "tasks: 0 failed, \u{1b}[31m2 dropped\u{1b}[m")
        for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            #expect(TerminalText.coloured("2 failed") { $0 == name ? value : nil } == "2 failed")
        }
    }

    @Test("Control characters, line ends and changes of direction are shown, and have no effect")
    func escaped() {
        let text = "a\u{1b}[31m\u{9b}2J\r\n\u{2028}\u{200f}\u{2066}b\u{7f}"
        #expect(
            LogText.escaped(text)
                == #"a\u{1b}[31m\u{9b}2J\r\n\u{2028}\u{200f}\u{2066}b\u{7f}"#)
        #expect(LogText.escaped("grün 日本") == "grün 日本")
    }
}
