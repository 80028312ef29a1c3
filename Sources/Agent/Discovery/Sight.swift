extension Discovery {
    /// A name in a folder that is looked at.
    struct Sight {
        private(set) var path: String
        private(set) var name: String
        private(set) var group: Int
        /// The pattern matches the name itself.
        var isNamed: Bool
        /// The name is one that a file of the pattern may be rolled to.
        var isRolled: Bool
        let kind: FileContent.Kind
        private(set) var status: FileIdentity.Status
        /// Where the file stands, when the path leads elsewhere by now.
        var place: String?

        var folder: String { FollowedFile.split(path).folder }

        /// As `SourceRecord.family`.
        var family: String { SourceRecord.family(of: path) }

        func `as`(_ path: String) -> Sight {
            var sight = self
            sight.path = path
            sight.name = FollowedFile.split(path).name
            return sight
        }

        /// As it is now.
        func `as`(_ status: FileIdentity.Status) -> Sight {
            var sight = self
            sight.status = status
            return sight
        }

        func of(_ group: Int) -> Sight {
            var sight = self
            sight.group = group
            return sight
        }
    }
}
