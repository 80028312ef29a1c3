"""`cordwood agent --logback` and `--pid`: the application's own configuration is all the agent is told."""
import io
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest
import zipfile

from harness import PATIENCE, EndToEndCase, SECOND, wait_until

JARS = [pathlib.Path("/usr/share/java") / f"{jar}.jar" for jar in (
    "logback-classic", "logback-core", "slf4j-api", "janino", "commons-compiler")]
LOGBACK = pathlib.Path(__file__).parent / "logback"
EVENTS = 2000

# Spring Boot's patterns for files, as its manual and its jars have them, with Logback's own words where
# its classes are not here.
WRITTEN = {
    "2.7.18": "%d{yyyy-MM-dd HH:mm:ss.SSS} %5p ${PID} --- [%t] %-40.40logger{39} : %m%n%ex",
    "3.1.5": "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p ${PID} --- [%t] %-40.40logger{39} : %m%n%ex",
    "3.5.0": "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p ${PID} --- [shop] [%t] %-40.40logger{39} : %m%n%ex",
    "4.0.1": "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p ${PID} --- [shop] [%t] %-40.40logger{39} : %m%n%ex",
}


class ApplicationCase(EndToEndCase):
    def boot_jar(self, version, settings, more=()):
        jar = self.folder / "app.jar"
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\r\nSpring-Boot-Version: {version}\r\n")
            archive.writestr("BOOT-INF/classes/application.yml", settings)
            archive.writestr(f"BOOT-INF/lib/spring-boot-{version}.jar", b"")
            for name, content in more:
                archive.writestr(name, content)
        return jar

    def explain(self, *arguments, code=0):
        result = self.run_cordwood("agent", "explain", *arguments)
        self.assertEqual(result.returncode, code, result.stderr.decode() + result.stdout.decode())
        return result.stdout.decode() if code == 0 else result.stderr.decode()


class Applications(ApplicationCase):
    def test_explain_tells_origins_and_traps(self):
        jar = self.boot_jar("3.5.0", "spring:\n  application:\n    name: shop\nlogging:\n  file:\n    name: ${DIR:logs}/app.log\n"
                            "  logback:\n    rollingpolicy:\n      max-history: 1\n      total-size-cap: 1MB\n")
        logs = self.folder / "logs"
        logs.mkdir()
        lines = [f"2026-11-21T19:00:{n:02}.123+09:00  INFO 42 --- [shop] [main] {'a.b.Service':<40} : seq={n}" for n in range(20)]
        (logs / "app.log").write_text("\n".join(lines) + "\n")
        (logs / "app.log.2026-11-20.0.gz").write_bytes(b"x" * 500_000)
        now = time.time()
        os.utime(logs / "app.log.2026-11-20.0.gz", (now - 20, now - 20))
        (logs / "app.log.2026-11-20.1.gz").write_bytes(b"x" * 500_000)
        os.utime(logs / "app.log.2026-11-20.1.gz", (now - 10, now - 10))
        text = self.explain("--logback", jar)
        self.assertRegex(text, r"application +shop\n +from \S*app\.jar!/BOOT-INF/classes/application\.yml:3")
        self.assertRegex(text, r"Spring Boot +3\.5\.0\n +from \S*MANIFEST\.MF")
        self.assertIn(f"file            {logs}/app.log", text)
        self.assertIn("LOG_FILE from", text)
        self.assertIn("LOGBACK_ROLLINGPOLICY_MAX_HISTORY from", text)
        self.assertEqual(len(re.findall(r"INFO pid=42 thread=main logger=a\.b\.Service\n", text)), 10)
        self.assertIn("20 of them begin as the layout says", text)
        self.assertRegex(text, r"totalSizeCap deletes what is unread after \d+ (seconds|minutes) at today's rate")
        self.assertIn("packed the moment", text)
        yaml = text.split("agent.yaml that says the same\n")[1]
        (self.folder / "agent.yaml").write_text(yaml)
        again = self.explain("--config", self.folder / "agent.yaml")
        self.assertEqual(len(re.findall(r"INFO pid=42 thread=main logger=a\.b\.Service\n", again)), 10)

    def test_a_configuration_in_a_library_of_the_jar(self):
        library = io.BytesIO()
        with zipfile.ZipFile(library, "w") as archive:
            archive.writestr("company/files.xml", "<included><appender name='F' class='ch.qos.logback.core.FileAppender'>"
                             "<file>logs/${app}.log</file><encoder><pattern>%d %level - %msg%n</pattern></encoder>"
                             "</appender></included>")
        jar = self.boot_jar("2.7.0", "spring.application.name: shop", [
            ("BOOT-INF/lib/company-logging-1.0.jar", library.getvalue()),
            ("BOOT-INF/classes/logback-spring.xml",
             "<configuration><springProperty name='app' source='spring.application.name'/>"
             "<include resource='company/files.xml'/><root><appender-ref ref='F'/></root></configuration>")])
        text = self.explain("--logback", jar)
        self.assertIn(f"{self.folder}/logs/shop.log", text)
        self.assertIn("BOOT-INF/lib/company-logging-1.0.jar!/company/files.xml:1", text)

    def test_ids_of_traces_where_a_library_of_tracing_is_there(self):
        """Boot 3.2 and later writes them then by itself."""
        library = [("BOOT-INF/lib/micrometer-tracing-1.4.1.jar", b"")]
        for version, settings, more, is_written in (
                ("3.4.1", "", library, True), ("3.4.1", "", [], False), ("4.0.1", "", library, True), ("3.1.5", "", library, False),
                ("3.4.1", "management.tracing.enabled: false\n", library, False),
                ("4.0.1", "management.tracing.export.enabled: false\n", library, False),
                ("3.4.1", "logging.expect-correlation-id: true\n", [], True)):
            with self.subTest(version=version, settings=settings, more=bool(more)):
                text = self.explain("--logback", self.boot_jar(version, "logging.file.name: app.log\n" + settings, more))
                self.assertEqual("traceId and spanId" in text, is_written, text)

    def test_a_class_path_as_build_tools_make_it(self):
        """A configuration in a jar of `folder/*`, in one that a manifest names, or in the one jar of a folder."""
        lib = self.folder / "lib"
        lib.mkdir()
        with zipfile.ZipFile(lib / "shop conf.jar", "w") as archive:
            archive.writestr("logback.xml", "<configuration><appender name='F' class='ch.qos.logback.core.FileAppender'>"
                             "<file>from-jar.log</file><encoder><pattern>%d %msg%n</pattern></encoder></appender>"
                             "<root><appender-ref ref='F'/></root></configuration>")
        thin = self.folder / "thin.jar"
        with zipfile.ZipFile(thin, "w") as archive:
            # A line of a manifest has 72 bytes, and goes on behind a blank.
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nClass-Path: missing.jar lib/shop\r\n %20conf.jar thin.jar\r\n")
        for path in (thin, lib):
            self.assertIn("from-jar.log", self.explain("--logback", path, "--directory", self.folder))
        if not shutil.which("javac"):
            self.skipTest("the rest needs a JDK, which Tests/run installs")
        classes = self.sleeper("1")
        java = subprocess.Popen(["java", "-cp", f"{lib}/*:{classes}", "Sleep"], stdout=subprocess.PIPE, cwd=self.folder)
        try:
            java.stdout.readline()
            self.assertIn(f"{self.folder}/from-jar.log", self.explain("--pid", java.pid))
        finally:
            java.kill()
            java.wait()
            java.stdout.close()

    def test_a_sifting_appender_with_a_class_of_the_applications(self):
        path = self.folder / "logback.xml"
        for discriminator, name in (('<discriminator class="com.acme.Tenant"/>', "tenantOf"),
                                    ('<discriminator class="com.acme.Tenant"><key>t</key></discriminator>', "t"),
                                    ('<discriminator class="ch.qos.logback.classic.sift.ContextBasedDiscriminator"/>', "contextName"),
                                    ("<discriminator><key>user</key><defaultValue>x</defaultValue></discriminator>", "user")):
            path.write_text(f"<configuration><appender name='S' class='ch.qos.logback.classic.sift.SiftingAppender'>{discriminator}"
                            f"<sift><appender name='F' class='ch.qos.logback.core.FileAppender'><file>s-${{{name}}}.log</file>"
                            "<encoder><pattern>%d %msg%n</pattern></encoder></appender></sift></appender>"
                            "<root><appender-ref ref='S'/></root></configuration>")
            self.assertRegex(self.explain("--logback", path, "--directory", self.folder), rf"(?m)^ *file +{self.folder}/s-\*\.log$")

    def test_settings_that_are_no_yaml_are_an_error_with_its_line(self):
        jar = self.boot_jar("3.4.1", "spring.datasource.password: hunter2\nlogging.file.name: x.log\nbad: [hunter2\n")
        told = self.explain("--logback", jar, code=2)
        self.assertRegex(told, r"application\.yml: this is no YAML: 4:1: ")
        self.assertNotIn("hunter2", told)

    def test_variables_of_the_environment(self):
        path = self.folder / "logback.xml"
        path.write_text("<configuration><appender name='F' class='ch.qos.logback.core.FileAppender'><file>${SHOP_LOGS}/app.log</file>"
                        "<encoder><pattern>%d %msg%n</pattern></encoder></appender><root><appender-ref ref='F'/></root></configuration>")
        run = self.run_cordwood("agent", "explain", "--logback", path, env={**os.environ, "SHOP_LOGS": str(self.folder)})
        self.assertIn(f"{self.folder}/app.log", run.stdout.decode())
        self.assertIn("SHOP_LOGS of this command", run.stdout.decode())
        self.assertIn("SHOP_LOGS_IS_UNDEFINED", self.explain("--logback", path))
        agent = self.agent("--logback", path, "--server", "http://127.0.0.1:1", "--state", self.folder / "state")
        wait_until(lambda: "named by a variable that nothing defines here" in agent.told(), PATIENCE, "the warning")

    def sleeper(self, said):
        """The folder of a class Sleep, which prints an expression and stays."""
        classes = self.folder / "classes"
        classes.mkdir()
        (classes / "Sleep.java").write_text(
            "public class Sleep { public static void main(String[] a) throws Exception { "
            f"System.out.println({said}); Thread.sleep(600000); }} }}")
        subprocess.run(["javac", "-d", classes, classes / "Sleep.java"], check=True)
        return classes

    @unittest.skipUnless(shutil.which("javac") and shutil.which("localedef"), "needs a JDK and locales, which Tests/run installs")
    def test_the_characters_of_a_running_process(self):
        """Where nothing names them they are the JVM's default, which it tells here itself."""
        (self.folder / "logback.xml").write_text(
            '<configuration><appender name="F" class="ch.qos.logback.core.FileAppender"><file>app.log</file>'
            '<encoder><pattern>%d %msg%n</pattern></encoder></appender><root><appender-ref ref="F"/></root></configuration>')
        classes = self.sleeper("java.nio.charset.Charset.defaultCharset()")
        subprocess.run(["localedef", "-i", "ko_KR", "-f", "EUC-KR", self.folder / "ko_KR.EUC-KR"], check=True)
        bare = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LC_CTYPE", "LANG")}
        seen = set()
        for environment in ({}, {"LC_ALL": "C"}, {"LANG": "C.UTF-8"}, {"LC_CTYPE": "ko_KR.EUC-KR", "LANG": "C"},
                            {"LANG": "C.UTF-8", "LC_ALL": "no_SUCH"}):
            for options in ([], ["-Dfile.encoding=MS949"], ["-Dfile.encoding=windows-1252"], ["-Dfile.encoding=COMPAT"]):
                with self.subTest(environment=environment, options=options):
                    java = subprocess.Popen(["java", *options, "-cp", f"{self.folder}:{classes}", "Sleep"], text=True,
                                            stdout=subprocess.PIPE, cwd=self.folder,
                                            env={**bare, "LOCPATH": str(self.folder), **environment})
                    try:
                        truth = java.stdout.readline().strip()
                        run = self.run_cordwood("agent", "explain", "--pid", java.pid, env={**bare, "LOCPATH": str(self.folder)})
                        found = re.search(r"^ *characters +(\S+)\n +from (.*)", run.stdout.decode(), re.M)
                        self.assertIsNotNone(found, run.stdout.decode() + run.stderr.decode())
                        self.assertEqual(found[1], truth, found[2])
                        seen.add(truth)
                    finally:
                        java.kill()
                        java.wait()
                        java.stdout.close()
        self.assertLessEqual({"UTF-8", "windows-1252"}, seen)

    @unittest.skipUnless(shutil.which("javac"), "needs a JDK, which Tests/run installs")
    def test_settings_of_a_running_process(self):
        """What names the file: the archive, what it imports, the environment, -D, JSON, an argument; each beats those before."""
        jar = self.boot_jar("3.5.0", "spring.config.import: 'optional:file:./extra.yml'\nlogging.file.name: logs/archive.log\n"
                            "---\nspring.config.activate.on-profile: prod\nlogging.file.name: logs/prod.log\n")
        classes = self.sleeper("1")
        bare = {k: v for k, v in os.environ.items() if not k.startswith(("LOGGING_", "SPRING_"))}

        def named(options=(), arguments=(), **environment):
            java = subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", *options, "-cp", f"{jar}:{classes}", "Sleep", *arguments],
                                    stdout=subprocess.PIPE, cwd=self.folder, env={**bare, **environment})
            try:
                java.stdout.readline()
                return re.search(r"^ *file +(\S+)", self.explain("--pid", java.pid), re.M).group(1).removeprefix(f"{self.folder}/")
            finally:
                java.kill()
                java.wait()
                java.stdout.close()
        self.assertEqual(named(), "logs/archive.log")
        (self.folder / "extra.yml").write_text("logging.file.name: logs/imported.log\n")
        self.assertEqual(named(), "logs/imported.log")
        profile = ["-Dspring.profiles.active=prod"]
        self.assertEqual(named(profile), "logs/prod.log")
        self.assertEqual(named(SPRING_PROFILES_ACTIVE="prod", LOGGING_FILE_NAME="logs/env.log"), "logs/env.log")
        option, variable = ["-Dlogging.file.name=logs/d.log"], {"LOGGING_FILE_NAME": "logs/env.log"}
        self.assertEqual(named(profile + option, **variable), "logs/d.log")
        json = {"SPRING_APPLICATION_JSON": '{"logging":{"file":{"name":"logs/json.log"}}}', **variable}
        self.assertEqual(named(option, **json), "logs/json.log")
        self.assertEqual(named(option, ["--logging.file.name=logs/argument.log"], **json), "logs/argument.log")
        (self.folder / "other.yml").write_text("logging.file.name: logs/other.log\n")
        self.assertEqual(named(arguments=["--spring.config.location=file:other.yml"]), "logs/other.log")

    def test_unreadable_and_shared_files(self):
        path = self.folder / "logback.xml"
        appenders = "".join(
            f'<appender name="{n}" class="ch.qos.logback.core.FileAppender"><file>{self.folder}/a.log</file>'
            "<encoder><pattern>%d %level - %msg%n</pattern></encoder></appender>" for n in "AB")
        path.write_text(f'<configuration>{appenders}<root><appender-ref ref="A"/><appender-ref ref="B"/></root></configuration>')
        (self.folder / "a.log").write_text("x\n")
        text = self.explain("--logback", path)
        self.assertRegex(text, r"the appender B is left out: A \(\S+\) has \S+a\.log")

    def test_traps_of_layouts(self):
        def traps(pattern, extra=""):
            path = self.folder / "logback.xml"
            path.write_text(
                '<configuration><appender name="F" class="ch.qos.logback.core.rolling.RollingFileAppender">'
                f"<file>{self.folder}/a.log</file>{extra}<encoder><pattern>{pattern}</pattern></encoder></appender>"
                '<root><appender-ref ref="F"/></root></configuration>')
            return self.explain("--logback", path)
        self.assertIn("put quotes around it", traps("%d{yyyy-MM-dd HH:mm:ss,SSS} %level %msg%n"))
        self.assertIn("the time of the day alone", traps("%d{HH:mm:ss} %level %msg%n"))
        text = traps("%d %level %X{a}%X{b} %msg%n", "<immediateFlush>false</immediateFlush>")
        for part in ("the zone of this machine", "no <charset>", "neither becomes a field", "immediateFlush is off",
                     "no file is there yet"):
            self.assertIn(part, text)
        self.assertIn("prudent", traps("%d %level %msg%n", "<prudent>true</prudent>"))
        self.assertIn("append is off", traps("%d %level %msg%n", "<append>false</append>"))
        self.assertNotIn("append is off", traps("%d %level %msg%n", "<append>true</append>"))

    def test_hostile_configurations_are_refused(self):
        path = self.folder / "logback.xml"
        path.write_text('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><configuration>&e;</configuration>')
        self.assertIn("a document type that defines something is refused", self.explain("--logback", path, code=2))
        path.write_text(f'<configuration><include file="{path}"/></configuration>')
        self.assertIn("includes itself", self.explain("--logback", path, code=2))
        bomb = self.boot_jar("3.5.0", b"logging.file.name: x\n#" + b"0" * 50_000_000)
        self.assertLess(bomb.stat().st_size, 200_000)
        self.assertIn("application.yml", self.explain("--logback", bomb, code=2))
        (self.folder / "bad.jar").write_bytes(b"PK\x03\x04 no zip file")
        self.assertIn("no jar or war", self.explain("--logback", self.folder / "bad.jar", code=2))
        self.assertIn("no such process", self.explain("--pid", "4194304", code=2))


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogback-java, which Tests/run installs")
class RealApplications(ApplicationCase):
    def compile(self):
        classes = self.folder / "classes"
        classes.mkdir(exist_ok=True)
        path = ":".join(map(str, JARS))
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, LOGBACK / "EventSource.java"], check=True)
        return f"{classes}:{path}"

    def boot(self, version):
        """A jar with settings and nothing else; Logback writes what Boot's default would."""
        settings = "spring:\n  application: {name: shop}\nlogging:\n  file: {path: var/log}\n"
        jar = self.boot_jar(version, settings)
        logs = self.folder / "var/log"
        logs.mkdir(parents=True)
        configuration, truth = self.folder / "written.xml", self.folder / "truth"
        configuration.write_text(
            '<configuration><property name="PID" value="31337"/>'
            '<appender name="FILE" class="ch.qos.logback.core.rolling.RollingFileAppender">'
            f"<file>{logs}/spring.log</file>"
            '<rollingPolicy class="ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy">'
            f"<fileNamePattern>{logs}/spring.log.%d{{yyyy-MM-dd}}.%i.gz</fileNamePattern>"
            "<maxFileSize>100KB</maxFileSize><maxHistory>7</maxHistory></rollingPolicy>"
            f"<encoder><pattern>{WRITTEN[version]}</pattern><charset>UTF-8</charset></encoder></appender>"
            '<root level="DEBUG"><appender-ref ref="FILE"/></root></configuration>')
        classes, started = self.compile(), time.time_ns()
        server = self.serve()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--state", self.folder / "state",
                           "--logback", jar)
        java = subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "EventSource",
                               configuration, str(EVENTS), "2000", truth, "0"], stderr=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(java.returncode, 0)
        until = time.time_ns() + 600 * SECOND
        selector = '{app="shop"}'
        wait_until(lambda: server.count(selector, until) >= EVENTS, PATIENCE, f"all events\n{agent.tail()}")
        seen = set()
        answer = server.range(selector, started - 60 * SECOND, until, limit=5000)
        for stream in answer.json["data"]["result"]:
            fields = stream["stream"]
            self.assertRegex(fields["thread"], r"^http-nio-8080-exec-\d$")
            self.assertIn(fields["logger"], ("com.acme.order.OrderService", "kr.co.acme.auth.LoginController"))
            self.assertEqual(fields["pid"], "31337")
            self.assertIn(fields["level"], ("INFO", "WARN", "ERROR"))
            for _, line in [value[:2] for value in stream["values"]]:
                numbers = re.findall(r"seq=(\d+);", line)
                self.assertEqual(len(numbers), 1, line)
                seen.add(int(numbers[0]))
        self.assertEqual(seen, set(range(EVENTS)))
        self.assertEqual(server.count(selector, until), EVENTS)
        self.assertEqual(agent.stop(), 0)

    def test_a_running_jvm(self):
        logs = self.folder / "jvm logs"
        configuration, truth = self.folder / "pid.xml", self.folder / "truth"
        configuration.write_text(
            '<configuration><appender name="F" class="ch.qos.logback.core.FileAppender">'
            "<file>${LOG_HOME}/${NAME_OF_APP:-x}.log</file>"
            "<encoder><pattern>%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n</pattern>"
            '</encoder></appender><root level="DEBUG"><appender-ref ref="F"/></root></configuration>')
        classes, started = self.compile(), time.time_ns()
        # Some options stand in a file, as build tools write it.
        (self.folder / "options").write_text(
            f"# logging\n-Dlogback.configurationFile={configuration}\n-DLOG_HOME=\"{logs}\"\n-cp \"{classes}\"\n")
        java = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "@options",
             "-Duser.timezone=America/New_York", "-Dfile.encoding=UTF-8", "EventSource", configuration,
             "100000", "200", truth, "0"], env={**os.environ, "NAME_OF_APP": "orders"}, cwd=self.folder,
            stderr=subprocess.DEVNULL)
        self.addCleanup(java.wait)
        self.addCleanup(java.kill)
        wait_until(lambda: (logs / "orders.log").exists(), PATIENCE, "the log file")
        text = self.explain("--pid", java.pid)
        self.assertIn("NAME_OF_APP from the environment variable NAME_OF_APP", text)
        self.assertRegex(text, r"zone +America/New_York\n +from -Duser\.timezone in /proc/\d+/cmdline")
        server = self.serve()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--state", self.folder / "state",
                           "--pid", java.pid, "--label", "app=orders")
        until = time.time_ns() + 600 * SECOND
        wait_until(lambda: server.count('{app="orders"}', until) >= 100, PATIENCE, "entries")
        java.kill()
        answer = server.range('{app="orders"}', started - 60 * SECOND, until, limit=100)
        for stream in answer.json["data"]["result"]:
            # Read in the JVM's zone: in this machine's, hours would lie between.
            for value in stream["values"]:
                self.assertTrue(started - SECOND <= int(value[0]) <= time.time_ns() + SECOND, value)
            self.assertIn("traceId", stream["stream"])
        self.assertEqual(agent.stop(), 0)


def _boot(version):
    return lambda self: self.boot(version)


for _version in WRITTEN:
    setattr(RealApplications, "test_defaults_of_boot_" + _version.replace(".", "_"), _boot(_version))

if __name__ == "__main__":
    unittest.main()
