// Package dataadapter lets statsig-io/go-sdk read the specs that spec-forward-proxy keeps in Redis; it writes nothing.
package dataadapter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// What the SDK calls its specs, whatever its key is.
	specs = "statsig.cache"
	// The SDK starts without a spec rather than wait longer for a Redis that hangs.
	readTimeout = 2 * time.Second
)

// RedisAdapter is a statsig.IDataAdapter.
type RedisAdapter struct {
	client redis.UniversalClient
	name   string
	// Takes errors of Redis; none of them reaches the application.
	onError func(error)
}

// New takes a client that stays the application's, which closes it after the SDK.
func New(client redis.UniversalClient, sdkKey string, onError func(error)) *RedisAdapter {
	hash := sha256.Sum256([]byte(sdkKey))
	name := "statsig|/v1/download_config_specs|plain_text|" + base64.StdEncoding.EncodeToString(hash[:])
	return &RedisAdapter{client: client, name: name, onError: onError}
}

// Get answers with nothing where there is no spec: the SDK goes on to the network at its start, and later keeps what it has.
func (a *RedisAdapter) Get(key string) string {
	if key != specs {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	config, err := a.client.HGet(ctx, a.name, "config").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		a.onError(err)
	}
	return config
}

// Set does nothing: only the proxy writes.
func (a *RedisAdapter) Set(key string, value string) {}

func (a *RedisAdapter) Initialize() {}

func (a *RedisAdapter) Shutdown() {}

func (a *RedisAdapter) ShouldBeUsedForQueryingUpdates(key string) bool {
	return key == specs
}
