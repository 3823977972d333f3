"""An application with statsig, the legacy SDK, that reads from Redis: tells what it evaluates, whenever that changes, until standard input ends."""

import json
import os
import sys
import threading
import time

import redis
from python_legacy import RedisDataStore
from statsig import StatsigOptions, StatsigUser, statsig

client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
options = StatsigOptions(
    data_store=RedisDataStore(client, os.environ["SDK_KEY"]),
    api=os.environ["NETWORK_URL"] + "/v1/",
    rulesets_sync_interval=1,
    disable_diagnostics=True,
)
statsig.initialize(os.environ["SDK_KEY"], options)
user = StatsigUser("a-user")

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
told = None
while not ended.is_set():
    greeting = statsig.get_config(user, "demo_config").get("greeting", "")
    seen = {"gate": statsig.check_gate(user, "demo_gate"), "greeting": greeting}
    if seen != told:
        print(json.dumps(seen), flush=True)
        told = seen
    time.sleep(0.2)
# At once: the SDK's threads are of no interest to the test.
os._exit(0)
