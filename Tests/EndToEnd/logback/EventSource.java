import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Writes numbered events through real Logback: EventSource CONFIG EVENTS PER_SECOND TRUTH FIRST
 * [GO]. Each event carries "seq=N;" once in its first line. TRUTH gets N before the event is logged,
 * so a killed run never leaves an event that TRUTH does not know.
 *
 * With GO so many events are logged as this file has bytes, and none but while it was touched within
 * the last quarter of a second, or in the future: whoever touches it keeps up, however slow the
 * machine is.
 */
public final class EventSource {
    private static final int THREADS = 4;
    private static final long FRESH_MILLISECONDS = 250;
    /** What was not logged in time is not made up for, but for so much. */
    private static final long BURST_NANOSECONDS = 50_000_000;
    private static long lastSlot = System.nanoTime();
    private static final String[] TEXTS = {
        "주문이 완료되었습니다", "결제 실패: 잔액 부족", "cache warmed", "재고를 확인하는 중"
    };

    public static void main(String[] arguments) throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(new File(arguments[0]));
        int events = Integer.parseInt(arguments[1]);
        int first = Integer.parseInt(arguments[4]);
        long interval = (long) (1e9 / Double.parseDouble(arguments[2]));
        File go = arguments.length > 5 ? new File(arguments[5]) : null;
        AtomicInteger next = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(THREADS);
        try (BufferedWriter truth =
                Files.newBufferedWriter(Path.of(arguments[3]), StandardCharsets.UTF_8)) {
            for (int t = 0; t < THREADS; t++) {
                new Thread(() -> {
                    for (int n; (n = next.getAndIncrement()) < events; ) {
                        while (go != null && !mayLog(n, go)) LockSupport.parkNanos(5_000_000);
                        long due = slot(interval);
                        while (System.nanoTime() < due) LockSupport.parkNanos(due - System.nanoTime());
                        synchronized (truth) {
                            try { truth.write(first + n + "\n"); } catch (IOException e) { throw new RuntimeException(e); }
                        }
                        write(first + n);
                    }
                    done.countDown();
                }, "http-nio-8080-exec-" + (t + 1)).start();
            }
            done.await();
        }
        context.stop(); // waits for the compressor, as a clean shutdown does
    }

    /** When the next event is due. */
    private static synchronized long slot(long interval) {
        lastSlot = Math.max(lastSlot, System.nanoTime() - BURST_NANOSECONDS) + interval;
        return lastSlot;
    }

    private static boolean mayLog(int n, File go) {
        return n < go.length() && go.lastModified() > System.currentTimeMillis() - FRESH_MILLISECONDS;
    }

    private static void write(int n) {
        Logger log = LoggerFactory.getLogger(n % 3 == 0 ? "com.acme.order.OrderService" : "kr.co.acme.auth.LoginController");
        MDC.put("traceId", Integer.toHexString(n % 400 * 31));
        String text = "seq=" + n + "; " + TEXTS[n % TEXTS.length] + " order=" + n % 1000 + " took=" + n % 900 + "ms";
        if (n % 20 == 19) {
            // A message inside the trace that looks like the start of another event.
            log.error(text, new IllegalStateException(
                "failed\n\n2026-01-01 00:00:00.000 fake header inside a message", new RuntimeException("cause " + n)));
        } else if (n % 17 == 16) {
            log.warn(text + "\nsecond line of " + n + "\n\n  fourth line after a blank one");
        } else {
            log.info(text);
        }
    }
}
