import com.statsig.OutputLogger;
import com.statsig.Statsig;
import com.statsig.StatsigOptions;
import com.statsig.StatsigUser;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.RedisClient;

/** An application with com.statsig:javacore that reads from Redis: tells what it evaluates, whenever that changes, until standard input ends. */
public final class App {
  public static void main(String[] args) throws Exception {
    String network = System.getenv("NETWORK_URL");
    StatsigOptions options =
        new StatsigOptions.Builder()
            .setDataStore(new RedisDataStore(RedisClient.create(System.getenv("REDIS_URL"))))
            .setSpecsUrl(network + "/v2/download_config_specs")
            .setLogEventUrl(network + "/v1/log_event")
            .setIdListsUrl(network + "/v1/get_id_lists")
            .setSpecsSyncIntervalMs(1000)
            .setDisableAllLogging(true)
            .setDisableUserCountryLookup(true)
            .setOutputLoggerLevel(OutputLogger.LogLevel.NONE)
            .build();
    Statsig statsig = new Statsig(System.getenv("SDK_KEY"), options);
    statsig.initialize().get(60, TimeUnit.SECONDS);
    Thread reader =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {}
              } catch (java.io.IOException closed) {
                // As its end.
              }
              Runtime.getRuntime().halt(0);
            });
    reader.start();
    StatsigUser user = new StatsigUser.Builder().setUserID("a-user").build();
    String told = "";
    while (true) {
      String greeting = statsig.getDynamicConfig(user, "demo_config").getString("greeting", "");
      String seen =
          "{\"gate\":" + statsig.checkGate(user, "demo_gate") + ",\"greeting\":\"" + greeting + "\"}";
      if (!seen.equals(told)) {
        told = seen;
        System.out.println(seen);
      }
      Thread.sleep(200);
    }
  }
}
