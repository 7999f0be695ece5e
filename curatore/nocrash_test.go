//go:build race || !unix

package curatore_test

// becomeWorker does nothing where no test starts a worker.
func becomeWorker() {}
