import static net.logstash.logback.argument.StructuredArguments.fields;
import static net.logstash.logback.argument.StructuredArguments.keyValue;
import static net.logstash.logback.argument.StructuredArguments.value;
import static net.logstash.logback.marker.Markers.append;
import static net.logstash.logback.marker.Markers.appendEntries;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import java.io.File;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.MarkerFactory;

/** Logs events with all that logstash-logback-encoder makes fields of: StructuredSource CONFIG. */
public final class StructuredSource {
    /** An argument whose properties become fields. */
    public static final class Order {
        public final int orderId = 77;
        public final String customer = "kim";
    }

    public static void main(String[] arguments) throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(new File(arguments[0]));
        Thread.currentThread().setName("worker 1");
        Logger log = LoggerFactory.getLogger("com.acme.order.OrderService");
        MDC.put("traceId", "t-1");
        MDC.put("user.name", "홍길동");
        log.info("seq=0; {} {}", keyValue("amount", 1200), value("currency", "KRW"));
        log.warn("seq=1; {}", fields(new Order()));
        log.info(append("tenant", "blue").and(appendEntries(Map.of("shard", 3))), "seq=2;");
        log.info(MarkerFactory.getMarker("AUDIT"), "seq=3; \"quoted\"\nsecond line");
        log.error("seq=4;", new IllegalStateException("no stock", new RuntimeException("cause")));
        MDC.clear();
        log.debug("seq=5; {}", keyValue("nested", Map.of("deep", "x")));
        context.stop();
    }
}
