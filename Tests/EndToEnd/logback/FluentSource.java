import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.MarkerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Logs what a file tells, by the fluent interface of SLF4J 2: FluentSource CONFIG EVENTS. EVENTS has
 * one line an event, parted by tabs: level, logger, thread, message, arguments, pairs, context,
 * markers, causes. Items of a list end with U+001E, a key with U+001F; U+001D stands for a line end.
 */
public final class FluentSource {
    public static void main(String[] arguments) throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(new File(arguments[0]));
        for (String line : Files.readAllLines(Path.of(arguments[1]))) write(line.replace('\u001d', '\n').split("\t", -1));
        context.stop();
    }

    private static void write(String[] event) {
        Thread.currentThread().setName(event[2]);
        MDC.clear();
        for (String pair : items(event[6])) MDC.put(key(pair), value(pair));
        LoggingEventBuilder builder =
            LoggerFactory.getLogger(event[1]).atLevel(Level.valueOf(event[0])).setMessage(event[3]);
        for (String argument : items(event[4])) builder = builder.addArgument(argument);
        for (String pair : items(event[5])) builder = builder.addKeyValue(key(pair), typed(value(pair)));
        for (String marker : items(event[7])) builder = builder.addMarker(MarkerFactory.getMarker(marker));
        Throwable cause = null;
        for (String text : items(event[8])) cause = new IllegalStateException(text, cause);
        if (cause != null) builder = builder.setCause(cause);
        builder.log();
    }

    /** People add numbers and truths as they are, not as texts. */
    private static Object typed(String value) {
        if (value.matches("-?\\d{1,9}")) return Integer.valueOf(value);
        return value.equals("true") ? Boolean.TRUE : value.equals("null") ? null : value;
    }

    private static String[] items(String list) {
        return list.isEmpty() ? new String[0] : list.split("\u001e");
    }

    private static String key(String pair) {
        return pair.substring(0, pair.indexOf('\u001f'));
    }

    private static String value(String pair) {
        return pair.substring(pair.indexOf('\u001f') + 1);
    }
}
