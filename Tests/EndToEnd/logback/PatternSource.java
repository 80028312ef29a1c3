import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import java.io.BufferedWriter;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.MarkerFactory;

/**
 * Logs the same events to every appender of a configuration: PatternSource CONFIG EVENTS SEED TRUTH.
 * TRUTH gets one line an event, parted by tabs: number, level, thread, logger, traceId, user, marker.
 */
public final class PatternSource {
    private static final String[] LOGGERS = {
        "com.acme.order.OrderService", "kr.co.acme.auth.LoginController", "Main",
        "org.apache.catalina.core.ContainerBase.[Tomcat].[localhost].[/]",
        "com.acme.payment.gateway.internal.adapter.persistence.PaymentTransactionRepository",
    };
    private static final String[] THREADS = {
        "main", "http-nio-8080-exec-7", "pool-3-thread-12", "주문-처리-1", "scheduling [fast] 2",
    };

    public static void main(String[] arguments) throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(new File(arguments[0]));
        int events = Integer.parseInt(arguments[1]);
        Random random = new Random(Long.parseLong(arguments[2]));
        try (BufferedWriter truth =
                Files.newBufferedWriter(Path.of(arguments[3]), StandardCharsets.UTF_8)) {
            for (int n = 0; n < events; n++) write(n, random, truth);
        }
        context.stop();
    }

    private static void write(int n, Random random, BufferedWriter truth) throws Exception {
        String name = LOGGERS[random.nextInt(LOGGERS.length)];
        String thread = THREADS[random.nextInt(THREADS.length)];
        String trace = random.nextInt(4) == 0 ? "" : Long.toHexString(random.nextLong());
        String user = random.nextInt(3) == 0 ? "" : "user " + random.nextInt(50);
        String marker = random.nextInt(3) == 0 ? "AUDIT" : "";
        int kind = random.nextInt(12);
        Thread.currentThread().setName(thread);
        MDC.clear();
        if (!trace.isEmpty()) MDC.put("traceId", trace);
        if (!user.isEmpty()) MDC.put("user", user);
        Logger log = LoggerFactory.getLogger(name);
        String text = "seq=" + n + "; 주문 [a] - " + random.nextInt(1000);
        org.slf4j.Marker mark = marker.isEmpty() ? null : MarkerFactory.getMarker(marker);
        String level;
        if (kind == 0) {
            level = "ERROR";
            log.error(mark, text, new IllegalStateException(
                "failed\n\n2026-01-01 00:00:00.000 fake header inside a message\n"
                    + "2026-01-01T00:00:00.000Z also one", new RuntimeException("cause")));
        } else if (kind == 1) {
            level = "WARN";
            log.warn(mark, text + "\nsecond line\n\n  fourth line after a blank one");
        } else if (kind == 2) {
            level = "TRACE";
            log.trace(mark, text);
        } else if (kind == 3) {
            level = "DEBUG";
            log.debug(mark, text);
        } else {
            level = "INFO";
            log.info(mark, text);
        }
        truth.write(String.join("\t", "" + n, level, thread, name, trace, user, marker) + "\n");
    }
}
