// An application with Statsig's SDK for Go that reads from Redis: tells what it evaluates, whenever that changes, until standard input ends.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"adapters/dataadapter"
	"github.com/redis/go-redis/v9"
	statsig "github.com/statsig-io/go-sdk"
)

func main() {
	where, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		panic(err)
	}
	key := os.Getenv("SDK_KEY")
	onError := func(err error) { fmt.Fprintln(os.Stderr, err) }
	statsig.InitializeWithOptions(key, &statsig.Options{
		DataAdapter:        dataadapter.New(redis.NewClient(where), key, onError),
		API:                os.Getenv("NETWORK_URL") + "/v1",
		ConfigSyncInterval: time.Second,
		InitTimeout:        30 * time.Second,
	})
	go func() {
		_, _ = io.ReadAll(os.Stdin)
		os.Exit(0)
	}()
	user := statsig.User{UserID: "a-user"}
	told := ""
	for {
		config := statsig.GetConfig(user, "demo_config")
		seen, err := json.Marshal(map[string]any{
			"gate":     statsig.CheckGate(user, "demo_gate"),
			"greeting": config.GetString("greeting", ""),
		})
		if err != nil {
			panic(err)
		}
		if string(seen) != told {
			told = string(seen)
			fmt.Println(told)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
