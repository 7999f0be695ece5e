package curatore

// Must returns v. It panics with err when there is one, as template.Must does: for
// short programs and tests, whose only answer to an error is to end.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
