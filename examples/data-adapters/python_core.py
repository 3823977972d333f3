"""A data store for statsig-python-core: reads the specs that spec-forward-proxy keeps in Redis, and writes nothing."""

from statsig_python_core import DataStore, DataStoreResponse


class RedisDataStore(DataStore):
    def __init__(self, client):
        """client: of the package redis; the application's, which closes it after the SDK."""
        super().__init__()
        self._client = client

    def get(self, key):
        config = self._client.hget(key, "config")
        # An error sends the SDK to the network at its start; later it keeps what it has, and logs why.
        if config is None:
            raise LookupError("Redis holds no such spec")
        return DataStoreResponse(result=config if isinstance(config, str) else config.decode(), time=None)

    def support_polling_updates_for(self, key):
        return key == "/v2/download_config_specs"
