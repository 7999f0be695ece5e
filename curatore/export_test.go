package curatore

import "time"

// WithHooks returns a Config for tests of crashes: what is called at the fail
// points of runs, how long a process that dies keeps its runs, and what makes
// calls of the database fail.
func WithHooks(c Config, failPoint func(name string), lease time.Duration, fault func(statement string) error) Config {
	c.hooks = hooks{failPoint, lease, fault}
	return c
}
