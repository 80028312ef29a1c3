import Foundation
import GRDB
import LogModel

/// A segment as the catalog lists it.
struct SegmentRecord: Sendable {
    var object: String
    var tenant: String
    var level: Int
    /// Nanoseconds, both inclusive.
    var first: Int64
    var last: Int64
    var rows: Int
    /// Bytes of lines, and of the object.
    var bytes: Int
    var storedBytes: Int
    /// Seconds since the epoch.
    var created: Int64
}

extension SegmentRecord {
    /// What was merged came before what was not; names rise with time within a level.
    func arrivedBefore(_ other: SegmentRecord) -> Bool {
        if level != other.level { return level > other.level }
        return object.utf8.count == other.object.utf8.count
            ? object < other.object : object.utf8.count < other.object.utf8.count
    }
}

/// What one commit changes, all of it or nothing.
struct CatalogChange: Sendable {
    struct Stream: Sendable {
        var tenant: String
        var labels: Labels
        var first: Int64
        var last: Int64
    }
    var added: [SegmentRecord] = []
    var removed: [String] = []
    var streams: [Stream] = []
    /// Moves that must follow what is committed.
    var moves: [(tenant: String, range: SourceRange)] = []
    /// Positions set whatever is committed: for repair.
    var positions: [(tenant: String, position: Position)] = []
}

/// Streams, labels, segments and positions in SQLite. Calls block. FULL synchronous: what a commit
/// says is on disk.
final class Catalog: Sendable {
    static let schemaVersion = 1
    private let pool: DatabasePool
    private let path: String
    let labelSets: LabelSets

    init(path: String, labelSets: LabelSets) throws(StorageError) {
        self.path = path
        self.labelSets = labelSets
        var configuration = Configuration()
        configuration.maximumReaderCount = 4
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            // The pool chooses NORMAL when it turns to WAL, and so forgets the last commits in a
            // power cut; this connection is the only one that writes.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.write { try Self.createSchema($0) }
        } catch { throw Self.translate(error, path) }
    }

    func close() { try? pool.close() }

    /// Moves the log into the database and empties it, if nobody reads from it just now.
    func shrinkLog() { try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }

    private static func createSchema(_ db: Database) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= schemaVersion else {
            throw StorageError.corrupt(
                object: "catalog", detail: "written by a later version of Cordwood (\(version))")
        }
        guard version == 0 else {
            // As large as the postings themselves. Labels of a stream are read from its text now.
            return try db.execute(sql: "DROP INDEX IF EXISTS postings_by_stream")
        }
        try db.execute(
            sql: """
                CREATE TABLE streams (
                    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, labels TEXT NOT NULL,
                    first INTEGER NOT NULL, last INTEGER NOT NULL, UNIQUE (tenant, labels));
                CREATE TABLE postings (
                    tenant TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
                    stream INTEGER NOT NULL, PRIMARY KEY (tenant, name, value, stream)
                ) WITHOUT ROWID;
                CREATE TABLE segments (
                    object TEXT PRIMARY KEY, tenant TEXT NOT NULL, level INTEGER NOT NULL,
                    first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL,
                    bytes INTEGER NOT NULL, stored INTEGER NOT NULL, created INTEGER NOT NULL);
                CREATE INDEX segments_by_time ON segments (tenant, last);
                CREATE TABLE sources (
                    tenant TEXT NOT NULL, source TEXT NOT NULL, position INTEGER NOT NULL,
                    events INTEGER NOT NULL, PRIMARY KEY (tenant, source)) WITHOUT ROWID;
                PRAGMA user_version = \(schemaVersion);
                """)
    }

    private static func translate(_ error: any Error, _ path: String) -> StorageError {
        if let error = error as? StorageError { return error }
        if let error = error as? DatabaseError {
            switch error.resultCode {
            case .SQLITE_FULL: return .full("writing \(path)")
            case .SQLITE_IOERR where errno == ENOSPC: return .full("writing \(path)")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                return .corrupt(
                    object: path, detail: "\(error.message ?? "") (`cordwood repair` rebuilds it)")
            default: break
            }
        }
        return .io(operation: "using", path: path, detail: "\(error)")
    }

    func reading<T>(_ body: (Database) throws -> T) throws(StorageError) -> T {
        do { return try pool.read(body) } catch { throw Self.translate(error, path) }
    }

    /// Applies a change in one transaction.
    func commit(_ change: CatalogChange) throws(StorageError) {
        do {
            try pool.write { db in
                try Self.write(change.streams, db)
                for record in change.added { try Self.write(record, db) }
                for object in change.removed {
                    try db.cachedStatement(sql: "DELETE FROM segments WHERE object = ?")
                        .execute(arguments: [object])
                }
                for (tenant, range) in change.moves { try Self.move(tenant, range, db) }
                for (tenant, position) in change.positions {
                    try Self.set(tenant, position.source, position.offset, position.events, db)
                }
            }
        } catch { throw Self.translate(error, path) }
    }

    private static func write(_ record: SegmentRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            record.object, record.tenant, record.level, record.first, record.last, record.rows,
            record.bytes, record.storedBytes, record.created,
        ])
    }

    private static func write(_ streams: [CatalogChange.Stream], _ db: Database) throws {
        let update = try db.cachedStatement(
            sql: """
                UPDATE streams SET first = min(first, ?), last = max(last, ?)
                WHERE tenant = ? AND labels = ?
                """)
        for stream in streams {
            let text = stream.labels.description
            try update.execute(arguments: [stream.first, stream.last, stream.tenant, text])
            if db.changesCount > 0 { continue }
            try db.cachedStatement(
                sql: "INSERT INTO streams (tenant, labels, first, last) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [stream.tenant, text, stream.first, stream.last])
            let id = db.lastInsertedRowID
            for label in stream.labels.pairs {
                try db.cachedStatement(sql: "INSERT INTO postings VALUES (?, ?, ?, ?)")
                    .execute(arguments: [stream.tenant, label.name, label.value, id])
            }
        }
    }

    private static func set(
        _ tenant: String, _ source: String, _ offset: Int64, _ events: Int64, _ db: Database
    ) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)")
            .execute(arguments: [tenant, source, offset, events])
    }

    private static func move(_ tenant: String, _ range: SourceRange, _ db: Database) throws {
        let committed = try Self.position(tenant, range.source, db)
        guard (committed?.offset ?? 0) == range.from else {
            throw StorageError.positionConflict(committed.map { [$0] } ?? [])
        }
        try set(tenant, range.source, range.to, range.events, db)
    }

    private static func position(
        _ tenant: String, _ source: String, _ db: Database
    ) throws -> Position? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT position, events FROM sources WHERE tenant = ? AND source = ?"),
            arguments: [tenant, source])
        return row.map { Position(source: source, offset: $0[0], events: $0[1]) }
    }

    func positions(tenant: String, sources: [String]) throws(StorageError) -> [Position] {
        try reading { db in try sources.compactMap { try Self.position(tenant, $0, db) } }
    }

    func segments() throws(StorageError) -> [SegmentRecord] {
        try reading { db in
            try Row.fetchAll(db, sql: "SELECT * FROM segments ORDER BY created, object").map(
                Self.record)
        }
    }

    /// Segments of a tenant that hold anything from first to last, both inclusive.
    func segments(
        tenant: String, first: Int64, last: Int64
    ) throws(StorageError) -> [SegmentRecord] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM segments WHERE tenant = ? AND last >= ? AND first <= ?
                    ORDER BY created, object
                    """, arguments: [tenant, first, last]
            ).map(Self.record)
        }
    }

    private static func record(_ row: Row) -> SegmentRecord {
        SegmentRecord(
            object: row[0], tenant: row[1], level: row[2], first: row[3], last: row[4],
            rows: row[5], bytes: row[6], storedBytes: row[7], created: row[8])
    }

    func streamCount(tenant: String) throws(StorageError) -> Int {
        try reading { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM streams WHERE tenant = ?", arguments: [tenant]) ?? 0
        }
    }

    func knows(tenant: String, labels: Labels) throws(StorageError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db, sql: "SELECT 1 FROM streams WHERE tenant = ? AND labels = ?",
                arguments: [tenant, labels.description]) ?? false
        }
    }

    /// Forgets streams of which no segment can hold anything any more: what is asked and done is one
    /// transaction, so that a commit of old entries keeps its streams.
    func forgetStreams(tenant: String) throws(StorageError) {
        do {
            try pool.write { db in
                let first = try Int64.fetchOne(
                    db, sql: "SELECT MIN(first) FROM segments WHERE tenant = ?", arguments: [tenant]
                )
                let cutoff = first ?? .max
                let posting = try db.cachedStatement(
                    sql: """
                        DELETE FROM postings
                        WHERE tenant = ? AND name = ? AND value = ? AND stream = ?
                        """)
                let forgotten = try Row.fetchCursor(
                    db, sql: "SELECT id, labels FROM streams WHERE tenant = ? AND last < ?",
                    arguments: [tenant, cutoff])
                while let row = try forgotten.next() {
                    let id: Int64 = row[0]
                    for label in try Self.labels(row[1], of: id, tenant, db).pairs {
                        try posting.execute(arguments: [tenant, label.name, label.value, id])
                    }
                }
                try db.execute(
                    sql: "DELETE FROM streams WHERE tenant = ? AND last < ?",
                    arguments: [tenant, cutoff])
            }
        } catch { throw Self.translate(error, path) }
    }
}
