"""What applications ask of Logback: policies, names, encoders; and what disturbs an agent that follows them."""
import dataclasses

PATTERN = "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n"
BOOT_2 = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p 4242 --- [%t] %-40.40logger{39} : %m%n%n%ex%n"
BOOT_3 = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p 4711 --- [shop] [%t] %-40.40logger{39} : %m%n%ex"
# Logback 1.2 takes what stands behind the comma for a time zone, and prints GMT without milliseconds.
COMMA = ('unq=%d{yyyy-MM-dd HH:mm:ss,SSS} quo=%d{"yyyy-MM-dd HH:mm:ss,SSS"} seoul=%d{HH:mm:ss.SSSXXX, Asia/Seoul}'
         " iso=%d{ISO8601} def=%d ep=%r %-5p %c{0} - %m%n")

# Logback 1.5 starts no appender with such a zone.
QUOTED_COMMA = COMMA[COMMA.index("quo="):]

ROLLING = "ch.qos.logback.core.rolling"
TIME = """<rollingPolicy class="ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy">
  <fileNamePattern>{folder}/%s</fileNamePattern><maxFileSize>{size}</maxFileSize>%s</rollingPolicy>"""
FILE = "<file>{folder}/app.log</file>"
DAILY_GZ = FILE + TIME % ("app-%d{{yyyy-MM-dd}}.%i.log.gz", "")
DAILY_PLAIN = FILE + TIME % ("app-%d{{yyyy-MM-dd}}.%i.log", "")
WINDOW = FILE + """<rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
  <fileNamePattern>{folder}/app.%%i.log%s</fileNamePattern>
  <minIndex>1</minIndex><maxIndex>{window}</maxIndex></rollingPolicy>
<triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
  <maxFileSize>{size}</maxFileSize></triggeringPolicy>"""
DATED_FOLDERS = FILE + """<rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy">
  <fileNamePattern>{folder}/%d{{yyyy/MM/dd/HHmm, aux}}/app.%d{{yyyyMMdd-HHmmss, Asia/Seoul}}.log.gz</fileNamePattern>
  <maxHistory>{history}</maxHistory></rollingPolicy>"""
PRUDENT = """<prudent>true</prudent><rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy">
  <fileNamePattern>{folder}/app.%d{{yyyy-MM-dd_HHmmss}}.log</fileNamePattern></rollingPolicy>"""
SIFT = """<appender name="F" class="ch.qos.logback.classic.sift.SiftingAppender">
  <discriminator><key>traceId</key><defaultValue>none</defaultValue></discriminator><timeout>2 seconds</timeout>
  <maxAppenderCount>50</maxAppenderCount><sift><appender name="F-${{traceId}}" class="ch.qos.logback.core.FileAppender">
  <file>{folder}/trace-${{traceId}}.log</file><encoder><pattern>%d{{yyyy-MM-dd HH:mm:ss.SSS}} %-5level %logger - %msg%n</pattern>
  </encoder></appender></sift></appender>"""


@dataclasses.dataclass(frozen=True)
class Scenario:
    policy: str = DAILY_GZ
    size: str = "2MB"
    pattern: str = PATTERN
    charset: str = "UTF-8"
    encoder: str = ""
    extra: str = ""
    # A whole appender instead of one made of the above.
    appender: str = ""
    # Of agent.yaml, for the source.
    source: dict = dataclasses.field(default_factory=dict)
    paths: str = "*.log"
    jvms: int = 1
    # Each file begins with a line that is no event.
    has_header: bool = False
    # Does not roll by itself.
    is_single: bool = False
    # The application is killed while it packs a roll, and started again.
    is_killed: bool = False
    # logrotate copies and truncates the file.
    is_copied: bool = False
    # Logback deletes what is so many rolls or seconds old.
    window: int = 3
    history: int = 60

    def configuration(self, folder):
        head = "<outputPatternAsHeader>true</outputPatternAsHeader>" if self.has_header else ""
        encoder = self.encoder or (f"<encoder><pattern>{self.pattern}</pattern>"
                                   f"<charset>{self.charset}</charset>{head}</encoder>")
        kind = "ch.qos.logback.core.FileAppender" if self.is_single else f"{ROLLING}.RollingFileAppender"
        policy = self.policy.format(folder=folder, size=self.size, window=self.window, history=self.history)
        appender = (self.appender.format(folder=folder) if self.appender else
                    f'<appender name="F" class="{kind}">{policy}{self.extra}{encoder}</appender>')
        return f'<configuration>{appender}<root level="DEBUG"><appender-ref ref="F"/></root></configuration>'


SCENARIOS = {
    "size and time, gz, 200 KB": Scenario(size="200KB"),
    "size and time, gz, 2 MB": Scenario(),
    "size and time, zip": Scenario(FILE + TIME % ("app-%d{{yyyy-MM-dd}}.%i.log.zip", ""), "500KB"),
    "size and time, plain": Scenario(DAILY_PLAIN, "200KB"),
    "minutes, three are kept": Scenario(
        FILE + TIME % ("app-%d{{yyyy-MM-dd_HHmm}}.%i.log.gz", "<maxHistory>3</maxHistory><totalSizeCap>5MB</totalSizeCap>"),
        "200KB"),
    "fixed window": Scenario(WINDOW % ""),
    "fixed window, gz": Scenario(WINDOW % ".gz"),
    "dated names without a file element": Scenario(TIME % ("app.%d{{yyyy-MM-dd}}.%i.log", ""), "200KB"),
    "dated names, gz": Scenario(TIME % ("app.%d{{yyyy-MM-dd}}.%i.log.gz", ""), "200KB"),
    "dated folders": Scenario(DATED_FOLDERS),
    "prudent, two JVMs": Scenario(PRUDENT, jvms=2),
    "buffered": Scenario(DAILY_PLAIN, extra="<immediateFlush>false</immediateFlush>"),
    "MS949": Scenario(charset="MS949", source=dict(encoding="MS949")),
    "UTF-16": Scenario(charset="UTF-16", source=dict(encoding="UTF-16")),
    "JSON": Scenario(
        "<file>{folder}/app.json</file>" + TIME % ("app-%d{{yyyy-MM-dd}}.%i.json.gz", ""), "200KB", paths="*.json",
        encoder='<encoder class="net.logstash.logback.encoder.LogstashEncoder"/>'),
    "comma in the date": Scenario(
        FILE, pattern=COMMA, is_single=True, source=dict(layout=dict(pattern=COMMA, logback="1.2"))),
    "header": Scenario(DAILY_PLAIN, "200KB", has_header=True),
    "sift": Scenario(appender=SIFT, is_single=True),
    "Boot 2's names": Scenario(
        "<file>{folder}/spring.log</file>" + TIME % ("spring.log.%d{{yyyy-MM-dd}}.%i.gz", ""), pattern=BOOT_2),
    "Boot 3's pattern": Scenario(pattern=BOOT_3),
    "killed while it packs": Scenario(size="3MB", is_killed=True),
    "copied and truncated": Scenario(FILE, is_single=True, is_copied=True),
}
# What current Logback refuses stands there as it wants it.
CURRENT = {
    **SCENARIOS,
    "comma in the date": Scenario(
        FILE, pattern=QUOTED_COMMA, is_single=True, source=dict(layout=dict(pattern=QUOTED_COMMA, logback="1.5"))),
}
