import Foundation
import Logback

/// How long rolled files live: as those that are gone have shown, else as the configuration of the
/// application says, by the tempo in which its files are rolled.
struct DeletionForecast: Sendable {
    /// Seconds from the last line of a rolled file to its deletion, as it was lately, by family.
    private var lifetimes: [String: Double] = [:]
    private var tempos: [String: RollTempo] = [:]
    /// Families whose tempo is known: of thousands nobody asks for each.
    private static let mostTempos = 10_000

    mutating func noteDeletion(in family: String, after seconds: Double) {
        lifetimes[family] = max(0, seconds)
    }

    mutating func noteRoll(_ sight: Discovery.Sight) {
        let key = Self.key(sight.group, sight.name)
        guard tempos.count < Self.mostTempos || tempos[key] != nil else { return }
        tempos[key, default: RollTempo()].add(sight.path, .init(sight.status))
    }

    /// Seconds from the last line to the deletion; nil when nothing tells.
    func lifetime(of file: FollowedFile, _ retention: RollRetention?) -> Double? {
        if let seen = lifetimes[file.family] { return seen }
        guard let retention else { return nil }
        let tempo = tempos[Self.key(file.place.group, file.name)]
        return retention.lifetime(interval: tempo?.interval, rollBytes: tempo?.bytes)
    }

    /// The rolls of one appender may lie in other folders than its active file, dated ones.
    private static func key(_ group: Int, _ name: String) -> String {
        "\(group)/\(RolledName.root(of: name))"
    }
}

extension Discovery {
    func noteTempo(_ sight: Sight) {
        let roll = RollTempo.Roll(sight.status)
        if let before = rolls[sight.path] {
            guard before != roll else { return }
        } else if rolls.count >= Self.maxRemembered {
            return
        }
        rolls[sight.path] = roll
        // Without one nobody asks for the tempo.
        guard groups[sight.group].retention != nil else { return }
        shared.withLock { $0.forecast.noteRoll(sight) }
    }

    /// A rolled file that is gone tells how long such files live: until the policy that deletes them
    /// changes, others will live as long.
    func noteDeletion(_ path: String) {
        guard let roll = rolls[path], FileIdentity.status(of: path) == nil else { return }
        rolls[path] = nil
        // Packed, not deleted.
        for suffix in [".gz", ".zip"] where FileIdentity.status(of: path + suffix) != nil { return }
        let (folder, name) = FollowedFile.split(path)
        let seconds = Date().timeIntervalSince1970 - Double(roll.modified)
        shared.withLock {
            $0.forecast.noteDeletion(in: folder + "/" + RolledName.root(of: name), after: seconds)
        }
    }
}
