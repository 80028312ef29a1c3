/// Whose frames are looked for in a stack trace: those of named packages, or of all that no
/// framework is known by.
package struct OwnPackages: Sendable {
    private let names: [[UInt8]]

    /// `names`: packages or classes, as `com.shop`; none: whatever is no framework's.
    package init(_ names: [String] = []) { self.names = names.map { Array($0.utf8) } }

    func contain(_ text: UnsafeRawBufferPointer, _ method: Range<Int>) -> Bool {
        let name = text[method]
        if names.isEmpty { return !Self.frameworks.contains { name.starts(with: $0) } }
        return names.contains { own in
            guard name.starts(with: own) else { return false }
            let behind = method.lowerBound + own.count
            // A package ends with a dot, a class also before what is nested in it.
            return own.last == UInt8(ascii: ".") || behind == method.upperBound
                || text[behind] == UInt8(ascii: ".") || text[behind] == UInt8(ascii: "$")
        }
    }

    private static let frameworks = [
        "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "oracle.", "kotlin.",
        "kotlinx.", "scala.", "groovy.", "clojure.", "org.codehaus.groovy.",
        "org.springframework.", "org.apache.", "org.eclipse.", "org.hibernate.", "org.jboss.",
        "org.aspectj.", "org.mybatis.", "org.quartz.", "org.thymeleaf.", "org.slf4j.",
        "org.junit.", "org.mockito.", "org.gradle.", "org.postgresql.", "org.h2.", "org.mariadb.",
        "org.redisson.", "org.elasticsearch.", "org.glassfish.", "org.jetbrains.",
        "org.flywaydb.", "liquibase.", "ch.qos.logback.", "io.netty.", "io.undertow.",
        "io.micrometer.", "io.lettuce.", "io.grpc.", "io.reactivex.", "io.vertx.",
        "io.opentelemetry.", "io.github.resilience4j.", "io.ktor.", "reactor.", "rx.", "akka.",
        "play.", "zio.", "cats.", "feign.", "okhttp3.", "okio.", "retrofit2.", "redis.clients.",
        "lombok.", "junit.", "net.bytebuddy.", "net.sf.", "com.fasterxml.", "com.google.",
        "com.zaxxer.", "com.mysql.", "com.mongodb.", "com.netflix.", "com.querydsl.",
        "com.amazonaws.", "com.microsoft.", "com.intellij.", "com.rabbitmq.",
        "com.github.benmanes.", "software.amazon.",
    ].map { Array($0.utf8) }
}
