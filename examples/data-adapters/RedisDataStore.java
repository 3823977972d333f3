import com.statsig.DataStore;
import com.statsig.DataStoreResponse;
import java.util.concurrent.CompletableFuture;
import redis.clients.jedis.UnifiedJedis;

/** A data store for com.statsig:javacore: reads the specs that spec-forward-proxy keeps in Redis, and writes nothing. */
public final class RedisDataStore implements DataStore {
  private final UnifiedJedis client;

  /** The client stays the application's, which closes it after the SDK. */
  public RedisDataStore(UnifiedJedis client) {
    this.client = client;
  }

  @Override
  public CompletableFuture<DataStoreResponse> get(String key) {
    return CompletableFuture.supplyAsync(
        () -> {
          String config = client.hget(key, "config");
          // An error sends the SDK to the network at its start; later it keeps what it has.
          if (config == null) throw new IllegalStateException("Redis holds no such spec");
          return new DataStoreResponse(config, null);
        });
  }

  /** Only the proxy writes. */
  @Override
  public CompletableFuture<Void> set(String key, String value, Long time) {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<Boolean> supportPollingUpdatesFor(String key) {
    return CompletableFuture.completedFuture(key.equals("/v2/download_config_specs"));
  }

  @Override
  public CompletableFuture<Void> initialize() {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<Void> shutdown() {
    return CompletableFuture.completedFuture(null);
  }
}
