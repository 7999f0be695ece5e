package database

import "regexp"

// secrets finds the password in the forms in which an address can hold one:
// "//user:PASSWORD@", "password=PASSWORD" in a query or a list of settings. A
// password may hold the characters that a URL would have escaped, so everything
// up to the last "@" before the query counts as one.
var secrets = regexp.MustCompile(`(^[a-z0-9+]*:(?://)?[^/?@:]*:)[^?]*(@)|(?i:([a-z]*pass(?:word|wd)[a-z]*\s*=\s*))(?:'[^']*'|[^&\s]*)`)

// Redact hides the password of a database address, for messages and logs. It
// takes any text, also one that is not an address.
func Redact(dsn string) string {
	return secrets.ReplaceAllString(dsn, "${1}${3}xxxxx${2}")
}
