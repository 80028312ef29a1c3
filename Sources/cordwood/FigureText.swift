import Foundation

/// Figures in reports for people.
enum FigureText {
    /// Digits in groups of three: 1,234,567.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var out = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out += "," }
            out.append(digit)
        }
        return out
    }

    static func count(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    static func fraction(_ number: Double, digits: Int) -> String {
        String(format: "%.\(digits)f", number)
    }

    /// One line that a terminal shows as it is: tabs would break columns.
    static func safe(_ text: String) -> String {
        TerminalText.safe(text).replacing("\t", with: "\\x09")
    }
}

/// Lines of text with cells below each other, indented by two blanks.
struct TextTable {
    private var rows: [[String]]
    private let leftFrom: Int

    /// Figures stand to the right up to the column `leftFrom`, text to the left: by default the last.
    init(_ titles: [String], leftFrom: Int? = nil) {
        rows = [titles]
        self.leftFrom = leftFrom ?? titles.count - 1
    }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// Ends with a newline.
    var text: String {
        let count = rows[0].count
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var out = ""
        for row in rows {
            var line = ""
            for (column, cell) in row.enumerated() {
                let gap = String(repeating: " ", count: widths[column] - cell.count)
                line += "  "
                if column < leftFrom {
                    line += gap + cell
                } else {
                    line += cell + (column == count - 1 ? "" : gap)
                }
            }
            out += line + "\n"
        }
        return out
    }
}
