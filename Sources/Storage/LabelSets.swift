import LogModel
import Synchronization

/// Label sets that the catalog and open segments share: one of a stream is kept once, however many
/// segments have it, and two of them are equal at a glance. They never change.
final class LabelSets: Sendable {
    /// Some 30 MB; with more streams all are put together anew from time to time.
    private static let most = 50_000

    private struct Known {
        /// By their text in the catalog: putting one together from it costs more than all that a
        /// query does with it.
        var byText: [String: Labels] = [:]
        var byFingerprint: [UInt64: Labels] = [:]
    }
    private let known = Mutex(Known())

    subscript(text: String) -> Labels? { known.withLock { $0.byText[text] } }

    /// Notes the labels of a text, and gives those that all share.
    func keep(_ labels: Labels, _ text: String) -> Labels {
        let shared = shared(labels, fingerprint: labels.fingerprint)
        known.withLock { known in
            if known.byText.count >= Self.most { known.byText.removeAll() }
            known.byText[text] = shared
        }
        return shared
    }

    func shared(_ labels: Labels, fingerprint: UInt64) -> Labels {
        known.withLock { known in
            if let other = known.byFingerprint[fingerprint] {
                return other == labels ? other : labels
            }
            if known.byFingerprint.count >= Self.most { known.byFingerprint.removeAll() }
            known.byFingerprint[fingerprint] = labels
            return labels
        }
    }
}
