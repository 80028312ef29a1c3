import Foundation

/// How far files are behind.
extension Discovery {
    /// At a time in monotonic nanoseconds. `acknowledged`: an offset that the server is known to have,
    /// beside what a file has noted itself.
    ///
    /// Files change by it: the thread that reads them calls it, or another before there is one.
    func states(
        of files: [FollowedFile], at now: UInt64, acknowledged: (FollowedFile) -> Int64
    ) -> [AgentMetrics.File] {
        let forecast = shared.withLock(\.forecast)
        return files.map { file in
            let status = file.isFinished ? nil : file.status()
            var state = AgentMetrics.File(
                path: file.path, source: file.id, offset: max(file.ackedOffset, acknowledged(file)),
                size: file.size, lagSeconds: 0, events: file.eventsRead, readBytes: file.bytesRead)
            guard state.lagBytes > 0 else { return state }
            state.lagSeconds = Double(now - min(now, file.lastGrowth)) / 1e9
            if let status,
                let lifetime = forecast.lifetime(of: file, groups[file.place.group].retention)
            {
                state.deletionExpected = Double(status.modified) + lifetime
            }
            return state
        }
    }
}
