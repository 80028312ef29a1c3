import Foundation

/// What characters a JVM writes where nothing names them: UTF-8 from Java 18 on (JEP 400); before, and
/// by `-Dfile.encoding=COMPAT`, those of its locale.
extension Application {
    /// The default of the JVM, when it is known.
    package var charset: Derived<String>? {
        let java = javaVersion?.value
        let version = java.map { "Java \($0)" } ?? "the JVM"
        if let named = systemProperties["file.encoding"] {
            let isOfLocale = named.value.uppercased() == "COMPAT" && java ?? 18 >= 18
            if !isOfLocale {
                guard let java, java >= 9, Self.isUnknownAtStart(named.value) else { return named }
                return Derived(
                    "UTF-8",
                    "\(named.origin): \(named.value), which \(version) does not know when it starts"
                )
            }
        } else {
            guard let java else { return nil }
            if java >= 18 { return Derived("UTF-8", "the default of \(version)") }
        }
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let locale = environment[name], !locale.isEmpty else { continue }
            // Which locales a container has nobody outside of it knows.
            let characters =
                hasOwnFileSystems
                ? locale.split(separator: ".").dropFirst().first.map(String.init)
                : Self.characters(ofLocale: locale)
            return Derived(
                characters ?? Self.ascii,
                "the locale of \(version), by the environment variable \(name) (\(locale))")
        }
        return Derived(Self.ascii, "the locale of \(version): nothing names one")
    }

    /// Of the locale C, which counts too where the one that is named is not there.
    private static let ascii = "US-ASCII"

    /// From Java 9 on a JVM starts with the charsets of *java.base* alone, and takes UTF-8 for others; on
    /// Linux it has EUC-KR, windows-31j, GBK and Big5, but not Korean's MS949.
    private static func isUnknownAtStart(_ name: String) -> Bool {
        let letters = name.lowercased().filter { $0.isLetter || $0.isNumber }
        return ["ms949", "windows949", "xwindows949", "compat"].contains(letters)
    }

    private static func characters(ofLocale name: String) -> String? {
        guard let locale = newlocale(1 << LC_CTYPE, name, nil) else { return nil }
        defer { freelocale(locale) }
        let text = nl_langinfo_l(nl_item(CODESET), locale).map { String(cString: $0) }
        return text == "ANSI_X3.4-1968" ? ascii : text
    }

    /// `folder`: of the process, in /proc.
    mutating func takeJavaVersion(_ folder: String) {
        guard let java = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/exe")
        else { return }
        // The folder above `bin` has a file that tells; in Java 8, the one above `jre/bin`.
        var home = (java as NSString).deletingLastPathComponent
        for _ in 0..<2 {
            home = (home as NSString).deletingLastPathComponent
            // As the process sees it, in its container too.
            guard let bytes = try? ClassPath.bytes(ofFile: folder + "/root" + home + "/release"),
                let version = Self.version(inRelease: String(decoding: bytes, as: UTF8.self))
            else { continue }
            javaVersion = Derived(version, home + "/release")
            return
        }
    }

    /// `JAVA_VERSION="17.0.15"`, or `"1.8.0_392"` up to Java 8.
    static func version(inRelease text: String) -> Int? {
        guard let match = text.firstMatch(of: /(?m)^JAVA_VERSION="(?:1\.)?([0-9]{1,3})/) else {
            return nil
        }
        return Int(match.1)
    }
}
