import Foundation
import LogModel
import Logging
import Segment

/// What a repair found.
package struct RepairReport: Sendable {
    package var segments = 0
    package var rows = 0
    package var streams = 0
    package var positions = 0
    /// Objects that could not be read; they stay where they are, with `.damaged` at the end.
    package var damaged: [String] = []
}

extension Store {
    /// Rebuilds the catalog from the segments, which name their tenant, streams, labels and read
    /// positions themselves. The old catalog is kept beside, with `.before-repair` at its end.
    package static func repair(
        folder: String, logger: Logger
    ) throws(StorageError) -> RepairReport {
        guard FileManager.default.fileExists(atPath: folder + "/objects") else {
            throw .io(operation: "opening", path: folder, detail: "no data folder of Cordwood")
        }
        let lock = try FolderLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        let objects = try FileObjectStore(folder: folder) { _ in }
        for end in ["", "-wal", "-shm"] {
            let path = folder + "/catalog.sqlite" + end
            if access(path, F_OK) == 0, rename(path, path + ".before-repair") != 0 {
                throw .system("renaming", path)
            }
        }
        let catalog = try Catalog(path: folder + "/catalog.sqlite", labelSets: LabelSets())
        defer { catalog.close() }
        var report = RepairReport()
        var change = CatalogChange()
        var positions: [String: [Position]] = [:]
        for name in try objects.list().sorted() where name.hasSuffix(".seg") {
            do {
                let file = try objects.open(name)
                let reader = try SegmentReader(size: file.size) { try file.read($0) }
                try reader.verify()
                change.add(
                    reader.summary, object: name, created: Int64(Date().timeIntervalSince1970))
                positions[reader.summary.tenant, default: []] += try PositionList.decode(
                    reader.attachment)
                report.segments += 1
                report.rows += reader.summary.rows
            } catch {
                logger.error(
                    "damaged object", metadata: ["object": "\(name)", "error": "\(error)"])
                report.damaged.append(name)
                rename(objects.path(name), objects.path(name) + ".damaged")
            }
        }
        for (tenant, list) in positions {
            change.positions += PositionList.furthest(list).map { (tenant, $0) }
        }
        report.streams = Set(change.streams.map { $0.tenant + $0.labels.description }).count
        report.positions = change.positions.count
        try catalog.commit(change)
        return report
    }
}
