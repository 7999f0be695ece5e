package functions

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"limit", "query", "cursor", "salesforce_account", "salesforce_contact", "stage", "id"}
	for _, c := range []struct{ name, want string }{
		{"limt", "limit"},
		{"lmiit", "limit"},
		{"LIMIT", "limit"},
		{"Salesforce-Account", "salesforce_account"},
		{"account", "salesforce_account"},
		{"salesforce", "salesforce_account"},
		{"contcat", ""},
		{"salesforce_acount", "salesforce_account"},
		{"ID", "id"},
		{"ix", ""},
		{"", ""},
		{"something_else", ""},
	} {
		if got := nearest(c.name, names); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"", "ab", 2}, {"abc", "acb", 1}, {"abc", "axc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
