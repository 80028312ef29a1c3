"""`server.yaml` as people bring it: taken over from Loki, with what this server does not have."""
from harness import EndToEndCase


class Configuration(EndToEndCase):
    def test_a_file_of_lokis_starts_the_server_and_is_commented(self):
        server = self.serve(config="""
auth_enabled: false
server:
  http_listen_port: 3100
common:
  ring: {kvstore: {store: inmemory}}
schema_config:
  configs: [{from: 2024-01-01, store: tsdb, schema: v13}]
limits_config:
  use_owned_stream_count: true
  ruler_remote_write_disabled: false
  query_timeout: 500ms
  max_query_series: 7
""")
        told = server.log.read_text()
        for name in ("server", "common", "schema_config", "limits_config.use_owned_stream_count",
                     "limits_config.ruler_remote_write_disabled"):
            self.assertIn(name, told)
        self.assertIn("warning", told)
        config = server.get("/config").text
        self.assertIn("  query_timeout: 500ms\n", config)
        self.assertIn("  max_query_series: 7\n", config)
        self.assertEqual(server.range('{app="x"}', 1, 2).status, 200)

    def test_what_nobody_knows_is_an_error_with_its_line(self):
        path = self.folder / "server.yaml"
        path.write_text("auth_enabled: false\nlissten: 127.0.0.1:0\n")
        run = self.run_cordwood("serve", "--data", self.data, "--config", path)
        self.assertEqual(run.returncode, 2)
        self.assertIn(f"{path}, line 2: unknown key 'lissten'", run.stderr.decode())


if __name__ == "__main__":
    import unittest
    unittest.main()
