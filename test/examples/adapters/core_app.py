"""An application with statsig-python-core that reads from Redis: tells what it evaluates, whenever that changes, until standard input ends."""

import json
import os
import sys
import threading
import time

import redis
from python_core import RedisDataStore
from statsig_python_core import Statsig, StatsigOptions, StatsigUser

client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
network = os.environ["NETWORK_URL"]
options = StatsigOptions(
    data_store=RedisDataStore(client),
    specs_url=network + "/v2/download_config_specs",
    log_event_url=network + "/v1/log_event",
    id_lists_url=network + "/v1/get_id_lists",
    specs_sync_interval_ms=1000,
    disable_all_logging=True,
    disable_country_lookup=True,
    output_log_level="none",
)
statsig = Statsig(os.environ["SDK_KEY"], options)
statsig.initialize().wait()
user = StatsigUser(user_id="a-user")

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
told = None
while not ended.is_set():
    config = statsig.get_dynamic_config(user, "demo_config")
    seen = {"gate": statsig.check_gate(user, "demo_gate"), "greeting": config.get_string("greeting", "")}
    if seen != told:
        print(json.dumps(seen), flush=True)
        told = seen
    time.sleep(0.2)
# At once: the SDK's threads are of no interest to the test.
os._exit(0)
