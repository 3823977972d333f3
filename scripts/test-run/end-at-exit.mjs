// Preloaded into each test file: once nothing is left to do, the process ends at once, without Node's clean-up of its own handles.

// After HTTP/2 servers' sessions that ended amid something, that clean-up may turn in a circle for ever (Node 20.20 and 24.21,
// 8 of 40 ends of a random walk, by perf in node::Environment::CleanupHandles). A test that leaves something open still holds
// its file: `beforeExit` comes only when nothing is.
process.once('beforeExit', () => {
  process.once('exit', (code) => {
    process.exit(code);
  });
});
