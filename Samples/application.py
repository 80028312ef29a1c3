"""A sample application for the demo: writes FOLDER/app.log the way Logback does, in Spring Boot's
layout, and rolls it at 64 KB into FOLDER/app-DATE.N.log.gz (rename, create, compress behind).

    application.py FOLDER NAME [LINES_PER_SECOND]
"""
import datetime
import gzip
import os
import pathlib
import random
import sys
import threading
import time

folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
per_second = float(sys.argv[3]) if len(sys.argv) > 3 else 40
folder.mkdir(parents=True, exist_ok=True)
source = random.Random(name)
active = folder / "app.log"

TRACE = """java.lang.IllegalStateException: payment gateway refused the order
\tat com.example.shop.PaymentClient.charge(PaymentClient.java:{0})
\tat com.example.shop.OrderService.place(OrderService.java:{1})
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.net.SocketTimeoutException: Read timed out
\t... 12 common frames omitted"""


def event():
    now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
    thread = f"nio-8080-exec-{source.randint(1, 8)}"
    order, took = source.randint(10_000, 99_999), int(source.lognormvariate(3.5, 0.8))
    level, logger, text = source.choices([
        ("INFO", "c.e.shop.OrderController", f"주문 완료 orderId={order} took={took}ms status=200"),
        ("INFO", "c.e.shop.OrderService", f"order placed orderId={order} amount={source.randint(1, 900) * 100} took={took}ms"),
        ("DEBUG", "c.e.shop.StockRepository", f"select id, qty from stock where sku={source.randint(1, 4000)}"),
        ("WARN", "c.e.shop.StockService", f"stock low sku={source.randint(1, 4000)} left={source.randint(0, 4)}"),
        ("ERROR", "c.e.shop.PaymentClient", f"payment failed orderId={order}\n{TRACE.format(source.randint(20, 90), source.randint(20, 90))}"),
    ], [50, 25, 15, 7, 3])[0]
    return f"{now} {level:>5} 4242 --- [shop] [{thread:>15}] {logger:<40} : {text}\n"


def roll(index):
    rolled = folder / f"app-{datetime.date.today()}.{index}.log"
    waiting = rolled.with_suffix(".log.tmp")
    os.rename(active, waiting)

    def compress():
        with open(waiting, "rb") as plain, gzip.open(f"{rolled}.gz", "wb") as packed:
            packed.write(plain.read())
        waiting.unlink()

    threading.Thread(target=compress).start()


rolls = len(list(folder.glob("app-*.gz")))
out = open(active, "a", encoding="utf-8")
while True:
    out.write(event())
    out.flush()
    if out.tell() > 64 * 1024:
        out.close()
        roll(rolls)
        rolls += 1
        out = open(active, "a", encoding="utf-8")
    time.sleep(source.expovariate(per_second))
