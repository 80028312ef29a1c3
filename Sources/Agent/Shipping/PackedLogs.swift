/// How the agent packs what it sends and what it keeps.
enum PackedLogs {
    /// Logs get hardly smaller at higher levels, which take up to twice the time.
    static let gzipLevel: Int32 = 1
}
