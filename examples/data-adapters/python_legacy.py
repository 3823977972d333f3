"""A data store for statsig, the legacy SDK for Python: reads the specs that spec-forward-proxy keeps in Redis, and writes nothing."""

import base64
import hashlib

from statsig import IDataStore

# What the SDK calls its specs, whatever its key is.
_SPECS = "statsig.cache"


class RedisDataStore(IDataStore):
    def __init__(self, client, sdk_key):
        """client: of the package redis; the application's, which closes it after the SDK."""
        self._client = client
        digest = base64.b64encode(hashlib.sha256(sdk_key.encode()).digest()).decode()
        self._name = f"statsig|/v1/download_config_specs|plain_text|{digest}"

    def get(self, key):
        if key != _SPECS:
            return None
        config = self._client.hget(self._name, "config")
        # Without one the SDK goes on to the network at its start, and later keeps what it has.
        return config if config is None or isinstance(config, str) else config.decode()

    def set(self, key, value):
        # Only the proxy writes.
        pass

    def should_be_used_for_querying_updates(self, key):
        return key == _SPECS
