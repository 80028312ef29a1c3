import Foundation

/// `<define name=… class=…>`: variables that a class computes. Those of Logback's own classes that tell
/// of files, of the class path and of the machine are told here as well.
extension ConfigurationReader {
    func defineByClass(_ name: String, _ element: XMLTree) throws(LogbackError) {
        let whole = element.attributes["class"] ?? ""
        let className = whole.split(separator: ".").last.map(String.init) ?? ""
        let origin = "\(element.place), \(className)"
        switch className {
        case "FileExistsPropertyDefiner":
            guard let path = try child("path", of: element) else { break }
            let isThere = FileManager.default.fileExists(atPath: absolute(path))
            variables.define(name, Derived("\(isThere)", "\(origin) of \(absolute(path))"))
            return
        case "ResourceExistsPropertyDefiner":
            guard let resource = try child("resource", of: element) else { break }
            let found = try classPath.read(resource) ?? classPath.readInLibraries(resource)
            variables.define(name, Derived("\(found != nil)", "\(origin) of \(resource)"))
            return
        case "CanonicalHostNamePropertyDefiner":
            let names = Host.current().names
            let host = names.first { $0.contains(".") } ?? ProcessInfo.processInfo.hostName
            variables.define(name, Derived(host.lowercased(), "\(origin) of this machine"))
            return
        default: break
        }
        remarks.append(
            "\(element.place): \(name) is computed by \(whole.isEmpty ? "a class" : whole) of the "
                + "application: the default of ${\(name):-…} counts in its place, or anything where "
                + "none stands")
        variables.defineComputed(name, element.place)
    }

    /// The text of an element within, its variables put in; nil when there is none.
    private func child(_ name: String, of element: XMLTree) throws(LogbackError) -> String? {
        guard let inner = element.child(name) else { return nil }
        let found = try text(inner.text, inner.place).value
        return found.isEmpty || found.contains(Variables.open) ? nil : found
    }
}
