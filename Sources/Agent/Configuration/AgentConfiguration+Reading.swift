import Foundation
import Logback
import Yams

/// agent.yaml, read key by key: an unknown key is an error with its line.
extension AgentConfiguration {
    package static func read(_ path: String) throws(AgentError) -> AgentConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .configuration("cannot read \(path)")
        }
        let composed: Node?
        do { composed = try Yams.compose(yaml: String(decoding: data, as: UTF8.self)) } catch {
            throw .configuration("\(path):\(YAMLFault(error))")
        }
        var configuration = AgentConfiguration(server: "", state: "")
        guard let root = composed else { throw .configuration("\(path) is empty") }
        let faults = FaultList()
        let file = YAMLSection(path: path, node: root, faults: faults)
        // What every source has, unless it says otherwise.
        var common = SourceGroup(paths: [])
        try file.each { (key, value) throws(AgentError) in
            switch key {
            case "outputs":
                for item in try value.items() {
                    item.noting { () throws(AgentError) in try configuration.readOutput(item) }
                }
            case "state": configuration.state = try value.text()
            case "labels": configuration.labels = try value.labels()
            case "host": configuration.host = try value.text()
            case "zone": common.zone = try value.zone()
            case "metrics_listen": configuration.metricsListen = try value.address()
            case "batch": try configuration.readBatch(value)
            case "sources": break
            case "search_seconds":
                configuration.searchSeconds = try value.number(0.1...86_400)
            case "spool": try configuration.readSpool(value)
            default:
                if try common.take(key, value) { return }
                guard try configuration.output.take(key, value) else { throw value.unknown(key) }
            }
        }
        if let outputs = file["outputs"] {
            outputs.noting { () throws(AgentError) in
                if let fault = configuration.outputsFault { throw outputs.wrong(fault) }
            }
        }
        file.noting { () throws(AgentError) in
            try configuration.readSources(file, common)
            if configuration.state.isEmpty { throw .configuration("\(path): state is missing") }
            // One that is there and wrong has been told.
            if file["server"] == nil, file["outputs"] == nil {
                throw .configuration("\(path): server, or outputs, is missing")
            }
        }
        if let error = faults.error { throw error }
        return configuration
    }

    private mutating func readOutput(_ item: YAMLSection) throws(AgentError) {
        let output = try Output.read(item)
        if outputs.contains(where: { $0.name == output.name }) {
            throw item.wrong(Self.twoOutputs(output.name))
        }
        outputs.append(output)
    }

    private mutating func readSources(
        _ file: YAMLSection, _ common: SourceGroup
    ) throws(AgentError) {
        guard let sources = file["sources"] else { return }
        for item in try sources.items() {
            item.noting { () throws(AgentError) in
                groups.append(try SourceGroup.read(item, common: common))
            }
        }
    }

    private mutating func readSpool(_ section: YAMLSection) throws(AgentError) {
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "pinned_bytes": pinnedBytes = Int64(try value.number(0...1e15))
            case "bytes": spoolBytes = Int64(try value.number(0...1e15))
            default: throw value.unknown(key)
            }
        }
    }

    private mutating func readBatch(_ section: YAMLSection) throws(AgentError) {
        var bytes = batchBytes
        var age = batchAgeSeconds
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "bytes": bytes = Int(try value.number(1000...8_000_000))
            case "age_seconds": age = try value.number(0.01...60)
            default: throw value.unknown(key)
            }
        }
        batchBytes = bytes
        batchAgeSeconds = age
    }
}
