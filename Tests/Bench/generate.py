"""generate.py FOLDER MEGABYTES [SEED]: log lines of a scaled-out shop, repeatable from the seed.

Three Spring Boot applications and an nginx in front, on four hosts, over six hours. Writes gzip'd
push bodies of about 1 MB of lines each (FOLDER/NNNNN.json.gz), the raw lines (FOLDER/raw/*.log) and
FOLDER/meta.json: start and end (epoch seconds), lines, bytes, and one trace id that occurs.
"""
import datetime
import gzip
import json
import os
import random
import sys

HOSTS = ["blue-1", "blue-2", "green-1", "green-2"]
APPS = ["order-api", "user-api", "payment-worker", "gateway"]
START = 1_793_491_200  # 2026-11-01T00:00:00Z
HOURS = 6
KST = datetime.timezone(datetime.timedelta(hours=9))
CAUSES = ["java.net.SocketTimeoutException: Read timed out",
          "org.springframework.dao.DataIntegrityViolationException: could not execute statement; constraint [uk_order_no]",
          "java.lang.NullPointerException: \"order\" is null"]
FRAMES = ["com.example.order.OrderService.place(OrderService.java:{})", "java.base/java.lang.Thread.run(Thread.java:{})",
          "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:{})"]


class Shop:
    def __init__(self, seed):
        self.random = random.Random(seed)
        r = self.random
        self.addresses = [f"{r.randint(1, 223)}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}" for _ in range(4000)]
        self.users = [r.randint(10**5, 10**7) for _ in range(50_000)]
        self.traces = {}

    def skewed(self, values):
        return values[int(len(values) * self.random.random() ** 3)]

    def hex(self, digits):
        return "%0*x" % (digits, self.random.getrandbits(4 * digits))

    def stack(self):
        r = self.random
        frames = "".join("\n\tat " + r.choice(FRAMES).format(r.randint(20, 999)) for _ in range(r.randint(4, 18)))
        return r.choice(CAUSES) + frames

    def order(self):
        r, user = self.random, self.skewed(self.users)
        return r.choices([
            ("INFO", "c.e.order.OrderService", f"주문 생성 완료 orderId={r.randint(10**9, 10**10)} userId={user} amount={r.randint(10, 9999) * 100} elapsed={int(r.lognormvariate(3.6, .8))}ms"),
            ("DEBUG", "o.h.SQL", f"select o1_0.id,o1_0.status from orders o1_0 where o1_0.user_id={user} limit {r.choice([10, 20, 50])}"),
            ("INFO", "c.e.order.StockService", f"재고 차감 productId={r.randint(1, 20000)} qty={r.randint(1, 5)} txId={self.hex(32)}"),
            ("WARN", "o.h.SQL", f"Slow query detected: {int(r.lognormvariate(7, .5))}ms rows={r.randint(1, 10**5)}"),
            ("ERROR", "c.e.order.OrderService", f"주문 실패 orderId={r.randint(10**9, 10**10)} userId={user}\n{self.stack()}"),
        ], [40, 26, 28, 4, 2])[0]

    def user(self):
        r, user = self.random, self.skewed(self.users)
        return r.choices([
            ("INFO", "c.e.user.UserController", f"GET /api/v1/users/{user} {r.choice([200] * 14 + [404, 500])} {int(r.lognormvariate(2.9, .9))}ms ip={self.skewed(self.addresses)} ua=\"okhttp/4.12.0\""),
            ("DEBUG", "c.e.user.JwtProvider", f"Token validated sub={user} jti={self.hex(32)}"),
            ("INFO", "c.e.user.UserService", json.dumps({"event": r.choice(["login", "logout"]), "userId": user, "latencyMs": int(r.lognormvariate(2.5, 1))}, separators=(",", ":"))),
            ("WARN", "c.e.user.JwtProvider", f"JWT expired {r.randint(1, 100000)} milliseconds ago sub={user}"),
        ], [40, 33, 25, 2])[0]

    def payment(self):
        r = self.random
        return r.choices([
            ("INFO", "c.e.pay.PaymentConsumer", f"level=info msg=\"payment captured\" payment_id={self.hex(20)} amount={r.randint(10, 9999) * 100} method={r.choice(['card', 'toss', 'kakao', 'naver'])} duration={r.lognormvariate(-1.2, .6):.3f}s"),
            ("DEBUG", "o.a.k.c.c.i.ConsumerCoordinator", f"Committed offset {r.randint(10**6, 10**9)} for partition order-events-{r.randint(0, 11)}"),
            ("INFO", "c.e.pay.LedgerWriter", f"ledger entry written seq={r.randint(10**7, 10**8)} checksum={self.hex(40)}"),
            ("ERROR", "c.e.pay.PaymentConsumer", f"결제 승인 실패 payment={self.hex(20)}\n{self.stack()}"),
        ], [47, 31, 20, 2])[0]

    def line(self, app, host, seconds):
        r = self.random
        if app == "gateway":
            stamp = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000")
            return None, (f'{self.skewed(self.addresses)} - - [{stamp}] "GET /api/v1/orders/{self.skewed(self.users)} HTTP/1.1" '
                          f'{r.choice([200] * 20 + [301, 404, 499, 500, 502, 503])} {int(r.lognormvariate(6.5, 1.3))} "-" "curl/8.5.0" rt={r.lognormvariate(-3, .9):.3f}')
        level, logger, text = {"order-api": self.order, "user-api": self.user, "payment-worker": self.payment}[app]()
        slot = (app, host, r.randint(0, 7))
        if slot not in self.traces or r.random() < .22:
            self.traces[slot] = f"{self.hex(32)}-{self.hex(16)}"
        stamp = datetime.datetime.fromtimestamp(int(seconds * 1000) / 1000, KST).isoformat(timespec="milliseconds")
        return level, f"{stamp} {level:>5} 1206 --- [{app}] [nio-8080-exec-{r.randint(1, 32):>2}] [{self.traces[slot]}] {logger:<40} : {text}"


def main():
    folder, megabytes = sys.argv[1], int(sys.argv[2])
    shop = Shop(int(sys.argv[3]) if len(sys.argv) > 3 else 11)
    os.makedirs(f"{folder}/raw", exist_ok=True)
    raw = {(a, h): open(f"{folder}/raw/{a}-{h}.log", "w") for a in APPS for h in HOSTS}
    streams, waiting, total, lines, bodies, trace = {}, 0, 0, 0, 0, None
    seconds, pause = float(START), HOURS * 3600 / (megabytes * 1e6 / 230)

    def flush():
        nonlocal streams, waiting, bodies
        if not streams:
            return
        body = {"streams": [{"stream": dict(k), "values": v} for k, v in streams.items()]}
        with gzip.open(f"{folder}/{bodies:05d}.json.gz", "wb", compresslevel=4) as out:
            out.write(json.dumps(body, ensure_ascii=False).encode())
        streams, waiting, bodies = {}, 0, bodies + 1

    while total < megabytes * 1_000_000:
        seconds += shop.random.expovariate(1 / pause)
        host, app = shop.random.choice(HOSTS), shop.random.choices(APPS, [4, 3, 2, 3])[0]
        level, line = shop.line(app, host, seconds)
        if trace is None and level and seconds > START + 3 * 3600:
            trace = line.split("[")[3][:32]
        labels = {"app": app, "host": host, "color": host.split("-")[0], "env": "prod", **({"level": level} if level else {})}
        # The lines of one millisecond keep their order by their nanoseconds.
        streams.setdefault(tuple(labels.items()), []).append([str(int(seconds * 1000) * 10**6 + lines % 10**6), line])
        raw[app, host].write(line + "\n")
        size = len(line.encode())
        waiting, total, lines = waiting + size, total + size, lines + 1
        if waiting >= 1_000_000:
            flush()
    flush()
    meta = json.dumps({"lines": lines, "bytes": total, "start": START, "end": int(seconds) + 1, "trace": trace})
    open(f"{folder}/meta.json", "w").write(meta + "\n")
    print(meta)


main()
