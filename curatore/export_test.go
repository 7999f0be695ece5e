package curatore

import "time"

// WithHooks returns a Config for tests of crashes: what is called at the fail
// points of runs, how long a process that dies keeps its runs, and what makes
// calls of the database fail.
func WithHooks(c Config, failPoint func(name string), lease time.Duration, fault func(statement string) error) Config {
	c.hooks.failPoint, c.hooks.lease, c.hooks.fault = failPoint, lease, fault
	return c
}

// WithPatience returns a Config whose imports wait no longer than this for an
// object store before they are parked.
func WithPatience(c Config, patience time.Duration) Config {
	c.hooks.patience = patience
	return c
}
