/// Prometheus' text format.
extension AgentMetrics {
    /// Everything, with one sample a path where files are told apart.
    package var prometheusText: String {
        var page = MetricsPage()
        addCounters(to: &page)
        addGauges(to: &page)
        addFiles(to: &page)
        addErrors(to: &page)
        addLedger(to: &page)
        return page.text
    }

    private func addCounters(to page: inout MetricsPage) {
        page.add("events_total", "counter", "Events acknowledged by the server.", events)
        page.add("bytes_total", "counter", "Bytes of acknowledged events.", bytes)
        page.add("pushes_total", "counter", "Acknowledged pushes.", shipments)
        page.add("retries_total", "counter", "Pushes sent again.", retries)
        page.add("rewinds_total", "counter", "Times the server's positions were taken.", rewinds)
        page.add(
            "set_aside_total", "counter", "Events refused by the server and kept aside.", setAside)
        page.add(
            "dropped_total", "counter",
            "Entries that rules of the configuration have dropped, which are not shipped.",
            dropped.sorted { $0.key < $1.key }.map { ([("why", $0.key)], $0.value) })
        page.add(
            "lost_sources_total", "counter", "Files gone before they were read to the end.",
            lostSources)
        page.add(
            "lost_bytes_total", "counter", "Bytes of such files, where their size was known.",
            lostBytes)
        page.add(
            "watch_overflows_total", "counter", "Times the kernel's queue of changes was full.",
            watchOverflows)
        page.add(
            "sweep_seconds_total", "counter", "Time of a core spent looking at all folders.",
            sweepSeconds)
    }

    private func addGauges(to page: inout MetricsPage) {
        page.add(
            "watched_folders", "gauge", "Folders whose changes the kernel tells.", watchedFolders)
        page.add(
            "unwatched_folders", "gauge", "Folders that cannot be watched and are swept instead.",
            unwatchedFolders)
        page.add(
            "unreadable", "gauge", "A file or a folder that may not be read, and why.",
            unreadable.sorted { $0.key < $1.key }.map {
                ([("path", $0.key), ("reason", $0.value)], 1)
            })
        page.add(
            "pinned_bytes", "gauge",
            "Bytes of deleted files that are unread and still on their disk.", pinnedBytes)
        page.add("spool_bytes", "gauge", "Packed bytes of such files in the spool.", spoolBytes)
    }

    private func addFiles(to page: inout MetricsPage) {
        let files = files
        func add<Value>(_ name: String, _ help: String, _ value: (File) -> Value?) {
            page.add(
                "file_" + name, "gauge", help,
                files.compactMap { file in value(file).map { ([("path", file.path)], $0) } })
        }
        add("lag_bytes", "Bytes of a file not yet acknowledged.") { $0.lagBytes }
        add("lag_seconds", "How long a file has waited to be read on.") { $0.lagSeconds }
        add("lag_lines", "The same in events, estimated.") { $0.lagLines }
        add("bytes_per_second", "Bytes of a file acknowledged in a second, lately.") {
            $0.bytesPerSecond
        }
        add(
            "deletion_timestamp_seconds",
            "When an unread file will be deleted, as far as earlier ones and its configuration tell."
        ) { $0.deletionExpected }
    }

    /// The words that `agent status` has, as labels: they change seldom, and there is one of a file.
    private func addErrors(to page: inout MetricsPage) {
        func labels(_ text: String) -> [(String, String)] {
            [("error", String(text.prefix(Self.mostErrorCharacters)))]
        }
        page.add(
            "last_error", "gauge", "What went wrong last, in words.",
            lastError.isEmpty ? [] : [(labels(lastError), 1)])
        page.add(
            "file_last_error", "gauge", "What went wrong last with a file, in words.",
            files.filter { !$0.lastError.isEmpty }.map {
                ([("path", $0.path)] + labels($0.lastError), 1)
            })
    }

    /// An answer of somebody's server may be a page of HTML.
    private static let mostErrorCharacters = 300

    private func addLedger(to page: inout MetricsPage) {
        for (name, help, value) in [
            ("ranges", "Ranges of files noted in the ledger.", \Ledger.Sum.ranges),
            ("bytes", "Bytes of such ranges, where their end is known.", \Ledger.Sum.bytes),
        ] {
            page.add(
                "ledger_\(name)_total", "counter", help,
                Ledger.Fate.allCases.map {
                    ([("fate", $0.rawValue)], (ledger[$0] ?? Ledger.Sum())[keyPath: value])
                })
        }
    }
}

/// Families of metrics, each with its samples.
private struct MetricsPage {
    private(set) var text = ""

    mutating func add(_ name: String, _ type: String, _ help: String, _ value: some Any) {
        add(name, type, help, [([], value)])
    }

    mutating func add<Value>(
        _ name: String, _ type: String, _ help: String,
        _ samples: [(labels: [(name: String, value: String)], value: Value)]
    ) {
        let name = "cordwood_agent_" + name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            let list = labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}"
            text += "\(name)\(list) \(sample.value)\n"
        }
    }

    /// Scalar by scalar: to `Character` a line feed behind a carriage return is another one.
    private static func escaped(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out.append(contentsOf: "\\\\".unicodeScalars)
            case "\"": out.append(contentsOf: "\\\"".unicodeScalars)
            case "\n": out.append(contentsOf: "\\n".unicodeScalars)
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
