import Wire

/// Keys of an output, as an item of `outputs:` and at the top level of agent.yaml:
///
///     outputs:
///       - { name: main, server: 'https://logs:3100', tls: { ca_file: /etc/cordwood/ca.pem } }
///       - { kind: loki, server: 'http://loki:3100', format: protobuf }
///       - { kind: file, path: /var/log/shipped.jsonl }
extension Output {
    /// An item of `outputs:`.
    static func read(_ section: YAMLSection) throws(AgentError) -> Output {
        var output = Output(name: "")
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "name":
                output.name = try value.name()
                // It names a folder.
                guard output.name.utf8.count <= 64,
                    output.name.utf8.allSatisfy({ isNameByte($0) })
                else { throw value.wrong("letters, digits, - and _ only, 64 at most") }
            case "kind": output.kind = try value.choice(of: Kind.self)
            case "path": output.path = try value.name()
            case "format": output.format = try value.choice(of: Format.self)
            default: guard try output.take(key, value) else { throw value.unknown(key) }
            }
        }
        if output.name.isEmpty { output.name = output.kind.rawValue }
        // What is there and wrong has been told.
        let isKnown = section["kind"].map { (try? $0.choice(of: Kind.self)) != nil } ?? true
        guard isKnown else { return output }
        if output.kind.isServer, output.server.isEmpty, section["server"] == nil {
            throw section.wrong("an output of kind \(output.kind.rawValue) needs server")
        }
        if !output.kind.isServer, output.tellsOfServer {
            throw section.wrong(
                "an output of kind \(output.kind.rawValue) goes to no server: it has no server, tenant, "
                    + "tls, proxy, headers or secrets")
        }
        if output.kind == .file, output.path.isEmpty {
            throw section.wrong("an output of kind file needs path")
        }
        return output
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    /// Takes a key of how a server is reached; false for another key.
    mutating func take(_ key: String, _ value: YAMLSection) throws(AgentError) -> Bool {
        switch key {
        case "server": server = try value.server()
        case "tenant": tenant = try value.tenant()
        case "tls": access.tls = try HTTPAccess.TLS.read(value)
        case "proxy": access.proxy = try value.name()
        case "headers": headers = try value.headers()
        case "bearer_token": try take(.bearer(.text(try value.headerText())), value)
        case "bearer_token_file": try take(.bearer(.file(try value.name())), value)
        case "basic_auth": try take(try Credentials.read(value), value)
        default: return false
        }
        return true
    }

    private mutating func take(
        _ given: Credentials, _ value: YAMLSection
    ) throws(AgentError) {
        guard credentials == nil else {
            throw value.wrong("basic_auth, bearer_token, bearer_token_file: keep one of them")
        }
        credentials = given
    }
}

extension Credentials {
    fileprivate static func read(_ section: YAMLSection) throws(AgentError) -> Credentials {
        var user = ""
        var password: Secret?
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "username":
                user = try value.name()
                guard !user.contains(":") else { throw value.wrong("no colon in a user's name") }
            case "password", "password_file":
                guard password == nil else {
                    throw value.wrong("password and password_file: keep one of them")
                }
                password = key == "password" ? .text(try value.text()) : .file(try value.name())
            default: throw value.unknown(key)
            }
        }
        guard !user.isEmpty, let password else {
            throw section.wrong("basic_auth needs username, and password_file or password")
        }
        return .basic(user: user, password)
    }
}

extension HTTPAccess.TLS {
    fileprivate static func read(_ section: YAMLSection) throws(AgentError) -> HTTPAccess.TLS {
        var tls = HTTPAccess.TLS()
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "ca_file": tls.caFile = try value.name()
            case "cert_file": tls.certificateFile = try value.name()
            case "key_file": tls.keyFile = try value.name()
            case "server_name": tls.serverName = try value.name()
            case "insecure_skip_verify": tls.skipsVerification = try value.truth()
            default: throw value.unknown(key)
            }
        }
        return tls
    }
}

extension YAMLSection {
    fileprivate func server() throws(AgentError) -> String {
        var text = try text()
        while text.hasSuffix("/") { text.removeLast() }
        if let fault = ServerAddress.fault(in: text) {
            throw wrong("server: \"\(text)\": \(fault)")
        }
        return text
    }

    /// A text that may stand in a header.
    fileprivate func headerText() throws(AgentError) -> String {
        let text = try name()
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw wrong("no control characters in a header")
        }
        return text
    }

    fileprivate func tenant() throws(AgentError) -> String {
        let text = try headerText()
        if let fault = TenantID.fault(in: text) { throw wrong("tenant: \(fault)") }
        return text
    }

    /// What the agent sets itself is not for others to change.
    private static let ownHeaders: Set<String> = [
        "content-type", "content-encoding", "content-length", "transfer-encoding", "connection",
        "authorization", "x-scope-orgid",
    ]

    fileprivate func headers() throws(AgentError) -> [String: String] {
        var headers: [String: String] = [:]
        try each { (key, value) throws(AgentError) in
            guard !key.isEmpty, key.utf8.allSatisfy({ Self.isHeaderByte($0) }) else {
                throw value.wrong("\"\(key)\" is no name of a header")
            }
            guard !Self.ownHeaders.contains(key.lowercased()) else {
                throw value.wrong(
                    "the header \(key) is the agent's own; tenant, basic_auth and bearer_token_file "
                        + "set what it may say")
            }
            headers[key] = try value.headerText()
        }
        return headers
    }

    /// RFC 9110, section 5.6.2: tokens.
    private static func isHeaderByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
